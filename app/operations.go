package app

import (
	"context"
	"encoding/json"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// document is the fields of a user's document. Those that are malformed or missing
// are empty.
type document queue.Fields

func parseDocument(raw json.RawMessage) document { return document(queue.Decode(raw)) }

func (d document) text(field string) string { return fieldText(d[field]) }

// fieldText is a field's value as a person reads it.
func fieldText(raw json.RawMessage) string {
	if text, ok := queue.Text(raw); ok || queue.IsNull(raw) {
		return text
	}
	return string(raw)
}

// firstName is the first name that one of the documents has, or fallback.
func firstName(fallback string, documents ...json.RawMessage) string {
	for _, raw := range documents {
		if name := parseDocument(raw).text("name"); name != "" {
			return name
		}
	}
	return fallback
}

// operationName is the name of the user an operation changes: the one before the
// operation, or that of a new user.
func operationName(o queue.Operation) string { return isolate(firstName(tr("a user"), o.Base, o.Data)) }

// operationText says what an operation does.
func operationText(o queue.Operation) string {
	switch o.Type {
	case api.Create:
		return tr("Add {0}", operationName(o))
	case api.Delete:
		return tr("Delete {0}", operationName(o))
	}
	data := parseDocument(o.Data)
	var fields []string
	for _, f := range api.UserFields {
		if _, set := data[f]; set {
			fields = append(fields, fieldInSentence(f))
		}
	}
	return tr("Change {0} of {1}", joinWords(fields), operationName(o))
}

// progressText says what happens to an operation next. That one was sent says nothing of
// now: the round may have ended without an answer, and without a word in the queue.
func progressText(o queue.Operation, s syncState) string {
	if s.signedOut() && o.State != queue.Rejected {
		return tr("Waiting for you to sign in.")
	}
	switch o.State {
	case queue.Sending:
		if s.sending() {
			return tr("Sending now.")
		}
		return tr("Sent, but not answered. It will be sent again.")
	case queue.Waiting:
		if o.NextAttemptAt.IsZero() {
			return tr("Waiting to be sent again.")
		}
		return tr("Next try {0}.", timeUntil(o.NextAttemptAt, s.now))
	case queue.Rejected:
		if o.LastError != nil && o.LastError.Code == sync.CodeIntercepted {
			return tr("It does not reach the server.")
		}
		return tr("The server rejected it.")
	}
	return tr("Waiting to be sent.")
}

// lastErrorText is an operation's last error as a sentence, "" when it has none.
func lastErrorText(o queue.Operation) string {
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

// canEdit reports whether there is a user to edit, which a deletion leaves none of.
func canEdit(o queue.Operation) bool { return o.Type != api.Delete }

func (p *syncPage) retryOperation(o queue.Operation) {
	p.decide(trLater("The change was not sent again. {0}"), func(ctx context.Context) error { return p.S.Outbox.Retry(ctx, o) })
}

// editRejected opens the form with the server's errors beside their fields.
func (p *syncPage) editRejected(o queue.Operation) {
	var f formRequest
	p.S.async(func(ctx context.Context) error {
		user, err := p.S.Users.Get(ctx, o.Ref.ID)
		f = formRequest{user: &user, opener: "edit-operation-" + o.ID, errs: rejectionErrors(o)}
		return err
	}, func(err error) {
		if err != nil {
			p.S.showFailure(tr("This change can't be edited. {0}", errorText(err)))
			return
		}
		p.S.openForm(f)
	})
}

func (p *syncPage) discard(o queue.Operation) {
	p.S.askFirst(confirmRequest{
		heading: tr("Discard this change?"),
		name:    operationName(o),
		text:    tr("{0}. This change is not on the server. If you discard it, you can't get it back.", operationText(o)),
		yes:     tr("Discard"),
		opener:  "discard-operation-" + o.ID,
		act: func() {
			p.decide(trLater("The change was not discarded. {0}"), func(ctx context.Context) error { return p.S.Outbox.Discard(ctx, o) })
		},
	})
}

func (p *syncPage) renderOperation(o queue.Operation) ui.HTMLLi {
	state := p.S.state()
	titleID := "operation-" + o.ID
	return ui.Li().Class("thing").Body(
		ui.Div().Class("thing-icon").Body(icon(operationIcon(o))),
		ui.Div().Class("thing-main").Body(
			ui.P().ID(titleID).Class("thing-title").Body(withName(operationText(o), operationName(o))...),
			quiet(inARow(tr("Made {0}.", timeAgo(o.CreatedAt, state.now)), progressText(o, state))),
			ui.If(o.LastError != nil, ui.P().Class("thing-why").Text(lastErrorText(o))),
		),
		ui.If(o.State == queue.Rejected, ui.Div().Class("thing-actions").Body(
			ui.Button().Type("button").Class("button").Text(tr("Retry")).Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.retryOperation(o) }, "retry", o.ID),
			ui.If(canEdit(o), ui.Button().ID("edit-operation-"+o.ID).Type("button").Class("button", "button-primary").Text(tr("Edit")).
				Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.editRejected(o) }, "edit", o.ID, lastErrorText(o))),
			ui.Button().ID("discard-operation-"+o.ID).Type("button").Class("button", "button-danger-quiet").Text(tr("Discard")).
				Aria("describedby", titleID).
				OnClick(func(ui.Context, ui.Event) { p.discard(o) }, "discard", o.ID),
		)),
	)
}
