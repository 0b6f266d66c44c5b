package store

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Now is the time of a decision: the wall clock, which bounds the clients' times, the counter
// for the change, if there is one, and the least version that it may give. Collected says that
// tombstones were, so that somebody who is not known may have had versions.
type Now struct {
	Time      time.Time
	Next      Counter
	Floor     int64
	Collected bool
}

// version is the version after another one, 0 for none.
func (n Now) version(prior int64) int64 { return max(prior+1, n.Floor) }

// Decide decides what a write does to its row, which is nil if the entity never existed. It
// returns the row to put, or nil if the write has no effect, and the result. It is pure, and
// does not check that the email is unique. An error means that the current row can't be read.
func Decide(current *Row, w Write, now Now) (*Row, api.Result, error) {
	if w.AnyVersion && current != nil {
		w.BaseVersion = current.Version
	}
	switch w.Type {
	case api.Create:
		return decideCreate(current, w, now)
	case api.Update:
		return decideUpdate(current, w, now)
	case api.Delete:
		return decideDelete(current, w, now)
	}
	return nil, api.Result{}, fmt.Errorf("decide operation %s: unknown type %q", w.ID, w.Type)
}

func decideCreate(current *Row, w Write, now Now) (*Row, api.Result, error) {
	switch {
	case current == nil:
		u := api.User{ID: w.EntityID, Version: now.version(0), CreatedAt: createdAt(w, now)}
		if w.BaseVersion > 0 || now.Collected {
			// The user may be back after its tombstone was collected: restored, or by a
			// create that comes late. No version may stand for two states, and none is
			// higher than this one.
			u.Version = max(w.BaseVersion+1, now.Floor+now.Next.Change)
		}
		return put(nil, w.Patch.Apply(u), w, now)
	case !current.Deleted:
		had, err := current.User()
		if err != nil {
			return nil, api.Result{}, err
		}
		if sameFields(had, w.Patch.Apply(api.User{})) {
			return nil, resultOf(w, api.Duplicate, current), nil
		}
		return nil, conflict(w, current), nil
	case w.BaseVersion == current.Version:
		// A restore of the deleted user keeps its creation time.
		u := api.User{ID: w.EntityID, Version: now.version(current.Version), CreatedAt: current.CreatedAt}
		return put(current, w.Patch.Apply(u), w, now)
	}
	return nil, conflict(w, current), nil
}

func decideUpdate(current *Row, w Write, now Now) (*Row, api.Result, error) {
	if current == nil || current.Deleted {
		return nil, conflict(w, current), nil
	}
	had, err := current.User()
	if err != nil {
		return nil, api.Result{}, err
	}
	want := w.Patch.Apply(had)
	switch {
	case w.BaseVersion == current.Version:
		want.Version = now.version(current.Version)
		return put(current, want, w, now)
	case sameFields(had, want):
		return nil, resultOf(w, api.Duplicate, current), nil
	}
	return nil, conflict(w, current), nil
}

func decideDelete(current *Row, w Write, now Now) (*Row, api.Result, error) {
	switch {
	case current == nil || current.Deleted:
		return nil, resultOf(w, api.Duplicate, current), nil
	case w.BaseVersion != current.Version:
		return nil, conflict(w, current), nil
	}
	next := &Row{
		ID: current.ID, Version: now.version(current.Version), Change: now.Next.Change, Deleted: true,
		Stamp: stampOf(current, w, now), CreatedAt: current.CreatedAt, UpdatedAt: now.Next.Clock,
	}
	return next, resultOf(w, api.Applied, next), nil
}

// put makes the row of u and the result.
func put(current *Row, u api.User, w Write, now Now) (*Row, api.Result, error) {
	u.UpdatedAt = now.Next.Clock
	next, err := liveRow(u, stampOf(current, w, now), now.Next.Change)
	if err != nil {
		return nil, api.Result{}, err
	}
	if keepsEmail(current, next) {
		next.EmailKey = current.EmailKey
	}
	return next, resultOf(w, api.Applied, next), nil
}

// stampOf is the row's stamp after the write. It never decreases: a merge can be stamped
// before the row that it was merged into.
func stampOf(current *Row, w Write, now Now) api.Stamp {
	var prior api.Stamp
	if current != nil {
		prior = current.Stamp
	}
	if w.Stamp != "" {
		return max(prior, w.Stamp.Bound(now.Time))
	}
	return api.NewStamp(now.Time, prior, "server")
}

// createdAt is the client's time, unless it is in the future.
func createdAt(w Write, now Now) time.Time {
	if w.CreatedAt.IsZero() || w.CreatedAt.After(now.Time) {
		return Timestamp(now.Time)
	}
	return Timestamp(w.CreatedAt)
}

func sameFields(a, b api.User) bool {
	return a.Name == b.Name && a.Email == b.Email && a.Bio == b.Bio
}

func resultOf(w Write, status api.Status, row *Row) api.Result {
	r := api.Result{ID: w.ID, Status: status}
	if row != nil {
		r.Version, r.Stamp, r.Document = row.Version, row.Stamp, row.Document
	}
	return r
}

func conflict(w Write, current *Row) api.Result {
	r := resultOf(w, api.Conflict, current)
	title := "The user has changed"
	switch {
	case current == nil:
		title = "The user does not exist"
	case current.Deleted:
		title = "The user was deleted"
	}
	r.Problem = api.NewProblem(api.CodeConflict, title, fmt.Sprintf("the write was based on version %d", w.BaseVersion))
	return r
}

// Rejected is the result of an operation that the server will never apply.
func Rejected(id string, problem *api.Problem) api.Result {
	return api.Result{ID: id, Status: api.Rejected, Problem: problem}
}
