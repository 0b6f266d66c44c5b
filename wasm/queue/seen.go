package queue

import (
	"encoding/json"

	"github.com/rollcall/rollcall/api"
)

// touched returns the fields of an update that its author meant to change. One that
// was left as it was seen is not theirs, though it differs from what is there by now.
func (w Write) touched(now Fields) Fields {
	data := Decode(w.Data)
	if w.Seen == nil {
		return data
	}
	seen := Decode(w.Seen.Document)
	out := make(Fields, len(data))
	for name, value := range data {
		if SameValue(value, seen[name]) && !SameValue(seen[name], now[name]) {
			continue
		}
		out[name] = value
	}
	return out
}

// unseen returns the fields that the write is about whose value now is not what its
// author saw, with the value that they saw. A value that the write itself brings about
// overwrites nothing.
func (w Write) unseen(now Fields) Fields {
	if w.Seen == nil || w.Type == api.Create {
		return nil
	}
	about, data := w.Seen.Fields, Decode(w.Data)
	if w.Type == api.Update {
		about = fieldNames(data)
	}
	seen, out := Decode(w.Seen.Document), Fields{}
	for _, name := range about {
		done := w.Type == api.Update && SameValue(data[name], now[name])
		if !done && !SameValue(seen[name], now[name]) {
			out[name] = orNull(seen[name])
		}
	}
	return out
}

// heedUnseen has the operation of a write say what its author saw. Of the fields that
// changed unseen, those that an operation of this device sets are a conflict within the
// device; the others have come from the server, which finds the conflict by the base.
func (e *Entity) heedUnseen(w Write, o *Operation) {
	now := Decode(e.Document())
	theirs := w.unseen(now)
	local := Fields{}
	for _, name := range e.setByOperations() {
		if value, ok := theirs[name]; ok {
			local[name] = value
			delete(theirs, name)
		}
	}
	if len(local) > 0 {
		e.Conflicts = append(e.Conflicts, w.overwrote(e, local))
	}
	if len(theirs) > 0 && e.Confirmed != nil {
		o.Base = now.With(theirs).Encode()
		o.BaseVersion, o.Unseen = max(0, min(w.Seen.Version, e.Confirmed.Version-1)), true
	}
}

// setByOperations names the fields that the entity's operations set.
func (e *Entity) setByOperations() []string {
	all := Fields{}
	for _, o := range e.Operations {
		all = all.With(Decode(o.Data))
	}
	return fieldNames(all)
}

// LastSave is the strategy of a conflict within one device: what was saved last is kept.
const LastSave = "lastSave"

// overwrote records that a write replaced values of this device which its author had
// not seen.
func (w Write) overwrote(e *Entity, seen Fields) Conflict {
	before := e.Document()
	after := Operation{Type: w.Type, Data: w.Data}.ApplyTo(before)
	c := Conflict{
		ID: w.Seen.ConflictID, Ref: e.Ref, OperationID: w.ID, At: w.At.UTC(), Strategy: LastSave,
		Base: Decode(before).With(seen).Encode(), Mine: after, Theirs: before, Kept: Mine,
	}
	if e.Confirmed != nil {
		c.TheirsVersion = e.Confirmed.Version
	}
	mine, theirs := Decode(after), Decode(before)
	for _, name := range fieldNames(seen) {
		c.Fields = append(c.Fields, Field{Name: name, Base: seen[name], Mine: mine[name], Theirs: theirs[name], Kept: Mine})
	}
	return c
}

func orNull(value json.RawMessage) json.RawMessage {
	if len(value) == 0 {
		return json.RawMessage("null")
	}
	return value
}
