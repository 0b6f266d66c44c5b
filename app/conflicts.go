package app

import (
	"context"
	"encoding/json"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

func (p *syncPage) accept(c queue.Conflict) {
	p.do("That was not saved.", func(ctx context.Context) error { return p.S.Outbox.Accept(ctx, c) })
}

func (p *syncPage) reverse(c queue.Conflict) {
	p.do("That was not changed.", func(ctx context.Context) error { return p.S.Outbox.Reverse(ctx, c) })
}

func (p *syncPage) renderConflicts() ui.UI {
	cs := p.now.conflicts
	open := openConflicts(cs)
	return section("conflicts-title", "Conflicts", p.now.counts.Conflicts,
		ui.If(len(cs) == 0, ui.P().Class("quiet").Text("No one has changed the same thing as you.")).
			ElseIf(open == 0, ui.P().Class("quiet").Text("Nothing is left to decide.")),
		ui.Range(cs).Slice(func(i int) ui.UI { return p.renderConflict(cs[i]) }),
		more(open, p.now.counts.Conflicts),
	)
}

// openConflicts counts those that wait for the person; the others are shown as
// the record of what was decided.
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

// conflictSubject is the name of the user a conflict is about.
func conflictSubject(c queue.Conflict) string {
	for _, raw := range []json.RawMessage{c.Theirs, c.Base, c.Mine} {
		if name := parseDocument(raw).text("name"); name != "" {
			return name
		}
	}
	return "A user"
}

// story says what happened and how it was decided.
func story(c queue.Conflict) string {
	var happened string
	switch {
	case isNull(c.Mine) && isNull(c.Theirs):
		happened = "Both of you deleted this user."
	case isNull(c.Mine):
		happened = "You deleted this user while someone else changed it."
	case isNull(c.Theirs):
		happened = "Someone else deleted this user while you changed it."
	default:
		happened = "You and someone else changed this user."
	}
	switch c.Kept {
	case queue.Mine:
		return happened + " Your side was kept."
	case queue.Theirs:
		return happened + " Their side was kept."
	}
	return happened + " Parts of both sides were kept."
}

// reverseLabel names what Reverse would do.
func reverseLabel(c queue.Conflict) string {
	lost := c.Mine
	if c.Kept == queue.Mine {
		lost = c.Theirs
	}
	switch {
	case c.Kept == queue.Both:
		return "Use the other values"
	case isNull(lost):
		return "Delete it"
	case c.Kept == queue.Theirs && isNull(c.Theirs):
		return "Restore"
	case c.Kept == queue.Mine:
		return "Use theirs"
	}
	return "Use mine"
}

func (p *syncPage) renderConflict(c queue.Conflict) ui.UI {
	titleID := "conflict-" + c.ID
	name := conflictSubject(c)
	return ui.Article().Class("conflict").Aria("labelledby", titleID).Body(
		ui.Div().Class("conflict-head").Body(
			avatar(c.Ref.ID, name, "avatar"),
			ui.Div().Class("thing-main").Body(
				ui.H3().ID(titleID).Body(ui.If(isNull(c.Theirs) && c.Kept != queue.Mine, ui.Text(name)).
					Else(ui.A().Href("/users/"+c.Ref.ID).Text(name))),
				ui.P().Class("quiet").Text(story(c)+" Decided "+relative(c.At, p.S.Clock.Now())+"."),
			),
		),
		ui.If(len(c.Fields) > 0, renderFields(c)),
		ui.If(c.Reviewed, ui.P().Class("quiet").Text("Settled.")).Else(ui.Div().Class("thing-actions").Body(
			ui.Button().Type("button").Class("button", "button-primary").Text("Keep").Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.accept(c) }, "keep", c.ID),
			ui.Button().Type("button").Class("button").Text(reverseLabel(c)).Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.reverse(c) }, "reverse", c.ID),
		)),
	)
}

// renderFields is the comparison, field by field. The roles are written out
// because the narrow layout takes the table's display, and with it its semantics,
// away.
func renderFields(c queue.Conflict) ui.UI {
	head := func(text string) ui.UI { return ui.Th().Role("columnheader").Scope("col").Text(text) }
	return ui.Table().Class("compare").Role("table").Body(
		ui.THead().Role("rowgroup").Body(ui.Tr().Role("row").Body(
			head("Field"), head("Before"), head("Mine"), head("Theirs"), head("Kept"))),
		ui.TBody().Role("rowgroup").Body(ui.Range(c.Fields).Slice(func(i int) ui.UI {
			f := c.Fields[i]
			kept := keptText(f)
			return ui.Tr().Role("row").Body(
				ui.Th().Role("rowheader").Scope("row").Text(label(f.Name)),
				cell("Before", f.Base, false),
				cell("Mine", f.Mine, f.Kept != queue.Theirs),
				cell("Theirs", f.Theirs, f.Kept != queue.Mine),
				ui.Td().Role("cell").DataSet("column", "Kept").Text(kept),
			)
		})),
	)
}

func keptText(f queue.Field) string {
	switch f.Kept {
	case queue.Mine:
		return "Mine"
	case queue.Theirs:
		return "Theirs"
	}
	return "Both"
}

func cell(column string, value json.RawMessage, kept bool) ui.UI {
	td := ui.Td().Role("cell").DataSet("column", column)
	if kept {
		td = td.Class("kept")
	}
	if isNull(value) {
		return td.Body(ui.Span().Class("quiet").Text("none"))
	}
	if text := fieldText(value); text != "" {
		return td.Text(text)
	}
	return td.Body(ui.Span().Class("quiet").Text("empty"))
}
