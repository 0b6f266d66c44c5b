package queue

import (
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// View is the entity's visible row; false when there is nothing to see: it
// doesn't exist, or a delete waits to be sent. A rejected delete leaves the row
// visible, so that the person finds it.
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

// Document is the visible row's document, null when there is none.
func (e *Entity) Document() json.RawMessage { return e.documentBefore("") }

// documentBefore is what the document is without the operation of that id and
// those after it.
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

// Head is the operation to be sent first, nil when there is none.
func (e *Entity) Head() *Operation {
	if len(e.Operations) == 0 {
		return nil
	}
	return &e.Operations[0]
}

// ReadyAt reports when the entity's first operation may be sent: the zero time
// means now. It reports false when there is nothing to send.
func (e *Entity) ReadyAt() (time.Time, bool) {
	head := e.Head()
	if head == nil || head.State == Rejected {
		return time.Time{}, false
	}
	return head.NextAttemptAt, true
}

// Confirm takes over what the server says of the entity: row, or nil when it
// doesn't exist. Operations stay: the visible row is rebased by View.
func (e *Entity) Confirm(row *Row) { e.Confirmed = row }
