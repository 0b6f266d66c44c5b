package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Ids of the list's elements. Rows have theirs by position in the window.
const (
	scrollerID = "main"
	beforeID   = "rows-before"
	afterID    = "rows-after"
	firstRowID = "row-0"
	searchID   = "search"
)

// usualRow is the height of a row in CSS pixels before one was measured.
const usualRow = 72

// firstSyncTime is how long an empty list waits for the first sync before it says
// that it is empty.
const firstSyncTime = 5 * time.Second

// usersPage is the list of all users, of which it reads and renders a window.
type usersPage struct {
	ui.Compo
	S *session

	reads   refresher
	search  string
	row     float64 // height of a row
	anchors anchors
	asked   span // the window that is read or being read

	shown     span
	records   []repository.Record[api.User]
	total     int
	loaded    bool
	failure   error
	toTop     bool   // the next window is the first one of a new search
	impatient bool   // the first sync has been awaited long enough
	focused   string // id of the row button that has the focus, "" for none
}

func (p *usersPage) OnMount(ctx ui.Context) {
	memory := p.S.list
	p.row, p.search, p.total = usualRow, memory.search, memory.total
	p.S.Device.SetValue(searchID, p.search)
	p.asked = wanted(view{memory.top, 0, p.row}, p.total)
	follow(ctx, p.S.Users.Changes(ctx), p.refresh)
	follow(ctx, p.S.Device.Scrolls(ctx, scrollerID), p.scrolled)
	follow(ctx, p.S.Syncer.StatusChanges(ctx), func(ui.Context) {})
	p.S.after(ctx, firstSyncTime, func(ui.Context) { p.impatient = true })
	p.read(ctx)
}

func (p *usersPage) OnResize(ctx ui.Context) {
	p.measure()
	p.scrolled(ctx)
}

// measure takes the height of a row from the first one: it follows the text size.
func (p *usersPage) measure() {
	if _, h := p.S.Device.Viewport(firstRowID); h > 0 && len(p.records) > 0 {
		p.row = h
	}
}

func (p *usersPage) view() view {
	top, height := p.S.Device.Viewport(scrollerID)
	return view{top, height, p.row}
}

// scrolled reads another window when the rows in view come near the end of this one.
func (p *usersPage) scrolled(ctx ui.Context) {
	if !p.loaded {
		return
	}
	v := p.view()
	p.S.list = listMemory{p.search, v.top, p.total}
	if p.asked.covers(v, p.total) {
		return
	}
	p.asked = wanted(v, p.total)
	p.read(ctx)
}

// refresh reads the window again because rows may have changed. What stays in
// place is its first row; other known places may have moved.
func (p *usersPage) refresh(ctx ui.Context) {
	p.anchors = p.anchors.only(p.shown.first)
	p.asked.count = max(p.asked.count, windowRows)
	p.read(ctx)
}

// find begins a new search.
func (p *usersPage) find(ctx ui.Context, text string) {
	if text == p.search {
		return
	}
	p.search, p.anchors, p.toTop = text, nil, true
	p.asked = span{0, windowRows}
	p.S.list = listMemory{search: text}
	p.read(ctx)
}

func (p *usersPage) read(ctx ui.Context) {
	p.reads.run(ctx, func() func(context.Context) func(ui.Context) {
		asked, search := p.asked, p.search
		query := p.anchors.query(asked, search)
		return func(ctx context.Context) func(ui.Context) {
			page, err := p.S.Users.List(ctx, query)
			return func(ctx ui.Context) { p.take(ctx, asked, search, page, err) }
		}
	})
}

// take shows a window that was read, unless another search has begun.
func (p *usersPage) take(ctx ui.Context, asked span, search string, page repository.Page[api.User], err error) {
	if search != p.search {
		return
	}
	p.failure = err
	if err != nil {
		return
	}
	is, drifted := settle(asked, len(page.Records), page.Total)
	p.total = page.Total
	if is.count > 0 && len(page.Records) == 0 {
		p.anchors, p.asked = nil, is
		p.read(ctx)
		return
	}
	if drifted {
		p.anchors = nil
	}
	moved := p.loaded && is.first != p.shown.first
	scrollTo := -1.0
	switch {
	case p.toTop:
		scrollTo = 0
	case !p.loaded && p.S.list.top > 0:
		scrollTo = p.S.list.top
	}
	p.toTop = false
	if n := is.count; len(page.Records) > n {
		page.Records, page.Keys = page.Records[:n], page.Keys[:n]
	}
	p.shown, p.records, p.loaded = is, page.Records, true
	if p.asked == asked {
		p.asked = is
	}
	if !drifted {
		p.anchors.learn(is.first, page.Keys)
	}
	ctx.Defer(func(ctx ui.Context) { p.layOut(ctx, moved, scrollTo) })
}

// layOut sizes the spacers, once the rows are rendered, and scrolls unless
// scrollTo is negative.
func (p *usersPage) layOut(ctx ui.Context, moved bool, scrollTo float64) {
	p.measure()
	p.S.Device.SetHeight(beforeID, float64(p.shown.first)*p.row)
	p.S.Device.SetHeight(afterID, float64(max(p.total-p.shown.end(), 0))*p.row)
	if scrollTo >= 0 {
		p.S.Device.ScrollTo(scrollerID, scrollTo)
	}
	if moved && p.focused != "" {
		p.S.Device.Focus(p.focusAfterMove())
	}
	p.scrolled(ctx)
}

// focusAfterMove is where the focus belongs once the rows have moved to other
// elements: it goes with its row, but not out of view, since that would scroll
// back; then the list as a whole has it.
func (p *usersPage) focusAfterMove() string {
	first, count := p.view().visible()
	_, id, _ := strings.Cut(p.focused, "-")
	for i, rec := range p.records {
		if at := p.shown.first + i; rec.ID == id && at >= first && at < first+count {
			return p.focused
		}
	}
	return scrollerID
}

func (p *usersPage) add(ui.Context, ui.Event) { p.S.edit(formRequest{opener: "add-user"}) }

func (p *usersPage) syncNow(ui.Context, ui.Event) { p.S.syncNow() }

func (p *usersPage) retry(ctx ui.Context, _ ui.Event) {
	p.failure = nil
	p.read(ctx)
}

func (p *usersPage) typed(ctx ui.Context, _ ui.Event) {
	p.find(ctx, ctx.JSSrc().Get("value").String())
}

func (p *usersPage) clear(ctx ui.Context, _ ui.Event) {
	p.S.Device.SetValue(searchID, "")
	p.S.Device.Focus(searchID)
	p.find(ctx, "")
}

func (p *usersPage) Render() ui.UI {
	return ui.Div().Class("page").Body(
		ui.Div().Class("page-head").Body(
			ui.Div().Class("page-heading").Body(
				ui.H1().ID("page-title").TabIndex(-1).Text("Users"),
				ui.P().Class("count").Text(p.count()),
			),
			ui.Div().Class("page-actions").Body(
				syncButton(p.S.syncing, p.syncNow),
				button("button-primary", "plus", "Add user").ID("add-user").OnClick(p.add),
			),
		),
		ui.Div().Class("search").Role("search").Body(
			icon("search"),
			ui.Input().ID(searchID).Class("input").Type("search").Aria("label", "Search users").
				Placeholder("Search by name or email").MaxLength(api.MaxQuery).
				Attr("autocomplete", "off").Attr("enterkeyhint", "search").Spellcheck(false).
				OnInput(p.typed),
		),
		p.renderList(),
	)
}

// syncButton keeps its name while it works; the status region says that it does.
func syncButton(working bool, h ui.EventHandler) ui.UI {
	b := button("button-sync", "sync", "Sync now")
	if working {
		b = b.Aria("disabled", true).Class("working")
	}
	return b.OnClick(h)
}

func (p *usersPage) count() string {
	switch {
	case !p.loaded || p.failure != nil:
		return ""
	case p.search != "":
		if p.total == 1 {
			return "1 match"
		}
		return grouped(p.total) + " matches"
	case p.total > 0:
		return plural(p.total, "user")
	}
	return ""
}

func (p *usersPage) renderList() ui.UI {
	switch {
	case p.failure != nil:
		return hint("alert", "The list can't be shown", explain(p.failure),
			button("button-primary", "sync", "Try again").OnClick(p.retry, "retry"))
	case !p.loaded || p.awaitsFirstSync():
		return skeleton()
	case p.total == 0 && p.search != "":
		return hint("search", "No matches", "Nobody's name or email contains “"+p.search+"”.",
			ui.Button().Type("button").Class("button").Text("Clear search").OnClick(p.clear, "clear"))
	case p.total == 0:
		return hint("people", "No users yet", "Add the first one. It is saved on this device at once, with or without a network.",
			button("button-primary", "plus", "Add your first user").OnClick(p.add, "add-first"))
	}
	return ui.Div().Class("list").Body(
		ui.Div().ID(beforeID).Class("spacer"),
		ui.Ul().Class("rows").Role("list").Aria("label", "Users").
			On("focusin", p.focusIn).On("focusout", p.focusOut).Body(
			ui.Range(p.records).Slice(func(i int) ui.UI { return p.renderRow(i) }),
		),
		ui.Div().ID(afterID).Class("spacer"),
	)
}

// awaitsFirstSync reports whether an empty list may only mean that the server has
// not been heard yet: while the first sync is under way, however long it takes,
// and for a while before anything is heard of it.
func (p *usersPage) awaitsFirstSync() bool {
	status := p.S.status
	switch {
	case p.total > 0 || p.search != "" || p.S.reach == offline:
		return false
	case status.Resync != nil:
		return true // it is on its way
	case !status.SyncedAt.IsZero() || status.Phase == sync.Failed:
		return false
	}
	return status.Phase == sync.Syncing || !p.impatient
}

func (p *usersPage) focusIn(_ ui.Context, e ui.Event) { p.focused = e.Get("target").Get("id").String() }

func (p *usersPage) focusOut(ui.Context, ui.Event) { p.focused = "" }

// hint stands in the place of the list: why it is empty, and what to do.
func hint(iconName, heading, text string, action ui.UI) ui.UI {
	return ui.Div().Class("notice").Body(
		// Another tag than the list's first: go-app would keep that element, and with
		// it the height that was set on it.
		ui.Span().Class("notice-icon").Body(icon(iconName)),
		ui.H2().Text(heading),
		ui.P().Text(text),
		action,
	)
}

func (p *usersPage) renderRow(i int) ui.UI {
	rec := p.records[i]
	id, name := rec.ID, rec.Value.Name
	return ui.Li().ID(fmt.Sprintf("row-%d", i)).Class("row").
		Aria("setsize", p.total).Aria("posinset", p.shown.first+i+1).Body(
		avatar(rec.ID, name, "avatar"),
		ui.Div().Class("row-main").Body(
			ui.A().ID("open-"+rec.ID).Class("row-name").Href("/users/"+rec.ID).Text(name),
			ui.Span().Class("row-email").Text(rec.Value.Email),
		),
		stateBadge(rec.State),
		ui.Div().Class("row-actions").Body(
			ui.Button().ID("edit-"+rec.ID).Type("button").Class("icon-button").
				Aria("label", "Edit "+name).Body(icon("edit")).
				OnClick(func(ui.Context, ui.Event) { p.edit(id) }, id),
			ui.Button().ID("delete-"+rec.ID).Type("button").Class("icon-button").
				Aria("label", "Delete "+name).Body(icon("trash")).
				OnClick(func(ui.Context, ui.Event) { p.remove(id) }, id),
		),
	)
}

// record finds a shown user. Handlers keep the id and look the record up, because
// go-app keeps the handler of a render before while the scope is the same.
func (p *usersPage) record(id string) (repository.Record[api.User], bool) {
	for _, rec := range p.records {
		if rec.ID == id {
			return rec, true
		}
	}
	return repository.Record[api.User]{}, false
}

func (p *usersPage) edit(id string) {
	if rec, ok := p.record(id); ok {
		p.S.edit(formRequest{user: &rec, opener: "edit-" + id})
	}
}

func (p *usersPage) remove(id string) {
	if rec, ok := p.record(id); ok {
		p.S.remove(rec, nil)
	}
}

// avatar is a disc with the initials, in a colour of the id's own.
func avatar(id, name, class string) ui.UI {
	return ui.Span().Class(class, fmt.Sprintf("hue-%d", hue(id))).Aria("hidden", true).Text(initials(name))
}
