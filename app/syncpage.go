package app

import (
	"context"
	"errors"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Outbox is the queue and the conflicts as the page /sync shows them.
type Outbox interface {
	Counts(ctx context.Context) (queue.Counts, error)
	// Waiting and NeedsAttention list operations, oldest first.
	Waiting(ctx context.Context, limit int) ([]queue.Operation, error)
	NeedsAttention(ctx context.Context, limit int) ([]queue.Operation, error)
	Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error)
	// Of is what this device holds about a user: the operations, and the conflicts, those that
	// were reviewed as well.
	Of(ctx context.Context, id string) (queue.Entity, error)

	// Retry sends a rejected operation again unchanged. Discard drops it, and what
	// was written on top of it. To edit one, Update its user.
	Retry(ctx context.Context, o queue.Operation) error
	Discard(ctx context.Context, o queue.Operation) error

	// Accept marks a conflict as seen. Reverse takes the other side: it writes
	// the losing values, restores what was deleted, or deletes what was restored.
	Accept(ctx context.Context, c queue.Conflict) error
	Reverse(ctx context.Context, c queue.Conflict) error

	// TakeIn puts the changes in a file of ChangesFile back into the queue, each once,
	// however often it is called. Its error is for a person.
	TakeIn(ctx context.Context, file []byte) (repository.TakenIn, error)

	// Damaged is how many changes the device's storage has not kept as they were saved, and
	// DropDamaged removes what is left of them.
	Damaged(ctx context.Context) (int, error)
	DropDamaged(ctx context.Context) error

	// Check is the last comparison of the device's users with the server's.
	Check(ctx context.Context) (sync.Check, error)

	Strategy(ctx context.Context) (sync.StrategyName, error)
	SetStrategy(ctx context.Context, s sync.StrategyName) error
}

// outboxSnapshot is what the page shows of the outbox.
type outboxSnapshot struct {
	counts    queue.Counts
	waiting   []queue.Operation
	rejected  []queue.Operation
	conflicts []queue.Conflict
	strategy  sync.StrategyName
	check     sync.Check
	damaged   int
}

// deviceSnapshot is what the page shows of this browser.
type deviceSnapshot struct {
	usage               StorageUsage
	usageErr            error
	backgroundSupported bool
	backgroundOn        bool
	diagnostics         []Diagnostic
	incidents           []sync.Incident
}

// maxListed bounds each list of the page. The rest follows when these are done. Among
// maxRejected it finds those that were rejected for the same reason.
const (
	maxListed   = 50
	maxRejected = 1000
)

// syncPage shows what is waiting, what needs the person, and the settings of syncing.
type syncPage struct {
	ui.Compo
	S   *session
	ctx ui.Context // the page's own

	reads   refresher
	loaded  bool
	failure error
	outbox  outboxSnapshot

	content, waiting, rejected, conflicts, kinds keyed

	deviceReads  refresher
	deviceLoaded bool
	device       deviceSnapshot
}

func (p *syncPage) OnMount(ctx ui.Context) {
	p.ctx = ctx
	p.S.subscribe(ctx, p.S.Users.Changes(ctx), p.read)
	p.S.subscribe(ctx, p.S.Syncer.StatusChanges(ctx), p.readAll)
	p.readAll(ctx)
	p.tick(ctx)
}

// tick updates the relative times.
func (p *syncPage) tick(ctx ui.Context) { p.S.after(ctx, tickInterval, p.tick) }

func (p *syncPage) readAll(ctx ui.Context) {
	p.read(ctx)
	p.readDevice(ctx)
}

func (p *syncPage) read(ctx ui.Context) {
	p.reads.run(p.S, ctx, func() read {
		return func(ctx context.Context) func(ui.Context) {
			outbox, err := readOutbox(ctx, p.S.Outbox)
			return func(ui.Context) {
				p.failure = err
				if err == nil {
					p.outbox, p.loaded = outbox, true
				}
			}
		}
	})
}

func readOutbox(ctx context.Context, o Outbox) (s outboxSnapshot, err error) {
	var errs [7]error
	s.counts, errs[0] = o.Counts(ctx)
	s.waiting, errs[1] = o.Waiting(ctx, maxListed)
	s.rejected, errs[2] = o.NeedsAttention(ctx, maxRejected)
	s.conflicts, errs[3] = o.Conflicts(ctx, maxListed)
	s.strategy, errs[4] = o.Strategy(ctx)
	s.check, errs[5] = o.Check(ctx)
	s.damaged, errs[6] = o.Damaged(ctx)
	return s, errors.Join(errs[:]...)
}

func (p *syncPage) readDevice(ctx ui.Context) {
	p.deviceReads.run(p.S, ctx, func() read {
		return func(ctx context.Context) func(ui.Context) {
			var d deviceSnapshot
			d.usage, d.usageErr = p.S.StorageManager.StorageUsage(ctx)
			d.backgroundSupported, d.backgroundOn = p.S.BackgroundSync.BackgroundSync(ctx)
			d.diagnostics = p.S.Diagnostics.Diagnostics(ctx)
			incidents, err := p.S.Syncer.Incidents(ctx)
			return func(ui.Context) {
				if d.incidents = incidents; err != nil { // the outbox shows why
					d.incidents = p.device.incidents
				}
				p.device, p.deviceLoaded = d, true
			}
		}
	})
}

// decide carries out a person's decision and reads the page again. The text of a failure has its
// reason in the place {0}.
func (p *syncPage) decide(failure string, work func(context.Context) error) {
	p.S.async(work, func(err error) {
		if err != nil {
			p.S.showFailure(tr(failure, errorText(err)))
		}
		if p.Mounted() {
			p.read(p.ctx)
		}
	})
}

func (p *syncPage) retry(ui.Context, ui.Event) { p.readAll(p.ctx) }

func (p *syncPage) Render() ui.UI {
	body := []ui.UI{
		ui.Div().Class("page-head").Body(
			ui.Div().Class("page-heading").Body(
				pageTitle(tr("Sync")),
				ui.P().Class("count").Text(p.lastSync()),
			),
			ui.Div().Class("page-actions").Body(p.S.syncButton()),
		),
	}
	body = append(body, ui.Div().Class("cards").Body(p.renderOutbox()...))
	return ui.Div().Class("page").Body(append(body, p.renderStorage(), p.renderDiagnostics())...)
}

func (p *syncPage) renderOutbox() []ui.UI {
	o := p.outbox
	switch {
	case p.failure != nil:
		return p.content.only("failure", emptyState("alert", ui.H2().Text(tr("Your changes can't be shown")), errorText(p.failure),
			retryButton(p.retry)))
	case !p.loaded:
		return p.content.only("skeleton", ui.Raw(`<div class="card skeleton" aria-hidden="true">`+bones+`</div>`))
	}
	return p.content.only("outbox", ui.Div().Class("cards").Body(
		p.renderOperations(operationList{&p.waiting, "waiting-title", tr("Waiting"), tr("Nothing is waiting. All your changes are on the server."),
			o.counts.Waiting, o.waiting}, ui.If(len(o.waiting) > 0, quiet(p.S.state().waitingText(p.device.backgroundOn)))),
		p.renderOperations(operationList{&p.rejected, "attention-title", tr("Needs attention"), tr("The server has accepted everything so far."),
			o.counts.Rejected, o.rejected[:min(len(o.rejected), maxListed)]}, p.renderKinds()),
		p.renderConflicts(),
		p.renderSettings(),
		ui.If(o.damaged > 0, p.renderDamaged()), // the last: it moves no other
	))
}

// lastSync says when the last sync was, or why it failed, unless the banner says why: offline, and signed out.
func (p *syncPage) lastSync() string {
	s := p.S.Syncer.Status()
	switch {
	case s.Problem != nil && s.Problem.Code != api.CodeSignIn && p.S.reach != sync.ReachOffline:
		return tr("The last sync failed: {0}", problemText(s.Problem))
	case s.SyncedAt.IsZero():
		return tr("Not synced yet")
	}
	return tr("Synced {0}", timeAgo(s.SyncedAt, time.Now()))
}

// operationList is a section of operations: the first of count, or the text that there are none.
type operationList struct {
	slots             *keyed
	id, heading, none string
	count             int
	ops               []queue.Operation
}

func (p *syncPage) renderOperations(l operationList, above ui.UI) ui.UI {
	ids := keysOf(l.ops, func(o queue.Operation) string { return o.ID })
	return section(l.id, l.heading, l.count,
		ui.If(len(ids) == 0, quiet(l.none)),
		above,
		ui.If(len(ids) > 0, ui.Ul().Class("things").Role("list").Aria("labelledby", l.id).DataSet("order", order(ids)).Body(
			l.slots.children(ids, func(i int) ui.UI { return p.renderOperation(l.ops[i]).DataSet("key", ids[i]) })...)),
		renderMore(len(ids), l.count),
	)
}

func renderMore(listed, all int) ui.UI {
	return ui.If(all > listed && listed > 0, quiet(trn(all-listed, "And {n} more.", "And {n} more.")))
}
