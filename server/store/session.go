package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Errors of stores, beside those of the feed's cursor.
var (
	// ErrNotFound says that there is no such user, or that it was deleted.
	ErrNotFound = errors.New("user not found")
	// ErrBusy says that too many writes are waiting. Nothing was done.
	ErrBusy = errors.New("too many writes are waiting")
	// ErrUnavailable says that the store can't write now. Whether the write took effect
	// is unknown; a replay finds out.
	ErrUnavailable = errors.New("the store can't write now")
	// ErrNoDirectory says that there is no database, or nothing in it.
	ErrNoDirectory = errors.New("there is no directory yet; `rollcall serve` creates one")
)

// Tx is what a Session needs of a store's writing transaction.
type Tx interface {
	// Row returns a user or tombstone, or nil.
	Row(id string) (*Row, error)
	// EmailOwner returns the id of a live user with the given email key, or "".
	EmailOwner(emailKey string) (string, error)
	// PutRow inserts or replaces the row.
	PutRow(row *Row) error
	// Record returns the record of a key, or nil; PutRecord adds one. Row returns the entity
	// of a record that the transaction has.
	Record(key RecordKey) (*Record, error)
	PutRecord(r Record) error
	// PutEffect adds an effect of the row that was put.
	PutEffect(e Effect) error
}

// Session does writes inside one writing transaction. The caller reads Feed when the
// transaction has the right to write, and saves it before the commit: each write advances it.
type Session struct {
	Tx   Tx
	Feed FeedState
	Now  time.Time
}

// Do does one write. On an error of the store, the caller must undo what the write did in the
// transaction; Feed is unchanged.
func (s *Session) Do(w Write) (Outcome, error) {
	if w.Key != "" {
		r, err := s.Tx.Record(w.recordKey())
		if err != nil {
			return Outcome{}, fmt.Errorf("read the record of operation %s: %w", w.ID, err)
		}
		if r != nil {
			return s.replay(r, w)
		}
	}
	if w.Replica && w.BaseVersion > s.ceiling() {
		return plain(Rejected(w.ID, Invalid("Invalid operation", api.FieldError{
			Field: "baseVersion", Detail: "must be a version that this server has given out"}))), nil
	}
	current, err := s.Tx.Row(w.EntityID)
	if err != nil {
		return Outcome{}, fmt.Errorf("read user %s: %w", w.EntityID, err)
	}
	now := Now{
		Time: s.Now, Next: Counter{Change: s.Feed.Change, Clock: s.Feed.Clock}.Next(s.Now),
		Floor: s.Feed.Floor, Collected: s.Feed.Horizon > 0,
	}
	next, result, err := Decide(current, w, now)
	if err != nil {
		return Outcome{}, err
	}
	if next != nil && !next.Deleted && w.Patch.Email != nil && !keepsEmail(current, next) {
		owner, err := s.Tx.EmailOwner(next.EmailKey)
		if err != nil {
			return Outcome{}, fmt.Errorf("check the email of user %s: %w", w.EntityID, err)
		}
		if owner != "" && owner != next.ID {
			return plain(Rejected(w.ID, emailTaken(*w.Patch.Email))), nil
		}
	}
	if err := s.save(w, current, next, result); err != nil {
		return Outcome{}, err
	}
	if next != nil {
		s.Feed.Change, s.Feed.Clock = now.Next.Change, now.Next.Clock
		s.Feed.Floor = max(s.Feed.Floor, next.Version-s.Feed.Change)
		s.count(current, next)
	}
	return plain(result), nil
}

// clockError is how far this machine's clock may once have been ahead of where it is now.
const clockError = 24 * time.Hour

// ceiling is a version above which none was ever given out. The data may have gone back in time,
// or be those of a new directory: then clients know versions that this one doesn't, but none of
// them is above the time. What is based on those is a conflict, as ever. A plain request above
// it just doesn't meet its condition.
func (s *Session) ceiling() int64 {
	return max(s.Feed.Floor+s.Feed.Change, VersionAt(s.Now.Add(clockError)))
}

// count updates the digest for a row that replaces another, or nil.
func (s *Session) count(current, next *Row) {
	if current != nil && !current.Deleted {
		s.Feed.Digest.Remove(current.ID, current.Version, api.ContentHash(current.Document))
	}
	if !next.Deleted {
		s.Feed.Digest.Add(next.ID, next.Version, api.ContentHash(next.Document))
	}
}

// save puts the row with its effect and, for an applied or duplicate write, its record. Conflicts have
// none: they had no effect, so a replay is decided again, and is no less a conflict. Only one that is
// ahead of its entity might later not be.
func (s *Session) save(w Write, current, next *Row, result api.Result) error {
	if next != nil {
		if err := s.Tx.PutRow(next); err != nil {
			return fmt.Errorf("save user %s: %w", w.EntityID, err)
		}
	}
	if next != nil && w.Author != nil {
		if err := s.Tx.PutEffect(effectOf(w, current, next)); err != nil {
			return fmt.Errorf("save who changed user %s: %w", w.EntityID, err)
		}
	}
	r := Record{RecordKey: w.recordKey(), EntityID: w.EntityID, Request: w.request(),
		Version: result.Version, Status: result.Status, At: Timestamp(s.Now)}
	switch {
	case w.Key == "":
		return nil
	case result.Status == api.Applied || result.Status == api.Duplicate:
	case result.Status == api.Conflict && w.Replica && w.BaseVersion > result.Version:
		r.Request = w.ahead()
	default:
		return nil
	}
	if err := s.Tx.PutRecord(r); err != nil {
		return fmt.Errorf("save the record of operation %s: %w", w.ID, err)
	}
	return nil
}

// replay answers a write that took effect before with its entity as it is by now: a replica must
// not go back to an older state, and nobody who was deleted comes back. One that was a conflict ahead
// of its entity stays one. See decision 017.
func (s *Session) replay(r *Record, w Write) (Outcome, error) {
	current, err := s.Tx.Row(r.EntityID)
	if err != nil {
		return Outcome{}, fmt.Errorf("read user %s: %w", r.EntityID, err)
	}
	if r.Status == api.Conflict && r.EntityID == w.EntityID && r.Request == w.ahead() {
		return plain(conflict(w, current)), nil
	}
	another, err := isAnother(r, w, current)
	if err != nil {
		return Outcome{}, err
	}
	if another {
		return plain(Rejected(w.ID, api.NewProblem(api.CodeKeyReused, "Idempotency key reused", "another request already used this key"))), nil
	}
	return Outcome{Result: resultOf(w, api.Duplicate, current), First: r.Status, Replayed: true}, nil
}

// isAnother reports whether a write is not the one that the record is of. Its texts are compared
// with those that the first one left, until others take their place.
func isAnother(r *Record, w Write, current *Row) (bool, error) {
	switch {
	case !w.Unnamed && w.EntityID != r.EntityID, r.Request != "" && w.request() != r.Request:
		return true, nil
	case current == nil || current.Deleted || current.Version != r.Version:
		return false, nil
	case w.Type == api.Delete:
		return true, nil
	}
	had, err := current.User()
	return !sameFields(had, w.Patch.Apply(had)), err
}

func plain(r api.Result) Outcome { return Outcome{Result: r, First: r.Status} }

// Failed is the outcome of a write that the store failed to do.
func Failed(w Write) Outcome {
	return plain(api.Result{ID: w.ID, Status: api.Retry, Problem: api.NewProblem(api.CodeUnavailable,
		"Temporarily unavailable", "the server could not save this; send it again later")})
}

// Refused is the outcome of a write whose data the store will never take.
func Refused(w Write) Outcome {
	return plain(Rejected(w.ID, api.NewProblem(api.CodeInvalid, "Refused by the database",
		"the server's database does not take this; change it and send it again")))
}

func emailTaken(email string) *api.Problem {
	return api.NewProblem(api.CodeEmailTaken, "Email taken", "another user has the email "+email,
		api.FieldError{Field: "email", Detail: "is taken by another user: " + email})
}
