// Package feed is the server's feed of changes without its storage: the cursor, the encoding
// of a page, and the notification that the feed has grown.
package feed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of Resume.
var (
	// ErrBadCursor says that a text is not a cursor.
	ErrBadCursor = errors.New("not a cursor")
	// ErrResync says that the feed can't continue from a cursor. The client reads the
	// feed from the start, and drops the rows that it does not receive again.
	ErrResync = errors.New("the feed no longer reaches back to this cursor")
)

// Cursor is a position in the feed of one epoch: after the change with number Change. Its
// text is opaque to clients.
//
// Floor is the counter when a client started to read the feed from the beginning. The client
// needs no tombstone from before that, so collecting those does not make it start again,
// though its Change is lower than theirs.
type Cursor struct {
	Epoch  uint64
	Change int64
	Floor  int64
}

// State is how far the feed reaches. Change is the latest number, Horizon the highest one of a
// collected tombstone.
//
// Epoch names the run of the database that gives the numbers. A database that is started may
// have gone back in time, and give numbers that it has given before. Past is where earlier
// epochs ended. After a restore, numbers have no meaning across epochs, and Past is empty.
type State struct {
	Epoch   uint64
	Change  int64
	Horizon int64
	Past    Past
}

// Past is a list of epochs that ended, the latest last: for each, 16 bytes with the epoch and
// the number of its last change that is in the database.
type Past string

const (
	pastEntry = 16
	// maxPast is how many epochs are remembered. Cursors of older ones need a resync.
	maxPast = 64
)

// With returns the list with another epoch.
func (p Past) With(epoch uint64, change int64) Past {
	b := binary.BigEndian.AppendUint64([]byte(p), epoch)
	b = binary.BigEndian.AppendUint64(b, uint64(change))
	return Past(b[max(0, len(b)-maxPast*pastEntry):])
}

// ended returns the last change of an epoch, and false if the epoch isn't listed.
func (p Past) ended(epoch uint64) (int64, bool) {
	for ; len(p) >= pastEntry; p = p[:len(p)-pastEntry] {
		last := []byte(p[len(p)-pastEntry:])
		if binary.BigEndian.Uint64(last) == epoch {
			return int64(binary.BigEndian.Uint64(last[8:])), true
		}
	}
	return 0, false
}

const formatByte = 1

// String is the cursor's opaque text. Equal cursors have equal texts.
func (c Cursor) String() string {
	b := []byte{formatByte}
	b = binary.BigEndian.AppendUint64(b, c.Epoch)
	b = binary.AppendUvarint(b, uint64(c.Change))
	if c.Floor > c.Change {
		b = binary.AppendUvarint(b, uint64(c.Floor))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor is the inverse of String. It fails with ErrBadCursor.
func ParseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 10 || b[0] != formatByte {
		return Cursor{}, fmt.Errorf("parse cursor %.80q: %w", text, ErrBadCursor)
	}
	c := Cursor{Epoch: binary.BigEndian.Uint64(b[1:])}
	rest := b[9:]
	for i, part := range []*int64{&c.Change, &c.Floor} {
		v, n := binary.Uvarint(rest)
		if i == 1 && len(rest) == 0 {
			break
		}
		if n <= 0 || v > 1<<62 {
			return Cursor{}, fmt.Errorf("parse cursor %.80q: %w", text, ErrBadCursor)
		}
		*part, rest = int64(v), rest[n:]
	}
	if len(rest) > 0 || c.String() != text {
		return Cursor{}, fmt.Errorf("parse cursor %.80q: %w", text, ErrBadCursor)
	}
	return c, nil
}

// Resume returns the position of a client's cursor; the empty text is the beginning. A cursor
// of an earlier epoch goes on where that epoch ended at the latest: changes after that were
// lost, and the digest shows which rows had them. It fails with ErrBadCursor or ErrResync.
func (s State) Resume(text string) (Cursor, error) {
	if text == "" {
		return Cursor{Epoch: s.Epoch, Floor: s.Change}, nil
	}
	c, err := ParseCursor(text)
	if err != nil {
		return Cursor{}, err
	}
	if c.Epoch != s.Epoch {
		end, ok := s.Past.ended(c.Epoch)
		if !ok {
			return Cursor{}, fmt.Errorf("cursor of an unknown epoch: %w", ErrResync)
		}
		c = Cursor{Epoch: s.Epoch, Change: min(c.Change, end), Floor: min(c.Floor, end)}
	}
	switch {
	case max(c.Change, c.Floor) > s.Change:
		return Cursor{}, fmt.Errorf("cursor is %d changes ahead: %w", max(c.Change, c.Floor)-s.Change, ErrResync)
	case max(c.Change, c.Floor) < s.Horizon:
		return Cursor{}, fmt.Errorf("tombstones were collected past the cursor: %w", ErrResync)
	}
	return c, nil
}

// Covers fails with ErrResync unless rows read in this state are as new as a client's cursor.
func (s State) Covers(text string) error {
	c, err := s.Resume(text)
	if err == nil && text != "" && c.String() != text {
		return fmt.Errorf("cursor of an earlier epoch: %w", ErrResync)
	}
	return err
}

// Advance is the cursor after a page that was read from c: after its last change or, on the
// last page, at the head.
func (s State) Advance(c Cursor, last int64, more bool) Cursor {
	if !more {
		last = s.Change
	}
	return Cursor{Epoch: c.Epoch, Change: max(last, c.Change), Floor: c.Floor}
}

// Revision differs whenever a page of the feed may differ. Clock is when the latest change
// was made, in microseconds: it distinguishes two changes with one number, the first of
// which was lost in a failover.
func (s State) Revision(clock int64) string {
	return fmt.Sprintf("%x.%x.%x.%x", s.Epoch, s.Change, s.Horizon, clock)
}

// Head is the cursor after the latest change.
func (s State) Head() Cursor { return Cursor{Epoch: s.Epoch, Change: s.Change} }
