package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Row is a user as a store keeps it: live, or a tombstone, whose Document is
// null and which keeps nothing of the person but the id and the times.
//
// Document is the user's JSON as it goes over the wire. It is stored, because a
// page of the feed or of the list is then a concatenation. EmailKey, Sort and
// Search are derived from it for the store's indexes, empty in a tombstone;
// a store sets them in PutRow and need not return them, but for the EmailKey
// in NewGroupTx.
type Row struct {
	ID       string
	Version  int64
	Change   int64 // the number of its latest change; no two rows share one
	Deleted  bool
	Document json.RawMessage
	Stamp    api.Stamp

	// CreatedAt is what the client said, not after the server's time then.
	// UpdatedAt is the server's, and no two rows share one: see Counter. Both
	// have microseconds, which every store can keep.
	CreatedAt time.Time
	UpdatedAt time.Time

	EmailKey string
	Sort     string
	Search   string
}

// User decodes the row's document; the zero User for a tombstone.
func (r *Row) User() (api.User, error) {
	var u api.User
	if r.Deleted {
		return u, nil
	}
	if err := json.Unmarshal(r.Document, &u); err != nil {
		return u, fmt.Errorf("decode the document of user %s: %w", r.ID, err)
	}
	return u, nil
}

// liveRow makes the row of a user, with everything that is derived from it.
func liveRow(u api.User, stamp api.Stamp, change int64) (*Row, error) {
	document, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("encode the document of user %s: %w", u.ID, err)
	}
	return &Row{
		ID: u.ID, Version: u.Version, Change: change, Document: document, Stamp: stamp,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		EmailKey: api.EmailKey(u.Email),
		Sort:     strings.ToLower(u.Name),
		Search:   SearchText(u.Name + "\n" + u.Email),
	}, nil
}

// SearchText folds text for a search without regard to case. A row matches a
// query when its Search contains the folded query.
func SearchText(s string) string { return strings.ToLower(s) }

// Record remembers that a write took effect, so that its replay does not.
type Record struct {
	Key      string
	ClientID string
	EntityID string
	Hash     string // of the payload; another payload under the same key is refused
	Result   api.Result
	At       time.Time
}

// Counter numbers changes and dates them. It is stored in one row and advanced
// in the writing transaction, so its order is the order of the commits.
//
// Clock is the latest UpdatedAt given out. Each change gets a later one, if need
// be a microsecond later, also when the machine's clock steps back: who polls
// with the last updatedAt seen can't lose a row.
type Counter struct {
	Change int64
	Clock  time.Time
}

// Next returns the counter after one more change at the given time.
func (c Counter) Next(now time.Time) Counter {
	at := Timestamp(now)
	if !at.After(c.Clock) {
		at = c.Clock.Add(time.Microsecond)
	}
	return Counter{Change: c.Change + 1, Clock: at}
}

// Timestamp is t as stores keep it: UTC, to the microsecond.
func Timestamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// FeedChange is the row as a change of the feed.
func (r *Row) FeedChange() api.Change {
	return api.Change{
		EntityType: api.EntityUser, EntityID: r.ID, Version: r.Version,
		Deleted: r.Deleted, Stamp: r.Stamp, Document: r.Document,
	}
}
