package queue

import (
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// View returns the entity's visible row; false if there is none, because the entity
// does not exist or a delete is pending. A rejected delete leaves the row visible, so
// that the person finds it.
func (e *Entity) View() (View, bool) {
	document := e.Document()
	if IsNull(document) {
		return View{}, false
	}
	v := View{Ref: e.Ref, Document: document, State: e.state()}
	if e.Confirmed != nil {
		v.Version, v.SyncedAt = e.Confirmed.Version, e.Confirmed.SyncedAt
	}
	return v, true
}

// Document returns the visible row's document, null if there is none.
func (e *Entity) Document() json.RawMessage { return e.documentBefore("") }

// documentBefore returns the document without the operation with this id and those
// after it.
func (e *Entity) documentBefore(id string) json.RawMessage {
	var document json.RawMessage
	if e.Confirmed != nil {
		document = e.Confirmed.Document
	}
	for _, o := range e.Operations {
		if o.ID == id {
			break
		}
		if o.State == Rejected && o.Type == api.Delete {
			continue
		}
		document = o.ApplyTo(document)
	}
	return document
}

func (e *Entity) state() RowState {
	for _, o := range e.Operations {
		if o.State == Rejected {
			return NeedsAttention
		}
	}
	if len(e.Operations) > 0 {
		return Pending
	}
	for _, c := range e.Conflicts {
		if !c.Reviewed {
			return InConflict
		}
	}
	return Synced
}

// Head returns the operation to send next, nil if there is none.
func (e *Entity) Head() *Operation {
	if len(e.Operations) == 0 {
		return nil
	}
	return &e.Operations[0]
}

// ReadyAt returns when the first operation may be sent, the zero time for now; false if
// there is nothing to send.
func (e *Entity) ReadyAt() (time.Time, bool) {
	head := e.Head()
	if head == nil || head.State == Rejected {
		return time.Time{}, false
	}
	return head.NextAttemptAt, true
}

// Confirm sets the confirmed row, nil if the server has no such entity. Operations stay:
// View rebases the visible row.
func (e *Entity) Confirm(row *Row) { e.Confirmed = row }
