package api

import (
	"fmt"
	"time"
)

// Stamp is a timestamp of a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks",
// 2014), as text whose byte order is its time order:
//
//	milliseconds since 1970 as 12 hex digits, "-", counter as 4 hex digits, "-", node
//
// The node, the first 8 characters of the client id, only breaks ties: at most 8 of 0-9 and a-z. The empty stamp is
// before every other.
type Stamp string

const maxCounter = 0xffff

// NewStamp returns the stamp of a write at the given wall time. It is later than prior even if
// the wall clock is behind.
func NewStamp(wall time.Time, prior Stamp, node string) Stamp {
	ms := max(wall.UnixMilli(), 0)
	pms, pcount, ok := prior.split()
	if !ok || ms > pms {
		return format(ms, 0, node)
	}
	if pcount >= maxCounter {
		return format(pms+1, 0, node)
	}
	return format(pms, pcount+1, node)
}

// Time returns the stamp's physical part, or the zero time for an empty or invalid stamp.
func (s Stamp) Time() time.Time {
	ms, _, ok := s.split()
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Valid reports whether the stamp is empty or well formed.
func (s Stamp) Valid() bool {
	if s == "" {
		return true
	}
	_, _, ok := s.split()
	return ok
}

// Bound returns the stamp, or now if it is later: a client's clock may not be ahead of the
// server's.
func (s Stamp) Bound(now time.Time) Stamp {
	ms, _, ok := s.split()
	if !ok || ms <= now.UnixMilli() {
		return s
	}
	return format(now.UnixMilli(), maxCounter, string(s[18:]))
}

func format(ms int64, count int, node string) Stamp {
	if len(node) > 8 {
		node = node[:8]
	}
	return Stamp(fmt.Sprintf("%012x-%04x-%s", ms, count, node))
}

func (s Stamp) split() (ms int64, count int, ok bool) {
	if len(s) < 18 || len(s) > 26 || s[12] != '-' || s[17] != '-' {
		return 0, 0, false
	}
	ms, ok1 := hexNumber(s[:12])
	c, ok2 := hexNumber(s[13:17])
	for _, b := range []byte(s[18:]) {
		ok2 = ok2 && (b >= '0' && b <= '9' || b >= 'a' && b <= 'z')
	}
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	return ms, int(c), true
}

// hexNumber reads lower-case digits and nothing else: strconv takes signs, too.
func hexNumber(digits Stamp) (n int64, ok bool) {
	for _, b := range []byte(digits) {
		switch {
		case b >= '0' && b <= '9':
			n = n<<4 | int64(b-'0')
		case b >= 'a' && b <= 'f':
			n = n<<4 | int64(b-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
