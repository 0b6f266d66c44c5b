package queue

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Errors of Enqueue and the person's decisions.
var (
	ErrMissing = errors.New("it does not exist any more")
	ErrExists  = errors.New("it exists already")
	ErrGone    = errors.New("this operation has left the queue meanwhile")
	ErrFrozen  = errors.New("this operation may have reached the server; it can't be changed now")
)

// Write is what a person asks for.
type Write struct {
	ID   string // the operation's id, a new UUID
	Type api.OperationType
	Data json.RawMessage // the fields to set; nil for a delete
	At   time.Time       // the device's clock
	Skew time.Duration   // server clock minus device clock, as far as known
	Node string          // the client id, for ties between stamps
	// Restores is, for a create that brings back a deleted entity, the version of
	// its tombstone.
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

// Enqueue adds a write to the entity's operations, coalescing it with one that
// was never sent:
//
//	create + update → create      update + update → update
//	create + delete → nothing     update + delete → delete
//	delete + create → update of what differs, or nothing
//
// A Rejected operation has not taken effect and won't by itself, so it coalesces
// too, and what comes out is queued afresh. What comes out always has the
// write's id: an id never stands for two different payloads. A write that
// changes nothing visible adds nothing.
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
	tail := e.tail()
	if w.Type == api.Update {
		data := w.touched(Decode(document))
		if tail == nil {
			// With an operation to coalesce into, even an unchanged value counts: it
			// may be what a rejected operation needs to be tried again.
			data = data.Without(Decode(document))
		}
		if len(data) == 0 {
			return nil
		}
		w.Data = data.Encode()
	}
	next := e.operation(w, document)
	e.heedUnseen(w, &next)
	if tail == nil {
		e.Operations = append(e.Operations, next)
		return nil
	}
	first, second := *tail, next
	next, keep := e.coalesce(first, second)
	e.merges(first, second, next, keep)
	e.Operations = e.Operations[:len(e.Operations)-1]
	if keep {
		e.Operations = append(e.Operations, next)
	}
	return nil
}

// tail is the last operation if a write may coalesce into it, else nil.
func (e *Entity) tail() *Operation {
	if n := len(e.Operations); n > 0 && !e.Operations[n-1].Frozen() {
		return &e.Operations[n-1]
	}
	return nil
}

// operation makes a queued operation of a write on top of document.
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

// Tombstone is the version of the tombstone that the entity's last operation, a
// delete, makes if the server takes all of them: each makes one version. It is 0
// when the entity has never left the device, and so leaves no tombstone.
func (e *Entity) Tombstone() int64 {
	switch {
	case e.Confirmed != nil:
		return e.Confirmed.Version + int64(len(e.Operations))
	case len(e.Operations) > 0:
		return e.Operations[0].BaseVersion + int64(len(e.Operations))
	}
	return 0
}

// coalesce merges a new operation into one that never took effect; false when
// the two cancel out. The pair keeps the place, the base and the beginning of the
// first, and the id and the stamp of the second.
//
// A create that was sent may have taken effect, whatever became of the answer,
// and a row may be confirmed beside it: then the delete remains. So it does after
// a create that restores and is all that is known of the entity: the version that the
// next restore must exceed would be forgotten, and an older operation that is still on
// its way could meet it again.
func (e *Entity) coalesce(first, second Operation) (Operation, bool) {
	out := second
	out.Seq, out.Base, out.BaseVersion = first.Seq, first.Base, first.BaseVersion
	out.Unseen = first.Unseen || second.Unseen
	if first.Type == api.Update {
		// Each field has the base of who wrote it first.
		out.Base = Decode(second.Base).With(Decode(first.Base).Only(fieldNames(Decode(first.Data)))).Encode()
		out.BaseVersion = min(first.BaseVersion, second.BaseVersion)
	}
	switch {
	case first.Type == api.Create && second.Type == api.Delete:
		restores := first.BaseVersion > 0 && e.Operations[0].ID == first.ID
		if first.State == Queued && IsNull(e.documentBefore(first.ID)) && !restores {
			return Operation{}, false
		}
		out.Base = second.Base
		if e.Confirmed != nil && len(Decode(first.Data).Without(Decode(e.Confirmed.Document))) == 0 {
			// It is what the create made. A row of others the person has not seen, and
			// the server will find the conflict.
			out.Base, out.BaseVersion = e.Confirmed.Document, e.Confirmed.Version
		}
	case first.Type == api.Create:
		out.Type, out.CreatedAt = api.Create, first.CreatedAt
		out.Data = Decode(first.Data).With(Decode(second.Data)).Encode()
	case first.Type == api.Update && second.Type == api.Update:
		out.Data = Decode(first.Data).With(Decode(second.Data)).Encode()
	case first.Type == api.Delete && IsNull(e.documentBefore(first.ID)):
		// There is nothing left to delete, so nothing that the second could undo.
		second.Seq = first.Seq
		return second, true
	case first.Type == api.Delete && second.Type != api.Delete:
		out.Type = api.Update
		out.Data = Decode(second.Data).Without(Decode(first.Base)).Encode()
		return out, len(Decode(out.Data)) > 0
	}
	return out, true
}
