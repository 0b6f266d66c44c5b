package app

import (
	"context"
	"errors"
	"html"
	"strings"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Ids of the list's elements.
const (
	scrollerID = "main"
	beforeID   = "rows-before"
	afterID    = "rows-after"
	searchID   = "search"
)

func rowID(user string) string { return "row-" + user }

const (
	// defaultRowHeight counts, in CSS pixels, until a row has been measured.
	defaultRowHeight = 72
	// firstSyncTime is how long an empty list waits for the first sync before it says
	// that it is empty.
	firstSyncTime = 5 * time.Second
	// searchPause is how long a person does not type before the bios are looked through, too, and
	// the address has the search.
	searchPause = 400 * time.Millisecond
)

// Layout measures, scrolls and sizes elements, in CSS pixels.
type Layout interface {
	// Viewport is an element's scroll offset and height.
	Viewport(id string) (top, height float64)
	ScrollTo(id string, top float64)
	// Reveal scrolls to where an element is the first that is not covered.
	Reveal(id string)
	// Scrolls notifies when the element is scrolled, at most once a frame. The
	// channel holds at most one unread notification, until ctx ends.
	Scrolls(ctx context.Context, id string) <-chan struct{}
	// SetHeight goes through the CSSOM: the content security policy forbids style
	// attributes.
	SetHeight(id string, height float64)
	// KeepPlace keeps a text while the tab is open, also over a reload. KeptPlace is what it was.
	KeepPlace(text string)
	KeptPlace() string
	// KeepUndo and KeptUndo are the same for what can be undone.
	KeepUndo(text string)
	KeptUndo() string
	// KeepExport keeps the ids of the users that are to be exported.
	KeepExport(ids []string)
}

// Preview is what the shell has shown of the list before the program ran.
type Preview interface {
	// People are the first of the list as the server has them. There are none where this
	// browser has data of its own, or the server didn't answer.
	People() []api.User
}

// usersPage is the list of all users, of which it reads and renders a window.
type usersPage struct {
	ui.Compo
	S   *session
	ctx ui.Context // the page's own: that of a button ends with the button, and with it what it asked for

	reads     refresher
	cancel    context.CancelFunc // of the read that is under way
	unprepare context.CancelFunc // of what makes a search ready
	view      listView
	early     bool // the first matches are enough for now
	deep      bool // bios are looked through as well
	paused    bool // the person has stopped to type
	rowHeight float64
	anchors   anchors
	requested span       // the window that was read or is being read
	seek      *listPlace // where the next window is

	shown             span
	records           []repository.Record[api.User]
	keys              []queue.Key
	total             int
	partial           bool     // of a search that has not come to its end
	listed            listView // what these are of
	counted           int      // total, once it was not partial, and what it was of
	countedOf         listView
	loaded            bool
	failure           error
	toTop             bool // the next window begins a new list
	firstSyncTimedOut bool
	focused           string // id of the row's button that has the focus
	focusLost         bool   // its row has just gone

	letters   []string // that names begin with
	lettersOf int      // how many people there were then
	chosen    choosing

	content, rows keyed
}

func (p *usersPage) OnMount(ctx ui.Context) {
	p.ctx = ctx
	p.rowHeight, p.view, p.early = defaultRowHeight, parseListView(ctx.Page().URL()), true
	place := p.S.placeIn(p.view.address())
	p.total = place.total
	p.requested = windowFor(view{place.top(place.index, p.rowHeight), 0, p.rowHeight}, p.total)
	if place.key != (queue.Key{}) {
		p.seek = &place
	}
	p.S.Elements.SetValue(searchID, p.view.search)
	p.S.subscribe(ctx, p.S.Users.Changes(ctx), p.refresh)
	p.S.watch(ctx, p.S.Layout.Scrolls(ctx, scrollerID), p.scrolled)
	p.S.subscribe(ctx, p.S.Syncer.StatusChanges(ctx), p.learnLetters)
	p.S.after(ctx, firstSyncTime, func(ui.Context) { p.firstSyncTimedOut = true })
	p.awaitMidnight(ctx)
	p.read()
	p.deepen()
}

// awaitMidnight reads a list of what was changed today or this week anew on another day.
func (p *usersPage) awaitMidnight(ctx ui.Context) {
	today := func() time.Time { return language.Since(changedToday, time.Now()) }
	day := today()
	p.S.after(ctx, tickInterval, func(ctx ui.Context) {
		if p.view.changed != "" && !today().Equal(day) {
			p.read()
		}
		p.awaitMidnight(ctx)
	})
}

// OnNav shows what the page's address says by now.
func (p *usersPage) OnNav(ctx ui.Context) {
	u := ctx.Page().URL()
	v := parseListView(u)
	if parseRoute(u.Path).kind != usersRoute || v == p.view {
		return
	}
	p.changeAt(v, p.S.placeIn(v.address()))
	p.showChoices()
	p.deepen()
}

func (p *usersPage) OnResize(ctx ui.Context) {
	p.measure()
	p.scrolled(ctx)
}

// measure reads the row height, which follows the text size, from the first row.
func (p *usersPage) measure() {
	if len(p.records) == 0 {
		return
	}
	if _, h := p.S.Layout.Viewport(rowID(p.records[0].ID)); h > 0 {
		p.rowHeight = h
	}
}

func (p *usersPage) viewport() view {
	top, height := p.S.Layout.Viewport(scrollerID)
	return view{top, height, p.rowHeight}
}

// scrolled reads another window when the visible rows come near the end of this one.
func (p *usersPage) scrolled(ui.Context) {
	if !p.loaded {
		return
	}
	v := p.viewport()
	p.keepPlace(v)
	if p.requested.covers(v, p.total) {
		return
	}
	p.requested = windowFor(v, p.total)
	p.read()
}

// refresh reads the window again because rows may have changed. Its first row stays
// in place; the other anchors may have moved.
func (p *usersPage) refresh(ui.Context) {
	p.find(p.searchBox())
	p.anchors = p.anchors.keepOnly(p.shown.first)
	p.requested.count = max(p.requested.count, windowRows)
	p.read()
}

// searchBox is the search as the box shows it. A browser that restores the page fills the
// box without telling.
func (p *usersPage) searchBox() string {
	if text, ok := p.S.Elements.Value(searchID); ok {
		return text
	}
	return p.view.search
}

// find starts a new search.
func (p *usersPage) find(text string) {
	if text == p.view.search {
		return
	}
	v := p.view
	v.search = text
	p.change(v)
	p.deepen()
}

// change shows another list, from its top.
func (p *usersPage) change(v listView) { p.changeAt(v, listPlace{address: v.address()}) }

// changeAt shows another list, at a place.
func (p *usersPage) changeAt(v listView, place listPlace) {
	if v.query() != p.view.query() && p.chosen.all != "" {
		p.chosen.all = ""
	}
	p.view, p.early, p.deep, p.paused, p.anchors, p.seek, p.toTop = v, true, false, false, nil, nil, true
	p.requested = span{0, windowRows}
	if place.key != (queue.Key{}) {
		p.seek, p.toTop = &place, false
	}
	for _, cancel := range []context.CancelFunc{p.cancel, p.unprepare} { // nobody waits for it any more
		if cancel != nil {
			cancel()
		}
	}
	p.S.keepPlace(place)
	p.read()
}

// deepen looks through the bios, too, once the person has stopped to type. A browser allows few
// changes of the address in a row, so that waits as well.
func (p *usersPage) deepen() {
	v := p.view
	p.S.after(p.ctx, searchPause, func(ctx ui.Context) {
		if v == p.view {
			p.stopped(ctx)
		}
	})
}

func (p *usersPage) stopped(ctx ui.Context) {
	if u := *ctx.Page().URL(); parseRoute(u.Path).kind == usersRoute && u.RawQuery != p.view.query() && !p.S.dialogOpen() {
		u.RawQuery = p.view.query()
		ctx.Page().ReplaceURL(&u)
	}
	p.paused = true
	p.lookDeeper()
}

// lookDeeper looks through the bios, too, once what names and emails have is shown: it takes long.
func (p *usersPage) lookDeeper() {
	if p.paused && !p.deep && !p.partial && p.view.search != "" && p.listed == p.view {
		p.deep = true
		p.read()
	}
}

// keepPlace remembers where the person is, for when they come back.
func (p *usersPage) keepPlace(v view) {
	place := listPlace{address: p.view.address(), total: p.total}
	first, _ := v.visible()
	if i := min(first-p.shown.first, len(p.keys)-1); first > 0 && i >= 0 {
		place.key, place.index = p.keys[i], p.shown.first+i
		place.offset = v.top - float64(place.index)*v.rowHeight
	}
	if place != p.S.placeIn(place.address) {
		p.S.keepPlace(place)
		p.S.Layout.KeepPlace(place.text())
	}
}

// mostPlaces bounds of how many lists it is known where the person was.
const mostPlaces = 50

func (s *session) keepPlace(p listPlace) {
	n := len(s.places)
	switch {
	case n > 0 && s.places[n-1].address == p.address:
		n--
	case n == mostPlaces:
		n = 0
	}
	s.places = append(s.places[:n], p)
}

// placeIn is where the person was in a list, as far as it is known.
func (s *session) placeIn(address string) listPlace {
	if len(s.places) == 0 {
		s.places = []listPlace{parseListPlace(s.Layout.KeptPlace())} // from before a reload
	}
	for i := len(s.places) - 1; i >= 0; i-- {
		if s.places[i].address == address {
			return s.places[i]
		}
	}
	return listPlace{address: address}
}

// window is a read of the list: what is asked for, and what came.
type window struct {
	view      listView
	deep      bool
	requested span
	query     repository.Query
	seek      *listPlace
	height    float64 // of the list's viewport
	rowHeight float64

	page repository.Page[api.User]
	top  float64 // to scroll to, if it was sought
	row  string  // the id of what is there
}

func (p *usersPage) read() {
	p.reads.run(p.S, p.ctx, func() read {
		w := window{view: p.view, deep: p.deep, requested: p.requested, seek: p.seek, height: p.viewport().height, rowHeight: p.rowHeight}
		w.query = p.view.apply(p.anchors.query(p.requested), time.Now())
		w.query.Early, w.query.Deep = p.early && p.seek == nil, p.deep
		reading, cancel := context.Context(p.ctx), context.CancelFunc(func() {})
		if p.view.search != "" { // the only one that takes long
			reading, cancel = context.WithCancel(p.ctx)
		}
		p.cancel = cancel
		return func(context.Context) func(ui.Context) {
			err := w.load(reading, p.S.Users)
			cancel()
			return func(ctx ui.Context) {
				if w.view == p.view && !errors.Is(err, context.Canceled) { // else another list was asked for
					p.show(ctx, w, err)
				}
			}
		}
	})
}

// load reads the window. One that is sought by a key is where that is by now.
func (w *window) load(ctx context.Context, users Users) (err error) {
	if w.seek != nil {
		q := w.query
		q.From, q.Skip, q.Limit = w.seek.key, 0, 1
		page, err := users.List(ctx, q)
		if err != nil {
			return err
		}
		index := page.First
		if page.Records.Len() == 0 {
			index = max(page.Total-1, 0)
		}
		w.top = w.seek.top(index, w.rowHeight)
		if len(page.Keys) > 0 && w.seek.jump {
			w.row = page.Keys[0].ID
		}
		w.requested = windowFor(view{w.top, w.height, w.rowHeight}, page.Total)
		w.query.From, w.query.Skip, w.query.Limit = queue.Key{}, w.requested.first, w.requested.count+1
	}
	w.page, err = users.List(ctx, w.query)
	return err
}

func (p *usersPage) show(ctx ui.Context, w window, err error) {
	p.failure = err
	if err != nil {
		return
	}
	requested, page := w.requested, w.page
	if w.seek != nil {
		p.requested, p.anchors = requested, nil
	}
	is, drifted := actualSpan(requested, page.Records.Len(), page.Total)
	p.total, p.partial, p.listed = page.Total, page.Partial, w.view
	if !p.partial {
		p.counted, p.countedOf = p.total, p.listed
	}
	if is.count > 0 && page.Records.Len() == 0 {
		p.anchors, p.requested = nil, is
		p.read()
		return
	}
	if drifted {
		p.anchors = nil
	}
	scrollTo := -1.0
	switch {
	case w.seek != nil && w.seek == p.seek:
		scrollTo, p.seek = w.top, nil
	case p.toTop:
		scrollTo = 0
	}
	p.toTop = false
	page.Keys = page.Keys[:min(len(page.Keys), is.count)]
	p.shown, p.records, p.keys, p.loaded = is, page.Records.First(is.count), page.Keys, true
	p.loseFocus()
	if p.requested == requested {
		p.requested = is
	}
	if !drifted {
		p.anchors.add(is.first, page.Keys)
	}
	ctx.Defer(func(ctx ui.Context) {
		p.layOut(ctx, scrollTo)
		if w.row != "" {
			p.S.Layout.Reveal(rowID(w.row))
		}
		p.lookDeeper()
		if p.partial {
			p.early = false
			p.read()
		}
	})
	p.learnLetters(ctx)
}

// layOut sizes the spacers once the rows are rendered, and scrolls unless scrollTo
// is negative.
func (p *usersPage) layOut(ctx ui.Context, scrollTo float64) {
	p.measure()
	p.S.Layout.SetHeight(beforeID, float64(p.shown.first)*p.rowHeight)
	p.S.Layout.SetHeight(afterID, float64(max(p.total-p.shown.end(), 0))*p.rowHeight)
	if scrollTo >= 0 {
		p.S.Layout.ScrollTo(scrollerID, scrollTo)
	}
	if p.focusLost {
		p.focusLost = false
		p.S.Elements.Focus(scrollerID)
	}
	p.scrolled(ctx)
}

// loseFocus notes that the focus goes with its row. The list as a whole gets it: on the
// next row the key that was meant for this one would do harm.
func (p *usersPage) loseFocus() {
	_, id, _ := strings.Cut(p.focused, "-")
	if _, shown := p.record(id); p.focused != "" && !shown {
		p.focused, p.focusLost = "", true
	}
}

func (p *usersPage) add(ui.Context, ui.Event) { p.S.openForm(formRequest{opener: "add-user"}) }

func (p *usersPage) retry(ui.Context, ui.Event) {
	p.failure = nil
	p.read()
}

func (p *usersPage) typed(ctx ui.Context, _ ui.Event) {
	p.find(ctx.JSSrc().Get("value").String())
}

// left is when the search box has been typed in and is left: for what comes next, the address
// has the search.
func (p *usersPage) left(ctx ui.Context, e ui.Event) {
	p.typed(ctx, e)
	p.stopped(ctx)
}

// inNobodysText is no part of anybody's name or email.
const inNobodysText = "\x00"

// prepare has the device read what a search looks in, before the person types.
func (p *usersPage) prepare(ui.Context, ui.Event) {
	reading, cancel := context.WithCancel(p.ctx)
	p.unprepare = cancel
	p.S.async(func(context.Context) error {
		defer cancel()
		_, err := p.S.Users.List(reading, repository.Query{Search: inNobodysText})
		return err
	}, func(error) {}) // the search itself says what fails
}

// unprepared ends that when the person goes on to something else: of a million people it takes seconds, in which a save waits.
func (p *usersPage) unprepared(ui.Context, ui.Event) {
	if p.unprepare != nil {
		p.unprepare()
	}
}

func (p *usersPage) clear(ctx ui.Context, _ ui.Event) {
	p.S.Elements.SetValue(searchID, "")
	p.S.Elements.Focus(searchID)
	p.change(listView{sort: p.view.sort})
	p.showChoices()
	p.stopped(ctx)
}

func (p *usersPage) Render() ui.UI {
	return ui.Div().Class("page").Body(append([]ui.UI{
		ui.Div().Class("page-head").Body(
			ui.Div().Class("page-heading").Body(
				pageTitle(tr("Users")),
				ui.P().Class("count").Text(p.count()),
				p.renderArriving(),
			),
			ui.Raw(`<a class="button files-link" href="`+html.EscapeString(p.filesPath())+`">`+iconHTML("transfer")+`<span>`+html.EscapeString(tr("Import or export"))+`</span></a>`),
			ui.Div().Class("page-actions").Body(
				p.S.syncButton(),
				button("button-primary", "plus", tr("Add user")).ID("add-user").OnClick(p.add),
			),
		),
		ui.Div().Class("search").Role("search").Body(
			icon("search"),
			ui.Input().ID(searchID).Class("input").Type("search").Aria("label", tr("Search users")).
				Placeholder(tr("Search names, emails and bios")).MaxLength(api.MaxQuery).
				Attr("autocomplete", "off").Attr("enterkeyhint", "search").Spellcheck(false).
				OnInput(p.typed).OnChange(p.left).OnFocus(p.prepare).On("blur", p.unprepared),
		),
		p.renderTools(),
	}, append(p.renderContent(), p.renderChoice(), p.renderLetters())...)...)
}

// filesPath is of the page for files, which exports what the list shows.
func (p *usersPage) filesPath() string {
	return "/import" + p.view.address()[1:]
}

// arriving is how much of a first sync has come, false where there is none or nobody knows.
func (p *usersPage) arriving() (r sync.ResyncProgress, ok bool) {
	if p.S.status.Resync != nil {
		r = *p.S.status.Resync
	}
	return r, r.First && r.Total > r.Arrived && r.Arrived > 0 && !p.view.filtered()
}

// renderArriving shows it in a line that takes no room. The status region says it.
func (p *usersPage) renderArriving() ui.UI {
	r, ok := p.arriving()
	return orNothing(ok, func() ui.UI {
		return ui.Progress().Class("meter", "arriving").Aria("label", tr("Loading the list")).Max(r.Total).Value(r.Arrived)
	})
}

func (p *usersPage) count() string {
	r, arriving := p.arriving()
	switch {
	case arriving && p.failure == nil:
		return tr("{0} of {1} users", formatCount(r.Arrived), formatCount(r.Total))
	case !p.loaded || p.failure != nil:
		return ""
	case p.countedOf.filtered():
		return trn(p.counted, "{n} match", "{n} matches")
	case p.counted > 0:
		return trn(p.counted, "{n} user", "{n} users")
	}
	return ""
}

// renderContent renders the list, or why there is none. Each reason is an element of its
// own: its button must not become another one's.
func (p *usersPage) renderContent() []ui.UI {
	switch {
	case p.failure != nil:
		return p.content.only("failure", emptyState("alert", ui.H2().Text(tr("The list can't be shown")), errorText(p.failure),
			retryButton(p.retry)))
	case !p.loaded || p.total == 0 && !p.view.filtered() && (p.listed.filtered() || p.knowledge() == stillLoading):
		// Who comes back to the list has seen newer rows.
		seen := p.total > 0 || p.view != (listView{}) || p.knowledge() == knownEmpty
		if people := p.S.Preview.People(); !seen && len(people) > 0 {
			return p.content.only("preview", preview(people))
		}
		return p.content.only("skeleton", skeleton())
	case p.total == 0 && p.view.filtered():
		return p.content.only("no-match", emptyState("search", ui.H2().Text(tr("No matches")), p.whyNoMatch(),
			ui.Button().Type("button").Class("button").Text(p.clearText()).OnClick(p.clear, "clear")))
	case p.total == 0 && p.knowledge() == notLoaded:
		return p.content.only("not-loaded", emptyState("offline", ui.H2().Text(tr("Not loaded yet")), p.whyNotLoaded(),
			retryButton(func(ui.Context, ui.Event) { p.S.syncNow() }),
			button("", "plus", tr("Add a user")).OnClick(p.add, "add-meanwhile")))
	case p.total == 0:
		return p.content.only("empty", emptyState("people", ui.H2().Text(tr("No users yet")), tr("Add the first one. It is saved on this device right away, online or offline."),
			button("button-primary", "plus", tr("Add your first user")).OnClick(p.add, "add-first"),
			ui.A().Class("button").Href("/import").Text(tr("Import from a file"))))
	}
	ids := keysOf(p.records, func(r repository.Record[api.User]) string { return r.ID })
	return p.content.only("list", ui.Div().Class("list").Body(
		ui.Div().ID(beforeID).Class("spacer"),
		ui.Ul().Class("rows").Role("list").Aria("label", tr("Users")).
			DataSet("order", order(ids)).DataSet("first", p.shown.first).DataSet("total", p.total).
			OnClick(p.clicked).On("rowhold", p.held).On("focusin", p.focusIn).On("focusout", p.focusOut).Body(p.rows.children(ids, p.row)...),
		ui.Div().ID(afterID).Class("spacer"),
	))
}

// whyNoMatch says what was looked for in vain.
func (p *usersPage) whyNoMatch() string {
	text := tr("No user fits these filters.")
	switch {
	case p.view.search != "" && !p.deep:
		text = tr("No user's name or email contains “{0}”. Looking through the bios…", isolate(p.view.search))
	case p.view.search != "":
		text = tr("No user's name, email or bio contains “{0}”.", isolate(p.view.search))
	}
	if p.knowledge() != knownEmpty {
		text = inARow(text, tr("The whole list has not been loaded yet."))
	}
	return text
}

func (p *usersPage) clearText() string {
	if p.view.state == "" && p.view.changed == "" {
		return tr("Clear search")
	}
	return tr("Show all users")
}

// knowledge is what a list without rows means.
type knowledge int

const (
	knownEmpty   knowledge = iota // the server has none either
	stillLoading                  // rows may arrive any moment
	notLoaded                     // the server's rows have never arrived
)

// knowledge of the list: the first sync takes however long it takes, and has
// firstSyncTime to begin. When it fails, nothing is known of what the server has.
func (p *usersPage) knowledge() knowledge {
	switch status := p.S.status; {
	case !status.SyncedAt.IsZero() && status.Resync == nil:
		return knownEmpty
	case status.Phase == sync.Failed || status.Problem != nil || p.S.reach == sync.ReachOffline:
		return notLoaded
	case status.Resync != nil || status.Phase == sync.Syncing || !p.firstSyncTimedOut:
		return stillLoading
	}
	return notLoaded
}

// whyNotLoaded says why the server's rows have never arrived.
func (p *usersPage) whyNotLoaded() string {
	goOn := tr("You can add users meanwhile: they are saved on this device.")
	switch {
	case p.S.status.Problem != nil:
		return inARow(tr("The first sync failed: {0}", problemText(p.S.status.Problem)), goOn)
	case p.S.reach == sync.ReachOffline:
		return inARow(tr("The list loads as soon as the server can be reached."), goOn)
	}
	return inARow(tr("The server has not answered yet."), goOn)
}

func (p *usersPage) focusIn(_ ui.Context, e ui.Event) { p.focused = e.Get("target").Get("id").String() }

func (p *usersPage) focusOut(ui.Context, ui.Event) { p.focused = "" }

// row is the component of a shown user.
func (p *usersPage) row(i int) ui.UI {
	rec := p.records[i]
	r := &userRow{ID: rec.ID, Name: rec.Value.Name, Email: rec.Value.Email, State: rec.State, Search: p.folded(), Choosing: p.chosen.on}
	_, r.Chosen = p.chosen.users[rec.ID]
	if p.deep {
		r.Excerpt = excerpt(rec.Value.Bio, missing(r.Search, r.Name, r.Email))
	}
	return r
}

// folded is the search as texts are compared with it.
func (p *usersPage) folded() string { return api.FoldText(strings.TrimSpace(p.view.search)) }

// record finds a shown user.
func (p *usersPage) record(id string) (repository.Record[api.User], bool) {
	for _, rec := range p.records {
		if rec.ID == id {
			return rec, true
		}
	}
	return repository.Record[api.User]{}, false
}

// clicked does what a press on a row is for: of its button, or of the row itself where users are
// selected. A row's name is a link, which the browser follows.
func (p *usersPage) clicked(_ ui.Context, e ui.Event) {
	target := e.Get("target")
	if button := target.Call("closest", "button"); button.Truthy() {
		p.press(button.Get("id").String(), e.Get("shiftKey").Truthy())
		return
	}
	row := target.Call("closest", "[data-key]")
	several, shift := e.Get("ctrlKey").Truthy() || e.Get("metaKey").Truthy(), e.Get("shiftKey").Truthy()
	if !row.Truthy() || !p.chosen.on && (!several && !shift || target.Call("closest", "bdi").Truthy()) {
		return
	}
	e.PreventDefault()
	e.Call("stopPropagation") // go-app would follow the link
	p.choose(row.Get("dataset").Get("key").String(), shift)
}

// press does what a row's button is for.
func (p *usersPage) press(button string, shift bool) {
	action, id, _ := strings.Cut(button, "-")
	switch rec, ok := p.record(id); {
	case !ok:
	case action == "choose":
		p.choose(id, shift)
	case action == "edit":
		p.S.openForm(formRequest{user: &rec, opener: button})
	case action == "delete":
		p.S.deleteUser(rec, nil)
	}
}
