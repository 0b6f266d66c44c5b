package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// maxListed bounds each list of the page. The rest comes up when these are done.
const maxListed = 50

// syncPage is what waits, what needs the person, and the settings of syncing.
type syncPage struct {
	ui.Compo
	S *session

	ctx     ui.Context // the page's own
	reads   refresher
	loaded  bool
	failure error
	now     syncState

	asides      refresher // the device's part, which changes seldom
	storage     Storage
	storageErr  error
	background  struct{ supported, on bool }
	diagnostics []Diagnostic
	incidents   []sync.Incident
	asidesRead  bool
}

// syncState is what the page shows of the queue.
type syncState struct {
	counts    queue.Counts
	waiting   []queue.Operation
	rejected  []queue.Operation
	conflicts []queue.Conflict
	strategy  sync.StrategyName
	check     sync.Check
}

func (p *syncPage) OnMount(ctx ui.Context) {
	p.ctx = ctx
	follow(ctx, p.S.Users.Changes(ctx), p.read)
	follow(ctx, p.S.Syncer.StatusChanges(ctx), p.readBoth)
	p.readBoth(ctx)
	p.tick(ctx)
}

// tick renews the times that are shown.
func (p *syncPage) tick(ctx ui.Context) {
	p.S.after(ctx, tick, p.tick)
}

func (p *syncPage) readBoth(ctx ui.Context) {
	p.read(ctx)
	p.readAsides(ctx)
}

func (p *syncPage) read(ctx ui.Context) {
	p.reads.run(ctx, func() func(context.Context) func(ui.Context) {
		return func(ctx context.Context) func(ui.Context) {
			now, err := readSyncState(ctx, p.S.Outbox)
			return func(ui.Context) {
				p.failure = err
				if err == nil {
					p.now, p.loaded = now, true
				}
			}
		}
	})
}

func readSyncState(ctx context.Context, o Outbox) (s syncState, err error) {
	var errs [6]error
	s.counts, errs[0] = o.Counts(ctx)
	s.waiting, errs[1] = o.Waiting(ctx, maxListed)
	s.rejected, errs[2] = o.NeedsAttention(ctx, maxListed)
	s.conflicts, errs[3] = o.Conflicts(ctx, maxListed)
	s.strategy, errs[4] = o.Strategy(ctx)
	s.check, errs[5] = o.Check(ctx)
	return s, errors.Join(errs[:]...)
}

func (p *syncPage) readAsides(ctx ui.Context) {
	p.asides.run(ctx, func() func(context.Context) func(ui.Context) {
		return func(ctx context.Context) func(ui.Context) {
			d := p.S.Device
			storage, err := d.Storage(ctx)
			supported, on := d.BackgroundSync(ctx)
			diagnostics := d.Diagnostics(ctx)
			incidents, failed := p.S.Syncer.Incidents(ctx)
			return func(ui.Context) {
				p.storage, p.storageErr = storage, err
				p.background.supported, p.background.on = supported, on
				p.diagnostics, p.asidesRead = diagnostics, true
				if failed == nil { // storage that can't be read says so where the queue is
					p.incidents = incidents
				}
			}
		}
	})
}

// do runs a person's decision and reads the page again.
func (p *syncPage) do(failed string, work func(context.Context) error) {
	p.S.write(work, func(err error) {
		if err != nil {
			p.S.toast(toast{text: failed + " " + explain(err), bad: true})
		}
		if p.Mounted() {
			p.read(p.ctx)
		}
	})
}

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

func (p *syncPage) choose(name sync.StrategyName) {
	p.now.strategy = name
	p.do("The strategy was not saved.", func(ctx context.Context) error { return p.S.Outbox.SetStrategy(ctx, name) })
}

func (p *syncPage) switchBackground(ui.Context, ui.Event) {
	on := !p.background.on
	p.background.on = on
	p.S.write(func(ctx context.Context) error { return p.S.Device.SetBackgroundSync(ctx, on) }, func(err error) {
		if err != nil {
			p.S.toast(toast{text: "Background sync was not changed. " + explain(err), bad: true})
		}
		p.readAsides(p.ctx)
	})
}

func (p *syncPage) persist(ui.Context, ui.Event) {
	p.S.askPersist(func() { p.readAsides(p.ctx) })
}

func (p *syncPage) syncNow(ui.Context, ui.Event) { p.S.syncNow() }

func (p *syncPage) retry(ctx ui.Context, _ ui.Event) { p.readBoth(ctx) }

func (p *syncPage) Render() ui.UI {
	return ui.Div().Class("page").Body(
		ui.Div().Class("page-head").Body(
			ui.Div().Class("page-heading").Body(
				ui.H1().ID("page-title").TabIndex(-1).Text("Sync"),
				ui.P().Class("count").Text(p.lastSync()),
			),
			ui.Div().Class("page-actions").Body(syncButton(p.S.syncing, p.syncNow)),
		),
		p.renderQueue(),
		p.renderStorage(),
		p.renderDiagnostics(),
	)
}

func (p *syncPage) renderQueue() ui.UI {
	switch {
	case p.failure != nil:
		return hint("alert", "The queue can't be shown", explain(p.failure),
			button("button-primary", "sync", "Try again").OnClick(p.retry, "retry"))
	case !p.loaded:
		return ui.Div().Class("card", "skeleton").Aria("hidden", true).Body(
			ui.Span().Class("bone", "bone-name"), ui.Span().Class("bone", "bone-email"))
	}
	return ui.Div().Class("cards").Body(p.renderWaiting(), p.renderRejected(), p.renderConflicts(), p.renderSettings())
}

func (p *syncPage) lastSync() string {
	s := p.S.Syncer.Status()
	switch {
	case s.Problem != nil:
		return "The last sync failed: " + problemText(s.Problem)
	case s.SyncedAt.IsZero():
		return "Not synced yet"
	}
	return "Synced " + relative(s.SyncedAt, p.S.Clock.Now())
}

// section is a card under its heading. count is how many things are in it, and
// not shown when it is 0.
func section(id, heading string, count int, body ...ui.UI) ui.UI {
	return ui.Section().Class("card").Aria("labelledby", id).Body(append([]ui.UI{
		ui.Div().Class("card-head").Body(
			ui.H2().ID(id).Text(heading),
			ui.If(count > 0, ui.Span().Class("badge").Text(grouped(count))),
		),
	}, body...)...)
}

func (p *syncPage) renderWaiting() ui.UI {
	ops := p.now.waiting
	return section("waiting-title", "Waiting", p.now.counts.Waiting,
		ui.If(len(ops) == 0, ui.P().Class("quiet").Text("Nothing waits. Everything you did is on the server.")),
		ui.If(len(ops) > 0, ui.Ul().Class("things").Role("list").Aria("labelledby", "waiting-title").Body(
			ui.Range(ops).Slice(func(i int) ui.UI { return p.renderOperation(ops[i]) }))),
		more(len(ops), p.now.counts.Waiting),
	)
}

func (p *syncPage) renderRejected() ui.UI {
	ops := p.now.rejected
	return section("attention-title", "Needs attention", p.now.counts.Rejected,
		ui.If(len(ops) == 0, ui.P().Class("quiet").Text("The server has taken everything so far.")),
		ui.If(len(ops) > 0, ui.Ul().Class("things").Role("list").Aria("labelledby", "attention-title").Body(
			ui.Range(ops).Slice(func(i int) ui.UI { return p.renderOperation(ops[i]) }))),
		more(len(ops), p.now.counts.Rejected),
	)
}

func more(listed, all int) ui.UI {
	return ui.If(all > listed && listed > 0,
		ui.P().Class("quiet").Text("And "+grouped(all-listed)+" more."))
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

// strategies are the choices of "Conflict strategy", in the order they are offered.
var strategies = []struct {
	name        sync.StrategyName
	title, text string
}{
	{sync.Merge, "Merge", "Keep both people's changes. Where both changed the same field, the later one stays."},
	{sync.LastWriteWins, "Last write wins", "Whoever wrote last wins, with all fields."},
	{sync.ServerWins, "Server wins", "What the server has stays. My change is put aside."},
	{sync.ClientWins, "Mine wins", "My change replaces what the server has."},
}

func (p *syncPage) renderSettings() ui.UI {
	return section("settings-title", "Settings", 0,
		ui.FieldSet().Class("choices").Body(
			ui.Legend().Text("Conflict strategy"),
			ui.P().Class("quiet").Text("When someone else changed the same user before your change arrived:"),
			ui.Range(strategies).Slice(func(i int) ui.UI { return p.renderStrategy(i) }),
		),
		p.renderBackground(),
	)
}

func (p *syncPage) renderStrategy(i int) ui.UI {
	s := strategies[i]
	id := "strategy-" + string(s.name)
	return ui.Label().Class("choice").For(id).Body(
		ui.Input().ID(id).Type("radio").Name("strategy").Attr("value", string(s.name)).
			Checked(p.now.strategy == s.name).Aria("labelledby", id+"-title").Aria("describedby", id+"-text").
			OnChange(func(ui.Context, ui.Event) { p.choose(s.name) }, id),
		ui.Span().Class("choice-words").Body(
			ui.Span().ID(id+"-title").Class("choice-title").Text(s.title),
			ui.Span().ID(id+"-text").Class("quiet").Text(s.text),
		),
	)
}

func (p *syncPage) renderBackground() ui.UI {
	if !p.asidesRead {
		return nil
	}
	text := "Sends your changes when the network comes back, even with every tab closed."
	if !p.background.supported {
		text = "This browser can't sync with every tab closed. Your changes are sent as soon as Rollcall is open and online."
	}
	return ui.Div().Class("setting").Body(
		ui.Div().Class("choice-words").Body(
			ui.Span().ID("background-title").Class("choice-title").Text("Background sync"),
			ui.Span().ID("background-text").Class("quiet").Text(text),
		),
		ui.If(p.background.supported, ui.Button().Type("button").Class("switch").Role("switch").
			Aria("checked", p.background.on).Aria("labelledby", "background-title").Aria("describedby", "background-text").
			OnClick(p.switchBackground).Body(ui.Span().Class("switch-knob"))),
	)
}

func (p *syncPage) renderStorage() ui.UI {
	body := []ui.UI{}
	s := p.storage
	switch {
	case !p.asidesRead:
		body = append(body, ui.P().Class("quiet").Text("Asking the browser…"))
	case p.storageErr != nil:
		body = append(body, ui.P().Text(explain(p.storageErr)))
	default:
		used := bytesText(s.Used) + " used"
		if s.Quota > 0 {
			used += " of " + bytesText(s.Quota)
			body = append(body, ui.Progress().Class("meter").Max(1000).
				Value(min(1000, s.Used*1000/s.Quota)).Aria("label", "Storage used"))
		}
		body = append(body, ui.P().Text(used))
	}
	if p.asidesRead {
		body = append(body, p.renderKeeping()...)
		body = append(body, p.renderSavedChanges())
	}
	return section("storage-title", "Storage", 0, body...)
}

// renderKeeping says what the browser promises about the data, and what it can't do.
func (p *syncPage) renderKeeping() []ui.UI {
	quiet := func(text string) ui.UI { return ui.P().Class("quiet").Text(text) }
	ask := func(text string) ui.UI {
		return ui.P().Body(ui.Button().Type("button").Class("button").Text(text).OnClick(p.persist, text))
	}
	var body []ui.UI
	switch s := p.storage; {
	case p.S.storageState.Volatile:
		body = append(body, quiet("Nothing is kept on this device: this browser window gives Rollcall no storage. A change is only safe once it is synced."))
	case p.storageErr != nil:
	case s.Persisted:
		body = append(body, ui.P().Class("quiet").Body(icon("check"),
			ui.Text(" The browser has promised to keep your data until you remove it.")))
	case s.Asked:
		body = append(body,
			quiet("The browser was asked to keep this data and made no promise: it may clear it when the device runs out of room. What was synced stays safe on the server. Installing the app often helps."),
			ask("Ask again"))
	default:
		body = append(body,
			quiet("The browser may clear this data when the device runs out of room. What was synced stays safe on the server."),
			ask("Keep my data"))
	}
	if p.S.storageState.NeedsNetwork {
		body = append(body, quiet("This browser window has no service worker: Rollcall can't start without a network here."))
	}
	return body
}

func (p *syncPage) renderDiagnostics() ui.UI {
	status := p.S.Syncer.Status()
	lines := append([]Diagnostic{
		{"Engine", string(status.Phase)},
		{"Last round", fmt.Sprintf("%s sent, %s received, %s, %d rejected",
			grouped(status.Pushed), grouped(status.Pulled), plural(status.Conflict, "conflict"), status.Rejected)},
		{"Users on this device", grouped(p.now.counts.Rows)},
		{"Last check", checkWords(p.now.check, p.S.Clock.Now())},
		{"Last repair", repairWords(p.now.check.Last, p.S.Clock.Now())},
	}, p.diagnostics...)
	if status.Phase == "" {
		lines = append([]Diagnostic{{"Engine", "not heard of yet"}}, lines[2:]...)
	}
	return section("diagnostics-title", "Diagnostics", 0,
		ui.Dl().Class("facts").Body(ui.Range(lines).Slice(func(i int) ui.UI {
			return fact(lines[i].Name, lines[i].Value)
		})),
		p.renderIncidents())
}

// renderIncidents lists what went wrong with syncing itself, newest first.
func (p *syncPage) renderIncidents() ui.UI {
	now := p.S.Clock.Now()
	return ui.If(len(p.incidents) > 0, ui.Div().Body(
		ui.H3().ID("incidents-title").Class("thing-title").Text("What went wrong and was dealt with"),
		ui.Ul().Class("things").Role("list").Aria("labelledby", "incidents-title").Body(
			ui.Range(p.incidents).Slice(func(i int) ui.UI {
				return ui.Li().Class("thing").Body(ui.Div().Class("thing-main").Body(
					ui.P().Class("thing-title").Text(p.incidents[i].What),
					ui.P().Class("quiet").Text(happened(p.incidents[i], now))))
			}))))
}

// happened says when and how often an incident happened, and whether it is over.
func happened(i sync.Incident, now time.Time) string {
	s := asSentence(relative(i.At, now))
	if i.Times > 1 {
		s += " " + plural(i.Times, "time") + " in a row."
	}
	if i.Recovered.IsZero() {
		return s + " Not over yet."
	}
	return s + " It works again."
}
