package queue

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/rollcall/rollcall/api"
)

// MaxServerErrors is how many server errors an operation survives. The last one rejects
// it, so that the person can decide. Requests without a response do not count.
const MaxServerErrors = 5

// Wire returns the operation as it is sent.
func (o Operation) Wire() api.Operation {
	return api.Operation{
		ID: o.ID, EntityType: o.Ref.Type, EntityID: o.Ref.ID, Type: o.Type, Data: o.Data,
		BaseVersion: o.BaseVersion, CreatedAt: o.CreatedAt, Stamp: o.Stamp,
	}
}

// head returns the first operation if it has this id, else nil.
func (e *Entity) head(id string) *Operation {
	if h := e.Head(); h != nil && h.ID == id {
		return h
	}
	return nil
}

// Send freezes the first operation, which must have this id: from now on it may reach
// the server. It returns false if there is no such operation or it is Rejected.
func (e *Entity) Send(id string) (Operation, bool) {
	h := e.head(id)
	if h == nil || h.State == Rejected {
		return Operation{}, false
	}
	h.State = Sending
	return *h, true
}

// Freeze keeps the operations apart from what is written next, as if they were sent under a
// client id: somebody else has them, and may send them. It reports whether that changes any.
func (e *Entity) Freeze(client string) (changed bool) {
	for i := range e.Operations {
		o := &e.Operations[i]
		if o.Client == "" {
			o.Client, changed = client, true
		}
		if o.State == Queued {
			o.State, changed = Waiting, true
		}
	}
	return changed
}

// SentSince reports whether an entity is as it was before, but that its first operation was
// sent.
func (e *Entity) SentSince(before *Entity) bool {
	h := e.Head()
	if h == nil || h.State != Sending || len(e.Operations) != len(before.Operations) || len(e.Outcomes) > 0 ||
		len(e.Conflicts) > 0 || len(before.Conflicts) > 0 || !e.Confirmed.Equal(before.Confirmed) {
		return false
	}
	for i, o := range before.Operations {
		if i == 0 {
			o.State = Sending
		}
		if !e.Operations[i].same(o) {
			return false
		}
	}
	return true
}

// same reports whether nothing differs between two operations. It is false, too, for those
// that have failed.
func (o Operation) same(other Operation) bool {
	return o.Seq == other.Seq && o.ID == other.ID && o.Type == other.Type && o.State == other.State &&
		o.BaseVersion == other.BaseVersion && o.Unseen == other.Unseen && o.Stamp == other.Stamp && o.RetryCount == other.RetryCount &&
		o.LastError == nil && other.LastError == nil && o.CreatedAt.Equal(other.CreatedAt) && o.NextAttemptAt.Equal(other.NextAttemptAt) &&
		bytes.Equal(o.Data, other.Data) && bytes.Equal(o.Base, other.Base)
}

// SendFirst sends the first operations of different entities, which have these ids and are
// in order of Seq, and returns those of the batch. It stops before one that takes a unique
// value and is younger than what may free it: an operation that waits behind another of the
// batch, or one that has taken the place of an id meanwhile, which the next batch sends.
func SendFirst(entities []*Entity, ids []string) []Operation {
	var batch []Operation
	next := int64(math.MaxInt64)
	for i, e := range entities {
		if h := e.head(ids[i]); h != nil && h.Seq > next && h.takes(e.unique) {
			break
		}
		o, sent := e.Send(ids[i])
		if sent {
			batch = append(batch, o)
		}
		for _, later := range e.Operations {
			if later.ID != o.ID && later.Frees(e.unique) {
				next = min(next, later.Seq)
			}
		}
	}
	return batch
}

// Acknowledge removes an operation that the server applied. row is the entity after it,
// nil if deleted; version is the version of the entity or of its tombstone. Later
// operations are rebased on it.
func (e *Entity) Acknowledge(id string, row *Row, version int64) bool {
	if e.head(id) == nil {
		return false
	}
	e.Operations = e.Operations[1:]
	e.recordOutcome(Outcome{ID: id, Kind: OutcomeAcknowledged, Version: version})
	e.Confirmed = newer(e.Confirmed, row, version)
	if next := e.Head(); next != nil && !next.Unseen { // else the server is to find the conflict
		if next.Type != api.Create || version > 0 { // 0: the server has forgotten the tombstone
			next.BaseVersion = version
		}
		next.Base = nil
		if row != nil && next.Type != api.Create {
			next.Base = row.Document
		}
	}
	return true
}

// AcknowledgeDuplicate removes an operation that took effect at an earlier attempt, or
// that changed nothing at the server. row is the entity as it is now; others may have
// changed or deleted it since. A later operation is rebased on it only if the given
// fields still have the values its author saw. Otherwise it keeps an older base version,
// and the server detects the conflict.
func (e *Entity) AcknowledgeDuplicate(id string, row *Row, version int64, fields []string) bool {
	if e.head(id) == nil {
		return false
	}
	if len(e.Operations) > 1 {
		next := &e.Operations[1]
		var now json.RawMessage
		if row != nil {
			now = row.Document
		}
		if next.Type != api.Create && !sameFields(next.Base, now, fields) {
			next.BaseVersion, next.Unseen = min(next.BaseVersion, max(version-1, 0)), true
			e.Operations = e.Operations[1:]
			e.recordOutcome(Outcome{ID: id, Kind: OutcomeAcknowledged, Version: version})
			e.Confirmed = newer(e.Confirmed, row, version)
			return true
		}
		next.Unseen = false
	}
	return e.Acknowledge(id, row, version)
}

func sameFields(a, b json.RawMessage, names []string) bool {
	x, y := Decode(a).Only(names), Decode(b).Only(names)
	return len(x) == len(y) && len(x.ChangedFrom(y)) == 0
}

// newer returns the more recent of the known row and the one in a response. Version 0
// means that the server has no such entity and not even a tombstone.
func newer(known, answer *Row, version int64) *Row {
	if known == nil || version == 0 || known.Version <= version {
		return answer
	}
	return known
}

// Fail schedules the operation for another attempt at next, after a server error. The
// last of MaxServerErrors rejects it.
func (e *Entity) Fail(id string, problem *api.Problem, next time.Time) bool {
	h := e.head(id)
	if h == nil {
		return false
	}
	h.State, h.NextAttemptAt, h.LastError = Waiting, next, problem
	h.RetryCount++
	if h.RetryCount >= MaxServerErrors {
		h.State = Rejected
		e.coalesceAll()
	}
	return true
}

// Reject sets the operation aside: the server will never accept it as it is. If the
// person has written more since, the writes are coalesced and sent again, because the
// later one may correct the first.
func (e *Entity) Reject(id string, problem *api.Problem) bool {
	h := e.head(id)
	if h == nil {
		return false
	}
	h.State, h.LastError, h.NextAttemptAt = Rejected, problem, time.Time{}
	e.coalesceAll()
	return true
}

// coalesceAll coalesces the later operations into the first, which was sent. The later
// ones were not, and they build on the effect of the first. So none of them may be sent
// as if the server had applied it.
func (e *Entity) coalesceAll() {
	for sent := e.Operations[0].State; len(e.Operations) > 1; {
		first, second := e.Operations[0], e.Operations[1]
		first.State = sent
		merged, keep := e.coalesce(first, second)
		e.recordMerge(first, second, merged, keep)
		e.Operations = e.Operations[2:]
		switch {
		case keep:
			e.Operations = append([]Operation{merged}, e.Operations...)
		case len(e.Operations) > 0: // the next one builds on what was before the two
			e.Operations[0].Base, e.Operations[0].BaseVersion = first.Base, first.BaseVersion
		}
	}
}

// ResolveConflict settles a conflict of the first operation, which must have this id.
// Later operations are coalesced into it first. Unless that cancels it out, resolve
// receives the result and returns the operation to send in its place, or nil to send
// none. row and version are the server's, as in Acknowledge.
func (e *Entity) ResolveConflict(id string, row *Row, version int64, resolve func(mine *Operation) *Operation) bool {
	h := e.head(id)
	if h == nil {
		return false
	}
	// An answer that is older than what the operation was based on comes from a server whose
	// data went back in time: what this device has is lost there. What restores somebody is
	// based on a tombstone that may never have been made, so it says nothing.
	wentBack := version < h.BaseVersion && h.Type != api.Create
	e.coalesceAll()
	var mine *Operation
	if h := e.Head(); h != nil {
		copied := *h
		mine = &copied
		e.Operations = e.Operations[1:]
	}
	if wentBack {
		e.Confirmed = row
	} else {
		e.Confirmed = newer(e.Confirmed, row, version)
	}
	if mine == nil {
		return true
	}
	next := resolve(mine)
	if next == nil {
		e.recordOutcome(Outcome{ID: mine.ID, Kind: OutcomeOverruled})
		return true
	}
	e.recordOutcome(Outcome{ID: mine.ID, Kind: OutcomeSuperseded, By: next.ID})
	next.Seq = mine.Seq
	e.Operations = append([]Operation{*next}, e.Operations...)
	return true
}

// Retry queues a rejected operation again, unchanged and under its own id: if an earlier
// attempt took effect after all, the server recognizes the id. It goes behind all others:
// what the person wrote since may be what makes it acceptable.
func (e *Entity) Retry(id string) error {
	h := e.head(id)
	if h == nil || h.State != Rejected {
		return ErrGone
	}
	h.State, h.RetryCount, h.NextAttemptAt = Waiting, 0, time.Time{}
	for i := range e.Operations {
		e.Operations[i].Seq = 0
	}
	return nil
}

// Discard drops a rejected operation and all that was written after it, because the
// person decided so.
func (e *Entity) Discard(id string) error {
	h := e.head(id)
	switch {
	case h == nil:
		return ErrGone
	case h.State != Rejected:
		return ErrFrozen
	}
	for _, o := range e.Operations {
		e.recordOutcome(Outcome{ID: o.ID, Kind: OutcomeDiscarded})
	}
	e.Operations = nil
	return nil
}
