package app

import (
	"context"
	"errors"
	"strings"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// userPage is one user with all there is to know.
type userPage struct {
	ui.Compo
	S  *session
	ID string

	reads   refresher
	shownID string // of the user in record, or that could not be read
	record  repository.Record[api.User]
	failure error
	deleted string // the id of the user that was deleted here
}

func (p *userPage) OnMount(ctx ui.Context) {
	follow(ctx, p.S.Users.Changes(ctx), p.read)
	p.read(ctx)
}

// OnUpdate hears that another user is to be shown.
func (p *userPage) OnUpdate(ctx ui.Context) { p.read(ctx) }

func (p *userPage) read(ctx ui.Context) {
	p.reads.run(ctx, func() func(context.Context) func(ui.Context) {
		id := p.ID
		return func(ctx context.Context) func(ui.Context) {
			record, err := p.S.Users.Get(ctx, id)
			return func(ctx ui.Context) { p.take(ctx, id, record, err) }
		}
	})
}

func (p *userPage) take(ctx ui.Context, id string, record repository.Record[api.User], err error) {
	if id != p.ID || id == p.deleted {
		return
	}
	p.shownID, p.record, p.failure = id, record, err
	if err != nil {
		ctx.Page().SetTitle(title("User"))
		return
	}
	ctx.Page().SetTitle(title(record.Value.Name))
}

func (p *userPage) retry(ctx ui.Context, _ ui.Event) {
	p.shownID = ""
	p.read(ctx)
}

func (p *userPage) edit(ui.Context, ui.Event) {
	record := p.record
	p.S.edit(formRequest{user: &record, opener: "edit-user"})
}

func (p *userPage) remove(ui.Context, ui.Event) {
	if p.deleted == p.ID {
		return
	}
	p.deleted = p.ID
	p.S.remove(p.record, func(err error) {
		if err == nil {
			if p.Mounted() {
				p.S.ctx.Navigate("/")
			}
			return
		}
		p.deleted = ""
		p.Update()
	})
}

func (p *userPage) Render() ui.UI {
	switch {
	case p.shownID != p.ID:
		return skeleton()
	case errors.Is(p.failure, repository.ErrNotFound):
		return ui.Div().Class("page").Body(notice("search", "User not found",
			"There is no such user. It may have been deleted.", backLink("button button-primary")))
	case errors.Is(p.failure, repository.ErrNotReachable):
		return ui.Div().Class("page").Body(notice("offline", "Not on this device",
			"This user has not been downloaded yet, and the server can't be reached.", p.retryButton(), backLink("button")))
	case p.failure != nil:
		return ui.Div().Class("page").Body(notice("alert", "This user can't be shown",
			explain(p.failure), p.retryButton(), backLink("button")))
	}
	return p.renderUser()
}

func (p *userPage) retryButton() ui.UI {
	return button("button-primary", "sync", "Try again").OnClick(p.retry, "retry")
}

func backLink(class string) ui.UI {
	return ui.A().Class(class).Href("/").Body(icon("back"), ui.Span().Text("All users"))
}

func (p *userPage) renderUser() ui.UI {
	u := p.record.Value
	return ui.Div().Class("page").Body(
		ui.Div().Class("crumbs").Body(backLink("back")),
		ui.Div().Class("card", "person").Body(
			ui.Div().Class("person-head").Body(
				avatar(p.record.ID, u.Name, "avatar avatar-big"),
				ui.Div().Class("person-names").Body(
					ui.H1().ID("page-title").TabIndex(-1).Text(u.Name),
					ui.A().Class("person-email").Href("mailto:"+u.Email).Text(u.Email),
				),
				stateBadge(p.record.State),
			),
			ui.If(strings.TrimSpace(u.Bio) != "", ui.P().Class("person-bio").Text(u.Bio)),
			ui.Div().Class("person-actions").Body(
				ui.Button().ID("edit-user").Type("button").Class("button").Aria("label", "Edit "+u.Name).
					Body(icon("edit"), ui.Span().Text("Edit")).OnClick(p.edit),
				ui.Button().ID("delete-user").Type("button").Class("button", "button-danger-quiet").Aria("label", "Delete "+u.Name).
					Body(icon("trash"), ui.Span().Text("Delete")).OnClick(p.remove),
			),
		),
		p.renderStanding(),
	)
}

// renderStanding says where the user's record stands between device and server.
func (p *userPage) renderStanding() ui.UI {
	r := p.record
	synced, version := "Not yet: it is only on this device", "None yet"
	if r.Version > 0 {
		synced, version = "Not known", grouped(int(r.Version))
	}
	if !r.SyncedAt.IsZero() {
		synced = asSentence(relative(r.SyncedAt, p.S.Clock.Now()))
	}
	rows := []ui.UI{fact("State", standingText(r.State)), fact("Last synced", synced), fact("Version", version)}
	if !r.Value.CreatedAt.IsZero() {
		rows = append(rows, fact("Added", r.Value.CreatedAt.Local().Format("2 January 2006, 15:04")))
	}
	if !r.Value.UpdatedAt.IsZero() {
		rows = append(rows, fact("Changed", r.Value.UpdatedAt.Local().Format("2 January 2006, 15:04")))
	}
	rows = append(rows, fact("Id", r.ID))
	return ui.Section().Class("card").Aria("labelledby", "record-title").Body(
		ui.H2().ID("record-title").Text("Record"),
		ui.Dl().Class("facts").Body(rows...),
		ui.If(r.State == queue.NeedsAttention || r.State == queue.InConflict,
			ui.P().Body(ui.A().Class("button", "button-primary").Href("/sync").Text("See what to do"))),
	)
}
