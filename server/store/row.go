package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Row is a stored user: live, or a tombstone, which has no Document and keeps nothing of the
// person except the id and the times.
//
// Document is the user's JSON as sent to clients. It is stored, so that a page of the feed or
// the list is a concatenation. EmailKey, Sort and Search are derived from it for indexes, and
// empty in a tombstone; EmailKey may be a SharedKey. A store saves them, and returns only
// EmailKey, for NewGroupTx.
type Row struct {
	ID       string
	Version  int64
	Change   int64 // number of its latest change; unique
	Deleted  bool
	Document json.RawMessage
	Stamp    api.Stamp

	// CreatedAt is the client's time, at most the server's. UpdatedAt is the server's
	// and unique: see Counter. Both are truncated to microseconds: see Timestamp.
	CreatedAt time.Time
	UpdatedAt time.Time

	EmailKey string
	Sort     string
	Search   string
}

// User decodes the row's document. A tombstone gives the zero User.
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

// liveRow makes the row of a user with everything derived from it.
func liveRow(u api.User, stamp api.Stamp, change int64) (*Row, error) {
	document, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("encode the document of user %s: %w", u.ID, err)
	}
	sort, search := api.Index(u.Name, u.Email)
	return &Row{
		ID: u.ID, Version: u.Version, Change: change, Document: document, Stamp: stamp,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		EmailKey: api.EmailKey(u.Email), Sort: sort, Search: search,
	}, nil
}

// RecordKey identifies a write and its replays. Scope is whose key it is, so that nobody's key
// stands for the write of another: the device's client id for an operation, empty for a plain
// request, which says of its client nothing that it could not say of another's.
type RecordKey struct{ Scope, Key string }

// Record is the idempotency record of a write that took effect, or never may: see Write.ahead. It
// answers the replays, and keeps nothing of the person but the id.
type Record struct {
	RecordKey
	EntityID string
	Request  string     // see Write.request and Write.ahead; empty in records of older programs
	Version  int64      // of the entity after the write; 0 if it never existed
	Status   api.Status // applied or duplicate; conflict of a write that never may
	At       time.Time
}

// Counter numbers and dates changes. It is stored in one row and advanced in the writing
// transaction, so its order is the order of the commits.
//
// Clock is the latest UpdatedAt. Each change gets a later one, even if the machine's clock
// steps back: a client that polls with the last updatedAt it has seen misses no row.
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

// Timestamp is t in UTC, truncated to microseconds, which every store can keep.
func Timestamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// FeedChange returns the row as a change of the feed.
func (r *Row) FeedChange() api.Change {
	return api.Change{
		EntityType: api.EntityUser, EntityID: r.ID, Version: r.Version,
		Deleted: r.Deleted, Stamp: r.Stamp, Document: r.Document,
	}
}
