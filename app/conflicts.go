package app

import (
	"context"
	"encoding/json"
	"html"
	"slices"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

func (s *session) accept(c queue.Conflict) {
	s.decide(trLater("Your decision was not saved. {0}"), func(ctx context.Context) error { return s.Outbox.Accept(ctx, c) })
}

func (s *session) reverse(c queue.Conflict) {
	s.ifMayWrite(func() {
		s.decide(trLater("The user was not changed. {0}"), func(ctx context.Context) error { return s.Outbox.Reverse(ctx, c) })
	})
}

// choose opens the form in which each field of a conflict gets the value of one side, or a third
// one. What is chosen is an ordinary write.
func (s *session) choose(c queue.Conflict) {
	f := formRequest{conflict: &c, opener: "choose-" + c.ID}
	s.async(func(ctx context.Context) error {
		user, err := s.Users.Get(ctx, c.Ref.ID)
		f.user = &user
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(tr("This conflict can't be decided field by field. {0}", errorText(err)))
			return
		}
		s.openForm(f)
	})
}

// decide carries out a person's decision. The pages hear of what it changes.
func (s *session) decide(failure string, work func(context.Context) error) {
	s.async(work, func(err error) {
		if err != nil {
			s.showFailure(tr(failure, errorText(err)))
		}
	})
}

// disputed are the fields on which the sides of a conflict disagree.
func disputed(c queue.Conflict) []string {
	var fields []string
	for _, f := range c.Fields {
		if !queue.SameValue(f.Mine, f.Theirs) {
			fields = append(fields, f.Name)
		}
	}
	return fields
}

// canChoose reports whether there are two values of a field to choose from.
func canChoose(c queue.Conflict) bool {
	return !isNull(c.Mine) && !isNull(c.Theirs) && len(disputed(c)) > 0
}

func (p *syncPage) renderConflicts() ui.UI {
	cs := p.outbox.conflicts
	open := openConflicts(cs)
	ids := keysOf(cs, func(c queue.Conflict) string { return c.ID })
	return section("conflicts-title", tr("Conflicts"), p.outbox.counts.Conflicts,
		ui.If(len(cs) == 0, quiet(tr("Nobody else has changed what you changed."))).
			ElseIf(open == 0, quiet(tr("Nothing left to review."))),
		ui.If(len(cs) > 0, ui.Div().Class("conflicts").DataSet("order", order(ids)).Body(
			p.conflicts.children(ids, func(i int) ui.UI { return p.S.renderConflict(cs[i], false).DataSet("key", ids[i]) })...)),
		renderMore(open, p.outbox.counts.Conflicts),
	)
}

// openConflicts counts those that wait for a review. The others are listed as a record.
func openConflicts(cs []queue.Conflict) int {
	n := 0
	for _, c := range cs {
		if !c.Reviewed {
			n++
		}
	}
	return n
}

// isNull reports whether a side of a conflict has no document.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// conflictSummary says what happened and how it was decided.
func conflictSummary(c queue.Conflict) string {
	var happened string
	switch {
	case isNull(c.Mine) && isNull(c.Theirs):
		happened = tr("You and someone else both deleted this user.")
	case isNull(c.Mine):
		happened = tr("You deleted this user while someone else changed it.")
	case isNull(c.Theirs):
		happened = tr("Someone else deleted this user while you changed it.")
	default:
		happened = tr("You and someone else changed this user.")
	}
	switch c.Kept {
	case queue.Mine:
		return inARow(happened, tr("Your changes were kept."))
	case queue.Theirs:
		return inARow(happened, tr("Their changes were kept."))
	}
	return inARow(happened, tr("Parts of both were kept."))
}

// reverseLabel is the label of the button that reverses the decision.
func reverseLabel(c queue.Conflict) string {
	lost := c.Mine
	if c.Kept == queue.Mine {
		lost = c.Theirs
	}
	switch {
	case c.Kept == queue.Both:
		return tr("Use the other values")
	case isNull(lost):
		return tr("Delete")
	case c.Kept == queue.Theirs && isNull(c.Theirs):
		return tr("Restore")
	case c.Kept == queue.Mine:
		return tr("Use theirs")
	}
	return tr("Use mine")
}

// renderConflict renders a conflict with its decisions. With again, one that was decided can be
// decided anew.
func (s *session) renderConflict(c queue.Conflict, again bool) ui.HTMLArticle {
	titleID := "conflict-" + c.ID
	name := firstName(tr("A user"), c.Theirs, c.Base, c.Mine)
	return ui.Article().Class("conflict").Aria("labelledby", titleID).Body(
		ui.Div().Class("conflict-head").Body(
			avatar(c.Ref.ID, name, "avatar"),
			ui.Div().Class("thing-main").Body(
				ui.H3().ID(titleID).Body(ui.If(isNull(c.Theirs) && c.Kept != queue.Mine, personText(name)).
					Else(ui.A().Href("/users/"+c.Ref.ID).Body(personText(name)))),
				quiet(inARow(conflictSummary(c), tr("Decided {0}.", timeAgo(c.At, time.Now())))),
			),
		),
		ui.If(len(c.Fields) > 0, renderFields(c)),
		ui.If(c.Reviewed, quiet(tr("Reviewed."))),
		ui.If(again || !c.Reviewed, ui.Div().Class("thing-actions").Body(
			ui.If(!c.Reviewed, ui.Button().Type("button").Class("button", "button-primary").Text(tr("Keep")).Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { s.accept(c) }, "keep", c.ID)),
			ui.Button().Type("button").Class("button").Text(reverseLabel(c)).Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { s.reverse(c) }, "reverse", c.ID),
			ui.If(canChoose(c), ui.Button().ID("choose-"+c.ID).Type("button").Class("button").Text(tr("Choose by field")).Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { s.choose(c) }, "choose", c.ID)),
		)),
	)
}

// renderSides offers what the sides of a conflict have in a field. What is pressed is in the input
// then, where it can be edited.
func (d *formDialog) renderSides(field string) ui.UI {
	return orNothing(d.request.conflict != nil, func() ui.UI {
		fields := d.request.conflict.Fields
		f := fields[slices.IndexFunc(fields, func(f queue.Field) bool { return f.Name == field })] // else the form does not show it
		return ui.Div().Class("sides").Role("group").Aria("label", tr("Before and after")).Body(
			d.renderSide(field, tr("Before"), f.Base), d.renderSide(field, tr("Mine"), f.Mine), d.renderSide(field, tr("Theirs"), f.Theirs))
	})
}

func (d *formDialog) renderSide(field, label string, value json.RawMessage) ui.UI {
	text := fieldText(value)
	shown := personText(text)
	if text == "" {
		shown = ui.Span().Class("quiet").Text(tr("empty"))
	}
	return ui.Button().Type("button").Class("side").Aria("pressed", d.edit[field].value == asShown(text)).
		Body(ui.Span().Class("side-label").Text(label), shown).
		OnClick(func(ui.Context, ui.Event) { d.take(field, asShown(text)) }, field, label, text)
}

// take puts a value into a field.
func (d *formDialog) take(field, value string) {
	d.S.Elements.SetValue(d.inputID(field), value)
	d.input(field, value)
}

// renderFields compares the sides field by field. The roles are explicit because the
// narrow layout removes the table's display, and with it its semantics. It is one text of HTML, as a
// row's parts are.
func renderFields(c queue.Conflict) ui.UI {
	text := `<table class="compare" role="table"><thead role="rowgroup"><tr role="row">`
	for _, name := range []string{tr("Field"), tr("Before"), tr("Mine"), tr("Theirs"), tr("Kept")} {
		text += `<th role="columnheader" scope="col">` + html.EscapeString(name) + `</th>`
	}
	text += `</tr></thead><tbody role="rowgroup">`
	for _, f := range c.Fields {
		text += `<tr role="row"><th role="rowheader" scope="row">` + html.EscapeString(fieldLabel(f.Name)) + `</th>` +
			cellHTML(tr("Before"), sideHTML(f.Base), false) + cellHTML(tr("Mine"), sideHTML(f.Mine), f.Kept != queue.Theirs) +
			cellHTML(tr("Theirs"), sideHTML(f.Theirs), f.Kept != queue.Mine) + cellHTML(tr("Kept"), html.EscapeString(keptText(f)), false) + `</tr>`
	}
	return ui.Raw(text + `</tbody></table>`)
}

func keptText(f queue.Field) string {
	switch f.Kept {
	case queue.Mine:
		return tr("Mine")
	case queue.Theirs:
		return tr("Theirs")
	}
	return tr("Both")
}

func cellHTML(column, content string, kept bool) string {
	class := ""
	if kept {
		class = ` class="kept"`
	}
	return `<td role="cell" data-column="` + html.EscapeString(column) + `"` + class + `>` + content + `</td>`
}

func sideHTML(value json.RawMessage) string {
	text := tr("empty")
	if isNull(value) {
		text = tr("none")
	} else if text := fieldText(value); text != "" {
		return foundHTML(text, "")
	}
	return `<span class="quiet">` + html.EscapeString(text) + `</span>`
}
