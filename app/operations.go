package app

import (
	"context"
	"encoding/json"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// document is a user's document as far as the pages look into it. Parts that are
// broken or missing are empty.
type document map[string]json.RawMessage

func parseDocument(raw json.RawMessage) document {
	var d document
	if json.Unmarshal(raw, &d) != nil {
		return nil
	}
	return d
}

func (d document) text(field string) string { return fieldText(d[field]) }

// fieldText is a field's value as a person reads it.
func fieldText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// subject is the name of the user an operation is about: as it was before, or as
// it is called now when it is new.
func subject(o queue.Operation) string {
	for _, raw := range []json.RawMessage{o.Base, o.Data} {
		if name := parseDocument(raw).text("name"); name != "" {
			return name
		}
	}
	return "a user"
}

// describe says what an operation does.
func describe(o queue.Operation) string {
	switch o.Type {
	case api.Create:
		return "Add " + subject(o)
	case api.Delete:
		return "Delete " + subject(o)
	}
	data := parseDocument(o.Data)
	var fields []string
	for _, f := range api.UserFields {
		if _, set := data[f]; set {
			fields = append(fields, f)
		}
	}
	return "Change " + list(fields) + " of " + subject(o)
}

// progress says where an operation stands.
func progress(o queue.Operation, now time.Time) string {
	switch o.State {
	case queue.Sending:
		return "Being sent."
	case queue.Waiting:
		if o.NextAttemptAt.IsZero() {
			return "Waiting to be sent again."
		}
		return "Next try " + until(o.NextAttemptAt, now) + "."
	case queue.Rejected:
		return "The server refused it."
	}
	return "Waiting to be sent."
}

// why is an operation's last error as a sentence, "" when it has none.
func why(o queue.Operation) string {
	if o.LastError == nil {
		return ""
	}
	return problemText(o.LastError)
}

func operationIcon(o queue.Operation) string {
	switch {
	case o.State == queue.Rejected:
		return "alert"
	case o.Type == api.Create:
		return "plus"
	case o.Type == api.Delete:
		return "trash"
	}
	return "edit"
}

// canEdit reports whether there is a user to edit: not when it is to be deleted.
func canEdit(o queue.Operation) bool { return o.Type != api.Delete }

func (p *syncPage) retryOperation(o queue.Operation) {
	p.do("That could not be tried again.", func(ctx context.Context) error { return p.S.Outbox.Retry(ctx, o) })
}

// editRejected opens the form on the user with what the server refused beside its field.
func (p *syncPage) editRejected(o queue.Operation) {
	var f formRequest
	p.S.write(func(ctx context.Context) error {
		user, err := p.S.Users.Get(ctx, o.Ref.ID)
		f = formRequest{user: &user, opener: "edit-operation-" + o.ID, errs: rejectionErrors(o)}
		return err
	}, func(err error) {
		if err != nil {
			p.S.toast(toast{text: "That can't be edited. " + explain(err), bad: true})
			return
		}
		p.S.edit(f)
	})
}

func (p *syncPage) discard(o queue.Operation) {
	p.S.ask(confirmRequest{
		heading: "Discard this change?",
		text:    describe(o) + ". It has not reached the server. Once discarded, it can't be brought back.",
		yes:     "Discard",
		opener:  "discard-operation-" + o.ID,
		act: func() {
			p.do("That was not discarded.", func(ctx context.Context) error { return p.S.Outbox.Discard(ctx, o) })
		},
	})
}

func (p *syncPage) renderOperation(o queue.Operation) ui.UI {
	now := p.S.Clock.Now()
	titleID := "operation-" + o.ID
	return ui.Li().Class("thing").Body(
		ui.Div().Class("thing-icon").Body(icon(operationIcon(o))),
		ui.Div().Class("thing-main").Body(
			ui.P().ID(titleID).Class("thing-title").Text(describe(o)),
			ui.P().Class("quiet").Text("Made "+relative(o.CreatedAt, now)+". "+progress(o, now)),
			ui.If(o.LastError != nil, ui.P().Class("thing-why").Text(why(o))),
		),
		ui.If(o.State == queue.Rejected, ui.Div().Class("thing-actions").Body(
			ui.Button().Type("button").Class("button").Text("Retry").Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.retryOperation(o) }, "retry", o.ID),
			ui.If(canEdit(o), ui.Button().ID("edit-operation-"+o.ID).Type("button").Class("button", "button-primary").Text("Edit").
				Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.editRejected(o) }, "edit", o.ID, why(o))),
			ui.Button().ID("discard-operation-"+o.ID).Type("button").Class("button", "button-danger-quiet").Text("Discard").
				Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.discard(o) }, "discard", o.ID),
		)),
	)
}
