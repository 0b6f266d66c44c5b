package app

import (
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// fieldNote is what a person is to know about a field of a user on this device.
type fieldNote struct {
	state queue.RowState
	text  string
	value string // of somebody's, as the text has it
}

// notesOn are, for each field that is not as the server has it, or was not: what has not been
// sent, what was refused and why, and what others have changed meanwhile.
func notesOn(e queue.Entity) map[string][]fieldNote {
	notes := map[string][]fieldNote{}
	for _, o := range e.Operations {
		for field, note := range operationNotes(o) {
			notes[field] = append(notes[field], note)
		}
	}
	for _, c := range e.Conflicts {
		if c.Reviewed || isNull(c.Mine) || isNull(c.Theirs) {
			continue
		}
		for _, f := range c.Fields {
			if !queue.SameValue(f.Mine, f.Theirs) && !queue.SameValue(f.Base, f.Theirs) {
				notes[f.Name] = append(notes[f.Name], conflictNote(f))
			}
		}
	}
	return notes
}

func operationNotes(o queue.Operation) map[string]fieldNote {
	notes := map[string]fieldNote{}
	unsent := tr("Not sent yet")
	if o.State == queue.Rejected {
		unsent = tr("Not sent: the server refused the change it is part of")
	}
	written := parseDocument(o.Data)
	for _, field := range api.UserFields {
		if _, set := written[field]; set && (o.Type != api.Create || written.text(field) != "") {
			notes[field] = fieldNote{state: queue.Pending, text: unsent}
		}
	}
	if o.State != queue.Rejected {
		return notes
	}
	why := rejectionErrors(o)
	for field := range notes {
		if len(why) == 0 {
			notes[field] = fieldNote{state: queue.NeedsAttention, text: tr("Refused: {0}", lastErrorText(o))}
		}
	}
	for _, e := range why {
		notes[e.Field] = fieldNote{state: queue.NeedsAttention, text: tr("Refused: {0}.", fieldErrorText(fieldLabel(e.Field), e.Detail))}
	}
	return notes
}

// conflictNote says what became of a field that others have changed as well.
func conflictNote(f queue.Field) fieldNote {
	value := isolate(fieldText(f.Theirs))
	text := tr("Others changed it meanwhile to “{0}”. Yours was kept.", value)
	switch {
	case f.Kept == queue.Theirs:
		value = isolate(fieldText(f.Mine))
		text = tr("Others changed it meanwhile. Yours was “{0}”.", value)
	case value == "":
		text = tr("Others emptied it meanwhile. Yours was kept.")
	}
	return fieldNote{queue.InConflict, text, value}
}

func renderNotes(notes []fieldNote) ui.UI {
	return ui.Div().Class("field-notes").Body(ui.Range(notes).Slice(func(i int) ui.UI {
		_, iconName, _ := stateText(notes[i].state)
		return ui.P().Class("field-note", "state-"+string(notes[i].state)).Body(icon(iconName), ui.Span().Body(withName(notes[i].text, notes[i].value)...))
	}))
}
