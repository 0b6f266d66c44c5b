package app

import (
	"context"
	"html"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

const (
	// statusDebounce is how long a new status must last before it is announced: a
	// round in the background is too short to be news.
	statusDebounce = 350 * time.Millisecond
	// tickInterval renews "Synced TIME ago", and detects one that has expired.
	tickInterval = 10 * time.Second
)

// root is the frame around every page: header, banner, status, toasts, dialogs.
type root struct {
	ui.Compo
	s *session

	route     route
	navigated bool // another page was shown before this one

	counts          refresher
	status          statusLine
	statusShown     bool
	debouncing      bool
	announcedNotice noticeKind
	dataLoss        dataLoss
	dataSeen        bool // this page has seen the data intact
	counted         bool // this page could read the data

	noticeSlots, actionSlots keyed
}

func (r *root) OnMount(ctx ui.Context) {
	s := r.s
	s.ctx = ctx
	s.updateReady = s.Updates.UpdateWaiting()
	s.subscribe(ctx, s.Syncer.StatusChanges(ctx), r.refreshStatus)
	s.subscribe(ctx, s.Network.OnlineChanges(ctx), r.refreshStatus)
	s.subscribe(ctx, s.Users.Changes(ctx), r.refreshCounts)
	s.subscribe(ctx, s.StorageHealth.StorageStateChanges(ctx), r.refreshStorageState)
	r.refreshStorageState(ctx)
	s.offerDrafts()
	s.offerKeptUndo()
	s.greet()
	s.offerInstall()
	r.refreshStatus(ctx)
	r.refreshCounts(ctx)
	r.tick(ctx)
}

func (r *root) tick(ctx ui.Context) {
	r.s.after(ctx, tickInterval, func(ctx ui.Context) {
		r.readStatus()
		r.showStatus()
		r.tick(ctx)
	})
}

func (r *root) OnAppUpdate(ctx ui.Context) {
	r.s.dispatch(ctx, func(ctx ui.Context) {
		r.refreshStorageState(ctx) // the new version may be able to read the data
		if r.s.Updates.UpdateWaiting() && !r.s.updateReady {
			r.s.updateReady = true
			r.s.announce(tr("A new version is ready"))
		}
	})
}

func (r *root) OnAppInstallChange(ctx ui.Context) {
	r.s.dispatch(ctx, func(ui.Context) { r.s.offerInstall() })
}

func (r *root) OnNav(ctx ui.Context) {
	u := ctx.Page().URL()
	was := r.route
	r.route = parseRoute(u.Path)
	if name, fixed := pageNames[r.route.kind]; fixed {
		r.s.setTitle(tr(name))
	}
	if r.route != was {
		r.tellCutOff()
		// Deferred until the page before is gone, or it would save the top as its place.
		ctx.Defer(func(ui.Context) { r.s.Layout.ScrollTo(scrollerID, 0) })
	}
	// The first page leaves the focus where the browser put it. Later ones begin at
	// their heading, as a page load would.
	if r.navigated && r.route != was {
		ctx.Defer(func(ui.Context) { r.s.Elements.Focus(pageTitleID) })
	}
	r.navigated = true
	if r.route.kind == usersRoute && u.Query().Get("add") != "" {
		withoutQuery := *u
		withoutQuery.RawQuery = ""
		ctx.Page().ReplaceURL(&withoutQuery)
		r.s.openForm(formRequest{opener: "add-user"})
	}
}

func (r *root) refreshCounts(ctx ui.Context) {
	r.counts.run(r.s, ctx, func() read {
		return func(ctx context.Context) func(ui.Context) {
			counts, err := r.s.Outbox.Counts(ctx)
			return func(ctx ui.Context) {
				if err == nil { // the page /sync shows why they can't be read
					r.counted = true
					r.s.counts = counts
					r.s.showWaiting()
					r.s.Installation.Badge(counts.Total())
					r.s.guardLeaving()
					r.refreshStatus(ctx)
				}
			}
		}
	})
}

// refreshStatus updates the banner at once, and the status line once the status
// has lasted.
func (r *root) refreshStatus(ctx ui.Context) {
	r.readStatus()
	if !r.statusShown {
		r.statusShown = true
		r.showStatus()
		return
	}
	if r.debouncing {
		return
	}
	r.debouncing = true
	r.s.after(ctx, statusDebounce, func(ui.Context) {
		r.debouncing = false
		r.showStatus()
	})
}

func (r *root) readStatus() {
	s, now := r.s, time.Now()
	s.status = s.Syncer.Status()
	s.reach = s.status.Reach(s.reach, s.Network.Online(), now)
	if s.status.Stale(now) {
		s.status.Phase, s.status.Resync = sync.Idle, nil
	}
	s.pace = s.pace.followed(s.status.Resync, now)
	if r.counted && (syncState{status: s.status, now: now}).disabled() {
		s.leaveDisabled()
	}
}

func (r *root) showStatus() {
	r.status = r.s.state().line()
}

func (r *root) Render() ui.UI {
	return ui.Div().Class("app").Body(
		ui.A().Class("skip").Href("#main").Text(tr("Skip to content")).OnClick(r.skip),
		ui.Header().Body(append([]ui.UI{
			r.renderBar(),
			r.renderBanner(),
		}, r.renderNotice()...)...),
		ui.Main().ID("main").Class("main").TabIndex(-1).Body(r.renderPage()),
		r.s.renderToasts(),
		&formDialog{S: r.s, Request: r.s.form.dialog()},
		&confirmDialog{S: r.s, Request: r.s.confirm.id()},
	)
}

// renderBanner says what keeps the changes on this device, and the way out.
func (r *root) renderBanner() ui.UI {
	state := r.s.state()
	switch {
	case state.disabled():
		return ui.Div().Class("banner").Body(
			ui.Span().Text(tr("This account is disabled - Changes are kept on this device")),
			ui.Button().ID(disabledID).Type("button").Class("button").Text(tr("See what to do")).OnClick(func(ui.Context, ui.Event) { r.s.askDisabled() }))
	case state.signedOut():
		if r.route.kind == meRoute || r.route.kind == joinRoute {
			return nil // the page says it
		}
		return ui.Div().Class("banner").Body(
			ui.Span().Text(tr("Sign in to sync - Changes are kept on this device")),
			ui.Button().Type("button").Class("button").Text(tr("Sign in")).OnClick(func(ui.Context, ui.Event) { r.s.signIn() }))
	case state.tooOld():
		return ui.Div().Class("banner").Body(
			ui.Span().Text(tr("This version is too old to sync - Changes are kept on this device")),
			ui.Button().Type("button").Class("button").Text(tr("Reload")).OnClick(func(ui.Context, ui.Event) { r.s.reload() }))
	case r.s.reach == sync.ReachOffline:
		return ui.P().Class("banner").Body(icon("offline"), ui.Span().Text(tr("Offline - Changes will sync when connected")))
	}
	return nil
}

// skip moves the focus and the scroll position past the header. Left alone, go-app
// would treat the click as a navigation.
func (r *root) skip(_ ui.Context, e ui.Event) {
	e.PreventDefault()
	e.Call("stopPropagation")
	r.s.Elements.Focus("main")
}

func (r *root) renderBar() ui.UI {
	return ui.Div().Class("bar").Body(
		ui.Raw(`<a class="brand" href="/" aria-label="`+html.EscapeString(tr("Rollcall, all users"))+`">`+iconHTML("brand")+`<span class="brand-name">Rollcall</span></a>`),
		ui.Nav().Class("nav").Aria("label", tr("Main")).Body(
			r.navLink("/", tr("Users"), r.route.kind == usersRoute || r.route.kind == userRoute, queue.Counts{}),
			r.navLink("/sync", tr("Sync"), r.route.kind == syncRoute, r.s.counts),
			ui.If(r.s.Accounts.Account().ID != "", r.navLink(api.PathMe, tr("Account"), r.route.kind == meRoute || r.route.kind == accountsRoute, queue.Counts{})),
		),
		ui.Div().Class("bar-end").Body(
			r.renderStatus(),
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

// renderStatus is the one live region. Its detail changes with time alone and is
// not announced.
func (r *root) renderStatus() ui.UI {
	return ui.Div().Class("status", "status-"+string(r.status.tone)).Role("status").
		Aria("label", tr("Sync status")).Aria("live", "polite").Aria("atomic", false).Body(
		ui.Span().Class("status-dot").Aria("hidden", true),
		ui.Span().Class("status-text").Text(r.status.text),
		ui.Span().Class("status-detail").Aria("live", "off").Text(r.status.detail),
		ui.Span().Class("unseen").Text(r.s.announcement),
	)
}

func (r *root) renderPage() ui.UI {
	switch r.route.kind {
	case usersRoute:
		return &usersPage{S: r.s}
	case userRoute:
		return &userPage{S: r.s, ID: r.route.id}
	case syncRoute:
		return &syncPage{S: r.s}
	case meRoute, joinRoute:
		return &accountPage{S: r.s, Join: r.route.kind == joinRoute}
	case accountsRoute:
		return managedPage(r.s, PartAccounts, accountsRoute)
	case importRoute:
		return managedPage(r.s, PartImport, importRoute)
	case exportRoute:
		return managedPage(r.s, PartExport, exportRoute)
	case missingRoute:
		return &missingPage{}
	}
	return skeleton()
}
