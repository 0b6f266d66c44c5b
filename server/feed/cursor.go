// Package feed is the server's feed of changes without its storage: the position
// in it, the page as it goes over the wire, and the telling that there is more.
package feed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of Resume.
var (
	// ErrBadCursor says that a text never was a cursor.
	ErrBadCursor = errors.New("not a cursor")
	// ErrResync says that the feed can't go on from a cursor; the client starts
	// again from the empty one, and drops what it has that doesn't come again.
	ErrResync = errors.New("the feed no longer reaches back to this cursor")
)

// Cursor is a position in the feed of one epoch: behind the change with number
// Change. A client treats its text as opaque.
//
// Floor is for a client that reads the feed from its beginning: the counter when
// it began. It needs no tombstone from before that, so collecting those doesn't
// cut it off, though its Change is still behind them.
type Cursor struct {
	Epoch  uint64
	Change int64
	Floor  int64
}

// State is where the feed stands. Epoch changes when the numbers lose their
// meaning, as with a restored backup. Change is the latest number given out,
// Horizon the highest number of a collected tombstone.
type State struct {
	Epoch   uint64
	Change  int64
	Horizon int64
}

const formatByte = 1

// String is the opaque text of the cursor. Cursors with one position have one text.
func (c Cursor) String() string {
	b := []byte{formatByte}
	b = binary.BigEndian.AppendUint64(b, c.Epoch)
	b = binary.AppendUvarint(b, uint64(c.Change))
	if c.Floor > c.Change {
		b = binary.AppendUvarint(b, uint64(c.Floor))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor is the reverse of String; it fails with ErrBadCursor.
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

// Resume returns the position to read on from, given a client's cursor text; the
// empty text is the beginning. It fails with ErrBadCursor or ErrResync.
func (s State) Resume(text string) (Cursor, error) {
	if text == "" {
		return Cursor{Epoch: s.Epoch, Floor: s.Change}, nil
	}
	c, err := ParseCursor(text)
	if err != nil {
		return Cursor{}, err
	}
	switch {
	case c.Epoch != s.Epoch:
		return Cursor{}, fmt.Errorf("cursor of another epoch: %w", ErrResync)
	case max(c.Change, c.Floor) > s.Change:
		return Cursor{}, fmt.Errorf("cursor is %d changes ahead: %w", max(c.Change, c.Floor)-s.Change, ErrResync)
	case max(c.Change, c.Floor) < s.Horizon:
		return Cursor{}, fmt.Errorf("tombstones were collected past the cursor: %w", ErrResync)
	}
	return c, nil
}

// Advance is the cursor behind a page read from c: behind its last change, or,
// when there are no more, behind everything there is.
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

// Head is the cursor behind everything there is.
func (s State) Head() Cursor { return Cursor{Epoch: s.Epoch, Change: s.Change} }
