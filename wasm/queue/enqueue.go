package queue

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Errors of Enqueue, Retry and Discard.
var (
	ErrMissing = errors.New("the entity no longer exists")
	ErrExists  = errors.New("the entity already exists")
	ErrGone    = errors.New("the operation has already left the queue")
	ErrFrozen  = errors.New("the operation may have reached the server and can no longer be changed")
)

// Write is a change that a person makes.
type Write struct {
	ID   string // the operation's id, a new UUID
	Type api.OperationType
	Data json.RawMessage // the fields to set; nil for a delete
	At   time.Time       // the device's clock
	Skew time.Duration   // server clock minus device clock, as last measured
	Node string          // identifies this client in stamps, to break ties
	// Restores is the version of the tombstone, for a create that restores a deleted
	// entity.
	Restores int64
	// Seen is what the author had before them; nil says that it is the entity as it is.
	Seen *Seen
}

// Seen is what the author of an update or a delete had before them when they decided
// on it: a form that was opened a while ago, a row of a list. Fields are those that a
// delete takes away; an update is about the fields that it sets.
type Seen struct {
	Document json.RawMessage
	Version  int64 // of the confirmed row in it, 0 for none
	Fields   []string
	// ConflictID is the id of the record that Enqueue makes when the write overwrites
	// unseen work of this device.
	ConflictID string
}

// Enqueue adds a write to the entity's operations and coalesces it with the last one if
// that was never sent:
//
//	create + update → create      update + update → update
//	create + delete → nothing     update + delete → delete
//	delete + create → update of the fields that differ, or nothing
//
// A Rejected operation coalesces too, since it has not taken effect; the result is
// queued again. The result always has the id of the new write: an id never stands for
// two payloads. A write that changes nothing visible adds no operation.
//
// Operations stay apart, or change places, where one out of two would claim a unique
// value before another entity's operation frees it; see apart and place.
//
// What changed since Seen, in the fields that the write is about, is a conflict. Work
// of others is the server's to find: the operation keeps the older base. Work that
// this device has not sent yet the server would never see: the write wins, and the
// conflict is recorded here.
func (e *Entity) Enqueue(w Write) error {
	document := e.Document()
	switch {
	case w.Type == api.Create && !IsNull(document):
		return ErrExists
	case w.Type != api.Create && IsNull(document):
		return ErrMissing
	}
	if w.Type == api.Update {
		all := w.touched(Decode(document))
		if w.Data = all.Encode(); e.coalescible(Operation{Data: w.Data}) == nil {
			// With an operation to coalesce into, an unchanged value counts, too: it may be
			// what makes a rejected operation acceptable.
			all = all.ChangedFrom(Decode(document))
			w.Data = all.Encode()
		}
		if len(all) == 0 {
			return nil
		}
	}
	next := e.operation(w, document)
	e.heedUnseen(w, &next)
	e.add(next)
	return nil
}

// add puts an operation behind the others and coalesces it with those that were never
// sent, from the last one back.
func (e *Entity) add(next Operation) {
	for last := e.coalescible(next); last != nil; last = e.coalescible(next) {
		first, second := *last, next
		merged, keep := e.coalesce(first, second)
		e.recordMerge(first, second, merged, keep)
		e.Operations = e.Operations[:len(e.Operations)-1]
		if !keep {
			return
		}
		next = merged
	}
	e.Operations = append(e.Operations, next)
}

// coalescible returns the last operation if next may coalesce with it, else nil.
func (e *Entity) coalescible(next Operation) *Operation {
	n := len(e.Operations)
	if n == 0 || e.Operations[n-1].Frozen() || e.apart(e.Operations[n-1], next) {
		return nil
	}
	return &e.Operations[n-1]
}

// operation makes a queued operation of a write to document.
func (e *Entity) operation(w Write, document json.RawMessage) Operation {
	var prior api.Stamp
	o := Operation{
		ID: w.ID, Ref: e.Ref, Type: w.Type, Data: w.Data,
		CreatedAt: w.At.UTC(), State: Queued, BaseVersion: w.Restores,
	}
	if e.Confirmed != nil {
		o.BaseVersion, prior = e.Confirmed.Version, e.Confirmed.Stamp
	}
	if w.Type != api.Create {
		o.Base = document
	}
	for _, before := range e.Operations {
		prior = max(prior, before.Stamp)
	}
	o.Stamp = api.NewStamp(w.At.Add(w.Skew), prior, w.Node)
	return o
}

// TombstoneVersion returns the version of the tombstone that the last operation, a
// delete, creates once the server has applied them all. That each adds one version is a
// guess: after a start, the server adds more. It is 0 for an entity that has never left the
// device, since that leaves no tombstone.
func (e *Entity) TombstoneVersion() int64 {
	switch {
	case e.Confirmed != nil:
		return e.Confirmed.Version + int64(len(e.Operations))
	case len(e.Operations) > 0:
		return e.Operations[0].BaseVersion + int64(len(e.Operations))
	}
	return 0
}

// coalesce merges a new operation into one that has not taken effect; false if the two
// cancel out. The result has the base of the first, the id and the stamp of the second,
// and the position that place says.
//
// A create and its delete do not always cancel out. A create that was sent may have
// taken effect even if no response arrived, or a row may be confirmed beside it: then
// the delete must be sent. The same holds for a create that restores an entity of which
// nothing else is known. Without it the device would forget the version that the next
// restore must exceed, and an older operation still in flight could undo it.
func (e *Entity) coalesce(first, second Operation) (Operation, bool) {
	out := second
	out.Seq, out.Base, out.BaseVersion = e.place(first, second), first.Base, first.BaseVersion
	out.Unseen = first.Unseen || second.Unseen
	if first.Type == api.Update {
		// Each field has the base of who wrote it first.
		out.Base = Decode(second.Base).With(Decode(first.Base).Only(fieldNames(Decode(first.Data)))).Encode()
		if second.Unseen {
			out.BaseVersion = min(first.BaseVersion, second.BaseVersion)
		}
	}
	switch {
	case first.Type == api.Create && second.Type == api.Delete:
		restores := first.BaseVersion > 0 && e.Operations[0].ID == first.ID
		if first.State == Queued && IsNull(e.documentBefore(first.ID)) && !restores {
			return Operation{}, false
		}
		if out.Base = second.Base; restores {
			// Of the tombstone it is enough that it is there. Its version is a guess: if the
			// delete before never arrived, others may have given it to a row unseen.
			out.BaseVersion--
			if first.State == Queued {
				out.Base = nil // nothing that anybody has seen
			}
		}
		if e.Confirmed != nil && len(Decode(first.Data).ChangedFrom(Decode(e.Confirmed.Document))) == 0 {
			// The confirmed row is what the create made. If it were another's, the person
			// would not have seen it, and the server would detect the conflict.
			out.Base, out.BaseVersion = e.Confirmed.Document, e.Confirmed.Version
		}
	case first.Type == api.Create:
		out.Type, out.CreatedAt = api.Create, first.CreatedAt
		out.Data = Decode(first.Data).With(Decode(second.Data)).Encode()
	case first.Type == api.Update && second.Type == api.Update:
		out.Data = Decode(first.Data).With(Decode(second.Data)).Encode()
	case first.Type == api.Delete && IsNull(e.documentBefore(first.ID)):
		// There is nothing left to delete, and so nothing for the second to undo.
		second.Seq = out.Seq
		return second, true
	case first.Type == api.Delete && second.Type != api.Delete:
		out.Type = api.Update
		out.Data = Decode(second.Data).ChangedFrom(Decode(first.Base)).Encode()
		if IsNull(first.Base) && e.Confirmed != nil { // a row that nobody here has seen
			out.BaseVersion, out.Unseen = max(0, min(out.BaseVersion, e.Confirmed.Version-1)), true
		}
		return out, len(Decode(out.Data)) > 0
	}
	return out, true
}
