package app

import (
	"context"
	"errors"
	"html"
	"strconv"
	"strings"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// userPage is one user with everything known about them.
type userPage struct {
	ui.Compo
	S   *session
	ID  string
	ctx ui.Context // the page's own

	watchedID string
	unwatch   func()
	shownID   string // of the user in shown
	shown     repository.Snapshot[api.User]
	deletedID string // of the user that was deleted here
	pastID    string // of the user whose history is open
	content   keyed

	reads     refresher
	held      queue.Entity // what this device holds about the user
	conflicts keyed
}

func (p *userPage) OnMount(ctx ui.Context) {
	p.ctx = ctx
	p.S.subscribe(ctx, p.S.Users.Changes(ctx), p.readHeld)
	p.watch()
}

// readHeld reads what this device holds about the user besides the record.
func (p *userPage) readHeld(ctx ui.Context) {
	p.reads.run(p.S, ctx, func() read {
		id := p.ID
		return func(ctx context.Context) func(ui.Context) {
			held, err := p.S.Outbox.Of(ctx, id)
			return func(ui.Context) {
				if err == nil { // the record says why it can't be read
					p.held = held
				}
			}
		}
	})
}

// OnUpdate runs when the page is to show another user.
func (p *userPage) OnUpdate(ui.Context) {
	if p.ID != p.watchedID {
		p.watch()
	}
}

// watch shows the user, and each change until it is called again.
func (p *userPage) watch() {
	if p.unwatch != nil {
		p.unwatch()
	}
	id := p.ID
	watching, unwatch := context.WithCancel(p.ctx)
	p.watchedID, p.unwatch = id, unwatch
	p.readHeld(p.ctx)
	receive(p.S, p.ctx, p.S.Users.Watch(watching, id), func(_ ui.Context, user repository.Snapshot[api.User]) {
		p.show(id, user)
	})
}

func (p *userPage) show(id string, user repository.Snapshot[api.User]) {
	if id != p.ID || id == p.deletedID {
		return
	}
	p.shownID, p.shown = id, user
	name := isolate(user.Record.Value.Name)
	if !user.Exists {
		name = tr("User")
	}
	p.S.setTitle(name)
}

func (p *userPage) retry(ui.Context, ui.Event) {
	p.shownID = ""
	p.watch()
}

func (p *userPage) edit(ui.Context, ui.Event) {
	record := p.shown.Record
	p.S.openForm(formRequest{user: &record, opener: "edit-user"})
}

// change edits one field where it is shown.
func (p *userPage) change(field string) ui.EventHandler {
	return func(ui.Context, ui.Event) {
		record := p.shown.Record
		p.S.openForm(formRequest{user: &record, field: field, opener: "change-" + field})
	}
}

func changeLabel(field string) string {
	switch field {
	case "name":
		return tr("Change name")
	case "email":
		return tr("Change email")
	}
	return tr("Change bio")
}

func (p *userPage) delete(ui.Context, ui.Event) { p.S.ifMayWrite(p.deleteShown) }

func (p *userPage) deleteShown() {
	if p.deletedID == p.ID {
		return
	}
	p.deletedID = p.ID
	p.S.deleteUser(p.shown.Record, func(err error) {
		switch {
		case err != nil:
			p.deletedID = ""
			p.watch() // what arrived meanwhile was not shown
		case p.Mounted():
			p.S.ctx.Navigate("/")
		}
	})
}

// Render renders each user, and each reason why there is none, as another element: the
// buttons of one must not become those of another.
func (p *userPage) Render() ui.UI {
	key, content := p.renderContent()
	return ui.Div().Class("page").Body(p.content.only(key, content)...)
}

func (p *userPage) renderContent() (key string, content ui.UI) {
	switch {
	case p.shownID != p.ID:
		return "skeleton", skeleton()
	case p.shown.Err == nil && !p.shown.Exists:
		return "missing " + p.ID, ui.Div().Class("page").Body(emptyState("search", pageTitle(tr("User not found")),
			tr("This user does not exist, or has been deleted."), backLink("button button-primary")),
			orNothing(len(p.held.Conflicts) > 0 && p.held.Ref.ID == p.ID, p.renderConflicts),
			orNothing(p.S.Accounts.Account().ID != "", func() ui.UI { return p.renderHistory(true, p.S.unsent() > 0) }))
	case errors.Is(p.shown.Err, repository.ErrNotReachable):
		return "unreachable", emptyState("offline", pageTitle(tr("Not on this device")),
			tr("This user has not been downloaded yet. Try again when you are online."), retryButton(p.retry), backLink("button"))
	case p.shown.Err != nil:
		return "failure", emptyState("alert", pageTitle(tr("This user can't be shown")),
			errorText(p.shown.Err), retryButton(p.retry), backLink("button"))
	}
	return "user " + p.shownID, p.renderUser()
}

func backLink(class string) ui.UI {
	return ui.A().Class(class).Href("/").Body(icon("back"), ui.Span().Text(tr("All users")))
}

func (p *userPage) renderUser() ui.UI {
	u := p.shown.Record.Value
	bio := quiet(tr("No bio yet"))
	if strings.TrimSpace(u.Bio) != "" {
		bio = ui.P().Class("person-bio").Body(ui.Bdi().Text(balanced(u.Bio)))
	}
	return ui.Div().Class("page").Body(
		ui.Div().Class("crumbs").Body(backLink("back")),
		ui.Div().Class("card", "person").Body(
			ui.Div().Class("person-head").Body(
				avatar(p.shown.Record.ID, u.Name, "avatar avatar-big"),
				p.renderField("name", pageHeading(personText(u.Name))),
				stateBadge(p.shown.Record.State),
			),
			p.renderField("email", ui.A().Class("person-email").Href(mailto(u.Email)).Body(personText(u.Email))),
			p.renderField("bio", bio),
			&managed{S: p.S, Part: PartShare, Of: shareText(p.shown.Record)},
			ui.Div().Class("person-actions").Body(
				ui.Button().ID("edit-user").Type("button").Class("button").Aria("label", tr("Edit {0}", isolate(u.Name))).
					Body(icon("edit"), ui.Span().Text(tr("Edit"))).OnClick(p.edit),
				ui.Button().ID("delete-user").Type("button").Class("button", "button-danger-quiet").Aria("label", tr("Delete {0}", isolate(u.Name))).
					Body(icon("trash"), ui.Span().Text(tr("Delete"))).OnClick(p.delete),
			),
		),
		p.renderRecord(),
		orNothing(len(p.held.Conflicts) > 0 && p.held.Ref.ID == p.shownID, p.renderConflicts),
		// An open server keeps none, and does not know yet who is only on this device.
		orNothing(p.S.Accounts.Account().ID != "" && p.shown.Record.Version > 0, func() ui.UI {
			return p.renderHistory(p.pastID == p.ID, p.shown.Record.State != queue.Synced)
		}),
	)
}

// renderField renders a field with what is to be said about it, and what changes it. The heading
// stays while the name is edited below it.
func (p *userPage) renderField(field string, value ui.UI) ui.UI {
	label := ui.UI(ui.Span().Class("person-label").Text(fieldLabel(field)))
	if field == "name" {
		label = ui.Span()
	}
	if p.S.form.edits(p.shownID, field) {
		return ui.Div().Class("person-field").Body(ui.If(field == "name", value), &formDialog{S: p.S, Request: p.S.form.id(), Field: field})
	}
	var notes []fieldNote
	if p.held.Ref.ID == p.shownID {
		notes = notesOn(p.held)[field]
	}
	return ui.Div().Class("person-field").Body(
		label,
		ui.Div().Class("person-value").Body(value,
			ui.Button().ID("change-"+field).Type("button").Class("icon-button").Aria("label", changeLabel(field)).Body(icon("edit")).
				OnClick(p.change(field), field, p.shownID)),
		renderNotes(notes),
	)
}

// renderConflicts lists the user's conflicts that this device has recorded: each can be decided anew.
func (p *userPage) renderConflicts() ui.UI {
	cs := p.held.Conflicts
	ids := keysOf(cs, func(c queue.Conflict) string { return c.ID })
	return section("conflicts-title", tr("Conflicts"), openConflicts(cs),
		ui.Div().Class("conflicts").DataSet("order", order(ids)).Body(
			p.conflicts.children(ids, func(i int) ui.UI { return p.S.renderConflict(cs[i], true).DataSet("key", ids[i]) })...))
}

// toggleHistory opens the history, or closes it.
func (p *userPage) toggleHistory(ui.Context, ui.Event) {
	if p.pastID == p.ID {
		p.pastID = ""
	} else {
		p.pastID = p.ID
	}
}

// renderHistory is what the server keeps of who changed the user. A deleted user's is all that there is of
// them, so it is open.
func (p *userPage) renderHistory(open, unsent bool) ui.UI {
	text := tr("Show history")
	if open {
		text = tr("Hide history")
	}
	return section("history-title", tr("History"), 0,
		ui.If(p.shown.Exists, ui.P().Body(ui.Button().ID("history").Type("button").Class("button").Text(text).OnClick(p.toggleHistory))),
		orNothing(open && unsent, func() ui.UI { return quiet(tr("Changes on this device that are not sent yet are not in it.")) }),
		orNothing(open, func() ui.UI { return &managed{S: p.S, Part: PartHistory, Of: p.ID, Version: p.shown.Record.Version} }))
}

// renderRecord compares the record on this device with the server's.
func (p *userPage) renderRecord() ui.UI {
	r := p.shown.Record
	synced, version := tr("Not yet, it is only on this device"), tr("None yet")
	if r.Version > 0 {
		synced, version = tr("Unknown"), strconv.FormatInt(r.Version, 10)
	}
	if !r.SyncedAt.IsZero() {
		synced = timeAgo(r.SyncedAt, time.Now())
	}
	_, _, state := stateText(r.State)
	rows := factHTML(tr("State"), state) + factHTML(tr("Last synced"), synced) + factHTML(tr("Version"), version)
	if !r.Value.CreatedAt.IsZero() {
		rows += factHTML(tr("Added"), language.Moment(r.Value.CreatedAt))
	}
	if !r.Value.UpdatedAt.IsZero() {
		rows += factHTML(tr("Changed"), language.Moment(r.Value.UpdatedAt))
	}
	rows += factHTML(tr("ID"), r.ID)
	return section("record-title", tr("Record"), 0,
		ui.Raw(`<dl class="facts">`+rows+`</dl>`),
		ui.If(r.State == queue.NeedsAttention, // a conflict is settled below
			ui.P().Body(ui.A().Class("button", "button-primary").Href("/sync").Text(tr("See what to do")))),
	)
}

func factHTML(name, value string) string {
	return `<div class="fact"><dt>` + html.EscapeString(name) + `</dt><dd>` + html.EscapeString(value) + `</dd></div>`
}
