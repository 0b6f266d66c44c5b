package app

import (
	"context"
	"errors"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Outbox is the queue and the conflicts as the page /sync shows them.
type Outbox interface {
	Counts(ctx context.Context) (queue.Counts, error)
	// Waiting and NeedsAttention list operations, oldest first.
	Waiting(ctx context.Context, limit int) ([]queue.Operation, error)
	NeedsAttention(ctx context.Context, limit int) ([]queue.Operation, error)
	Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error)

	// Retry sends a rejected operation again as it is; Discard drops it and what
	// was written on top of it. To edit one, Update its user.
	Retry(ctx context.Context, o queue.Operation) error
	Discard(ctx context.Context, o queue.Operation) error

	// Accept marks a conflict as seen. Reverse takes the other side: it writes
	// the losing values, restores what was deleted, or deletes what was restored.
	Accept(ctx context.Context, c queue.Conflict) error
	Reverse(ctx context.Context, c queue.Conflict) error

	// Check is how the device's users compared with the server's, last time.
	Check(ctx context.Context) (sync.Check, error)

	Strategy(ctx context.Context) (sync.StrategyName, error)
	SetStrategy(ctx context.Context, s sync.StrategyName) error
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
	storage     StorageUsage
	storageErr  error
	background  struct{ supported, on bool }
	diagnostics []Diagnostic
	incidents   []sync.Incident
	asidesRead  bool
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
			d := p.S
			storage, err := d.StorageManager.StorageUsage(ctx)
			supported, on := d.BackgroundSync.BackgroundSync(ctx)
			diagnostics := d.Diagnostics.Diagnostics(ctx)
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
