package app

import (
	"context"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
)

const (
	// settle is how long a new status must last before it is said: a round in the
	// background is too short to be news.
	statusSettles = 350 * time.Millisecond
	// tick renews "Synced TIME ago", and notices a status that nobody renews.
	tick = 10 * time.Second
)

// root is the frame around every page: header, banner, status, toasts, dialogs.
type root struct {
	ui.Compo
	s *session

	route       route
	navigated   bool // some page has been shown before this one
	installable bool

	counts     refresher
	state      string // the status sentence that is said
	ago        string
	tone       tone
	settling   bool
	everStated bool
	noticed    noticeKind // the notice that was said last
	loss       loss
	kept       bool // this page has seen the data as they should be
}

func (r *root) OnMount(ctx ui.Context) {
	s := r.s
	s.ctx = ctx
	s.update = s.Updates.UpdateWaiting()
	r.installable = ctx.IsAppInstallable()
	follow(ctx, s.Syncer.StatusChanges(ctx), r.restate)
	follow(ctx, s.Network.OnlineChanges(ctx), r.restate)
	follow(ctx, s.Users.Changes(ctx), r.recount)
	follow(ctx, s.StorageHealth.StorageStateChanges(ctx), r.rekeep)
	r.rekeep(ctx)
	s.takeDraft(ctx)
	r.restate(ctx)
	r.recount(ctx)
	r.tick(ctx)
}

func (r *root) tick(ctx ui.Context) {
	r.s.after(ctx, tick, func(ctx ui.Context) {
		r.look()
		r.present()
		r.tick(ctx)
	})
}

func (r *root) OnAppUpdate(ui.Context) {
	if r.s.Updates.UpdateWaiting() && !r.s.update {
		r.s.update = true
		r.s.say("A new version is ready")
	}
}

func (r *root) OnAppInstallChange(ctx ui.Context) { r.installable = ctx.IsAppInstallable() }

func (r *root) OnNav(ctx ui.Context) {
	u := ctx.Page().URL()
	was := r.route
	r.route = parseRoute(u.Path)
	switch r.route.page {
	case usersRoute:
		ctx.Page().SetTitle(title("Users"))
	case syncRoute:
		ctx.Page().SetTitle(title("Sync"))
	case missingRoute:
		ctx.Page().SetTitle(title("Page not found"))
	}
	if r.route != was {
		// Once the page before is gone, or it would remember the top as its place.
		ctx.Defer(func(ui.Context) { r.s.Layout.ScrollTo(scrollerID, 0) })
	}
	// The first page keeps the focus where the browser put it; later ones begin at
	// their heading, as a page load would.
	if r.navigated && r.route != was {
		ctx.Defer(func(ui.Context) { r.s.Elements.Focus("page-title") })
	}
	r.navigated = true
	if r.route.page == usersRoute && u.Query().Get("add") != "" {
		ctx.Page().ReplaceURL(withoutQuery(u))
		r.s.edit(formRequest{opener: "add-user"})
	}
}

func (r *root) recount(ctx ui.Context) {
	r.counts.run(ctx, func() func(context.Context) func(ui.Context) {
		return func(ctx context.Context) func(ui.Context) {
			counts, err := r.s.Outbox.Counts(ctx)
			return func(ctx ui.Context) {
				if err == nil { // what can't be counted is said where it is listed
					r.s.counts = counts
					r.s.guardLeaving()
					r.restate(ctx)
				}
			}
		}
	})
}

// restate derives the reach at once, for the banner, and the sentence when it
// has settled.
func (r *root) restate(ctx ui.Context) {
	s := r.s
	r.look()
	if !r.everStated {
		r.everStated = true
		r.present()
		return
	}
	if r.settling {
		return
	}
	r.settling = true
	s.after(ctx, statusSettles, func(ui.Context) {
		r.settling = false
		r.present()
	})
}

// look reads the engine's status.
func (r *root) look() {
	r.s.status = current(r.s.Syncer.Status(), r.s.Clock.Now())
	r.s.reach = reachable(r.s.reach, r.s.Network.Online(), r.s.status)
}

func (r *root) standing() standing {
	return standing{reach: r.s.reach, status: r.s.status, counts: r.s.counts, now: r.s.Clock.Now()}
}

func (r *root) present() {
	now := r.standing()
	r.state, r.ago = now.sentence()
	r.tone = now.tone()
}

func (r *root) Render() ui.UI {
	return ui.Div().Class("app").Body(
		ui.A().Class("skip").Href("#main").Text("Skip to content").OnClick(r.skip),
		ui.Header().Body(
			r.renderBar(),
			ui.If(r.s.reach == offline, ui.P().Class("banner").Body(
				icon("offline"), ui.Span().Text("Offline - Changes will sync when connected"))),
			r.renderNotice(),
		),
		ui.Main().ID("main").Class("main").TabIndex(-1).Body(r.renderPage()),
		r.s.renderToasts(),
		&formDialog{S: r.s, Asked: r.s.formAsked()},
		&confirmDialog{S: r.s, Asked: r.s.confirmAsked()},
	)
}

// skip moves the focus and the scroll position past the header. go-app would
// take the click for a navigation.
func (r *root) skip(_ ui.Context, e ui.Event) {
	e.PreventDefault()
	e.Call("stopPropagation")
	r.s.Elements.Focus("main")
}

func (r *root) renderBar() ui.UI {
	return ui.Div().Class("bar").Body(
		ui.A().Class("brand").Href("/").Aria("label", "Rollcall, all users").Body(
			icon("brand"), ui.Span().Class("brand-name").Text("Rollcall")),
		ui.Nav().Class("nav").Aria("label", "Main").Body(
			r.navLink("/", "Users", r.route.page == usersRoute || r.route.page == userRoute, queue.Counts{}),
			r.navLink("/sync", "Sync", r.route.page == syncRoute, r.s.counts),
		),
		ui.Div().Class("bar-end").Body(
			r.renderStatus(),
			ui.If(r.installable, button("button-quiet", "install", "Install app").OnClick(r.install)),
		),
	)
}

func (r *root) navLink(href, text string, current bool, c queue.Counts) ui.UI {
	a := ui.A().Class("nav-link").Href(href)
	if current {
		a = a.Aria("current", "page")
	}
	number, words := badge(c)
	class := "badge"
	if c.Rejected+c.Conflicts > 0 {
		class = "badge badge-urgent"
	}
	return a.Body(
		ui.Span().Text(text),
		ui.If(number != "",
			ui.Span().Class(class).Aria("hidden", true).Text(number),
			ui.Span().Class("unseen").Text(words)),
	)
}

// renderStatus is the one live region. The part that changes with time alone is
// not announced.
func (r *root) renderStatus() ui.UI {
	return ui.Div().Class("status", "status-"+string(r.tone)).Role("status").
		Aria("label", "Sync status").Aria("live", "polite").Aria("atomic", false).Body(
		ui.Span().Class("status-dot").Aria("hidden", true),
		ui.Span().Class("status-state").Text(r.state),
		ui.Span().Class("status-ago").Aria("live", "off").Text(r.ago),
		ui.Span().Class("unseen").Text(r.s.said),
	)
}

func (r *root) install(ctx ui.Context, _ ui.Event) {
	ctx.ShowAppInstallPrompt()
	r.installable = false
}

func (r *root) renderPage() ui.UI {
	switch r.route.page {
	case usersRoute:
		return &usersPage{S: r.s}
	case userRoute:
		return &userPage{S: r.s, ID: r.route.id}
	case syncRoute:
		return &syncPage{S: r.s}
	case missingRoute:
		return &missingPage{}
	}
	return skeleton()
}
