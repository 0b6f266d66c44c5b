package limit

import (
	"net/netip"
	"sync"
)

// Network identifies a client by its IPv4 address, or by the /64 network of its IPv6 address:
// one client has countless addresses there.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// Shares bounds what is held at once, such as bytes or streams: by all clients together, and by
// each, so that no client can hold everything. Its methods may be called by many goroutines.
type Shares struct {
	total, share int64

	mu    sync.Mutex
	held  int64
	byKey map[string]int64
}

// NewShares returns shares of a total. A share may be as large as the total.
func NewShares(total, share int64) *Shares {
	return &Shares{total: total, share: share, byKey: map[string]int64{}}
}

// Share is the most that one client may take.
func (s *Shares) Share() int64 { return s.share }

// Take takes n for a client, or fails with ErrFull and takes nothing. For the empty key, only
// the total counts.
func (s *Shares) Take(key string, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+n > s.total || key != "" && s.byKey[key]+n > s.share {
		return ErrFull
	}
	s.add(key, n)
	return nil
}

// Release gives back n of what a client took.
func (s *Shares) Release(key string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(key, -n)
}

func (s *Shares) add(key string, n int64) {
	s.held += n
	if key == "" {
		return
	}
	if s.byKey[key] += n; s.byKey[key] == 0 {
		delete(s.byKey, key)
	}
}

// Held returns how much is held by all.
func (s *Shares) Held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}
