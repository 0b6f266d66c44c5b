// Package feed is the server's feed of changes without its storage: the cursor, the encoding
// of a page, and the notification that the feed has grown.
package feed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
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
// A client that reads the feed from its beginning is listed the live rows first, in the order of
// the list: Listing, and it has those up to (Sort, ID). Change is then the counter at the
// beginning, where the feed goes on once all are listed. So the client needs no tombstone from
// before that.
type Cursor struct {
	Epoch   uint64
	Change  int64
	Listing bool
	Sort    string
	ID      string
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

// What the text of a cursor begins with.
const (
	inFeed = 1
	inList = 2
)

// String is the cursor's opaque text. Equal cursors have equal texts.
func (c Cursor) String() string {
	format := byte(inFeed)
	if c.Listing {
		format = inList
	}
	b := binary.BigEndian.AppendUint64([]byte{format}, c.Epoch)
	b = binary.AppendUvarint(b, uint64(c.Change))
	if c.Listing {
		b = binary.AppendUvarint(b, uint64(len(c.Sort)))
		b = append(append(b, c.Sort...), c.ID...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor is the inverse of String. It fails with ErrBadCursor, or with ErrResync for a text
// of an earlier version, which listed in the order of the feed.
func ParseCursor(text string) (Cursor, error) {
	bad := fmt.Errorf("parse cursor %.80q: %w", text, ErrBadCursor)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 10 || b[0] != inFeed && b[0] != inList {
		return Cursor{}, bad
	}
	c := Cursor{Epoch: binary.BigEndian.Uint64(b[1:]), Listing: b[0] == inList}
	change, rest, ok := cutNumber(b[9:])
	c.Change = int64(change)
	switch {
	case !ok:
		return Cursor{}, bad
	case c.Listing:
		n, place, ok := cutNumber(rest)
		if !ok || n > uint64(len(place)) || !utf8.Valid(place[:n]) || !utf8.Valid(place[n:]) {
			return Cursor{}, bad
		}
		c.Sort, c.ID = string(place[:n]), string(place[n:])
	case len(rest) > 0:
		if begun, rest, ok := cutNumber(rest); !ok || len(rest) > 0 || begun <= change {
			return Cursor{}, bad
		}
		return Cursor{}, fmt.Errorf("a cursor of an earlier version: %w", ErrResync)
	}
	if c.String() != text {
		return Cursor{}, bad
	}
	return c, nil
}

// cutNumber cuts a number off the front of b.
func cutNumber(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > 1<<62 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// Resume returns the position of a client's cursor; the empty text is the beginning. A cursor
// of an earlier epoch goes on where that epoch ended at the latest: changes after that were
// lost, and the digest shows which rows had them. It fails with ErrBadCursor or ErrResync.
func (s State) Resume(text string) (Cursor, error) {
	if text == "" {
		return Cursor{Epoch: s.Epoch, Change: s.Change, Listing: true}, nil
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
		c.Epoch, c.Change = s.Epoch, min(c.Change, end)
	}
	switch {
	case c.Change > s.Change:
		return Cursor{}, fmt.Errorf("cursor is %d changes ahead: %w", c.Change-s.Change, ErrResync)
	case c.Change < s.Horizon:
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

// Revision differs whenever a page of the feed may differ. Clock is when the latest change
// was made, in microseconds: it distinguishes two changes with one number, the first of
// which was lost in a failover.
func (s State) Revision(clock int64) string {
	return fmt.Sprintf("%x.%x.%x.%x", s.Epoch, s.Change, s.Horizon, clock)
}

// Head is the cursor after the latest change.
func (s State) Head() Cursor { return Cursor{Epoch: s.Epoch, Change: s.Change} }
