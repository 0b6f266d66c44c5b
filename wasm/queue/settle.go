package queue

import (
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// MaxAnsweredFailures is how often the server may fail to decide about an
// operation, having answered, before it is rejected and waits for the person.
const MaxAnsweredFailures = 5

// Wire is the operation as it is sent.
func (o Operation) Wire() api.Operation {
	return api.Operation{
		ID: o.ID, EntityType: o.Ref.Type, EntityID: o.Ref.ID, Type: o.Type, Data: o.Data,
		BaseVersion: o.BaseVersion, CreatedAt: o.CreatedAt, Stamp: o.Stamp,
	}
}

// head returns the first operation if it is the one with this id.
func (e *Entity) head(id string) *Operation {
	if h := e.Head(); h != nil && h.ID == id {
		return h
	}
	return nil
}

// Send freezes the first operation, which must be the one with this id: from now
// on it may reach the server. It reports false when it isn't there or Rejected.
func (e *Entity) Send(id string) (Operation, bool) {
	h := e.head(id)
	if h == nil || h.State == Rejected {
		return Operation{}, false
	}
	h.State = Sending
	return *h, true
}

// Acknowledge removes the operation the server has applied. row is the server's
// entity after it, nil when it doesn't exist then; version is its version, or
// its tombstone's. What was written meanwhile now builds on that.
func (e *Entity) Acknowledge(id string, row *Row, version int64) bool {
	if e.head(id) == nil {
		return false
	}
	e.Operations = e.Operations[1:]
	e.ends(Outcome{ID: id, Kind: OutcomeAcknowledged, Version: version})
	e.Confirmed = newer(e.Confirmed, row, version)
	if next := e.Head(); next != nil && !next.Unseen { // else the server is to find the conflict
		if next.Type != api.Create || version > 0 { // of a tombstone that is still known
			next.BaseVersion = version
		}
		next.Base = nil
		if row != nil && next.Type != api.Create {
			next.Base = row.Document
		}
	}
	return true
}

// AcknowledgeDuplicate removes an operation that took effect at an earlier try, or
// asked for what already was. row is the entity as it is now, which others may
// have changed or deleted since. So what was written meanwhile builds on it only
// if the given fields are still as the person saw them then; else it is on an
// older version, and the server will find the conflict.
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
			e.ends(Outcome{ID: id, Kind: OutcomeAcknowledged, Version: version})
			e.Confirmed = newer(e.Confirmed, row, version)
			return true
		}
		next.Unseen = false
	}
	return e.Acknowledge(id, row, version)
}

func sameFields(a, b json.RawMessage, names []string) bool {
	x, y := Decode(a).Only(names), Decode(b).Only(names)
	return len(x) == len(y) && len(x.Without(y)) == 0
}

// newer is which of the row that is known and an answer's the server has now.
// Version 0 says that the server remembers none, not even as deleted.
func newer(known, answer *Row, version int64) *Row {
	if known == nil || version == 0 || known.Version <= version {
		return answer
	}
	return known
}

// Fail puts the operation back to be sent again at next. An answered failure
// counts; the last that is allowed rejects it.
func (e *Entity) Fail(id string, problem *api.Problem, next time.Time) bool {
	h := e.head(id)
	if h == nil {
		return false
	}
	h.State, h.NextAttemptAt, h.LastError = Waiting, next, problem
	h.RetryCount++
	if h.RetryCount >= MaxAnsweredFailures {
		h.State = Rejected
		e.fold()
	}
	return true
}

// Reject takes the operation out of the queue's way: the server will never take
// it as it is. If the person has written more since, the two are merged and
// tried again, for the second may be the cure of the first.
func (e *Entity) Reject(id string, problem *api.Problem) bool {
	h := e.head(id)
	if h == nil {
		return false
	}
	h.State, h.LastError, h.NextAttemptAt = Rejected, problem, time.Time{}
	e.fold()
	return true
}

// fold coalesces all that follows a first operation which was sent into it. None
// of it was ever sent, and all of it builds on what the first was to make, so
// none may be sent as if the server had taken that.
func (e *Entity) fold() {
	for sent := e.Operations[0].State; len(e.Operations) > 1; {
		first, second := e.Operations[0], e.Operations[1]
		first.State = sent
		merged, keep := e.coalesce(first, second)
		e.merges(first, second, merged, keep)
		e.Operations = e.Operations[2:]
		switch {
		case keep:
			e.Operations = append([]Operation{merged}, e.Operations...)
		case len(e.Operations) > 0: // it builds on what the two have left as it was
			e.Operations[0].Base, e.Operations[0].BaseVersion = first.Base, first.BaseVersion
		}
	}
}

// Replace settles a conflict of the first operation, which must have this id:
// what was written since is merged into it by fold, and decide, given the
// result (nil when the two cancel out), returns the operation that takes its place, or nil.
// Row and version are the server's, as in Acknowledge.
func (e *Entity) Replace(id string, row *Row, version int64, decide func(*Operation) *Operation) bool {
	if e.head(id) == nil {
		return false
	}
	e.fold()
	var mine *Operation
	if h := e.Head(); h != nil {
		copied := *h
		mine = &copied
		e.Operations = e.Operations[1:]
	}
	e.Confirmed = newer(e.Confirmed, row, version)
	if mine == nil {
		return true
	}
	next := decide(mine)
	if next == nil {
		e.ends(Outcome{ID: mine.ID, Kind: OutcomeOverruled})
		return true
	}
	e.ends(Outcome{ID: mine.ID, Kind: OutcomeSuperseded, By: next.ID})
	next.Seq = mine.Seq
	e.Operations = append([]Operation{*next}, e.Operations...)
	return true
}

// Retry queues a rejected operation again, unchanged and under its own id: if an
// earlier try took effect unnoticed, the server knows it by that id.
func (e *Entity) Retry(id string) error {
	h := e.head(id)
	if h == nil || h.State != Rejected {
		return ErrGone
	}
	h.State, h.RetryCount, h.NextAttemptAt = Waiting, 0, time.Time{}
	return nil
}

// Discard drops a rejected operation for good, because the person said so.
func (e *Entity) Discard(id string) error {
	h := e.head(id)
	switch {
	case h == nil:
		return ErrGone
	case h.State != Rejected:
		return ErrFrozen
	}
	for _, o := range e.Operations {
		e.ends(Outcome{ID: o.ID, Kind: OutcomeDiscarded})
	}
	e.Operations = nil
	return nil
}
