package sync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// RoundLock is the lock that every round holds, across all tabs and the service
// worker of a browser.
const RoundLock = "rollcall-round"

// Bounds of one round: what it leaves, the next one does.
const (
	MaxPushes = 50  // batches
	MaxPages  = 40  // pages of the feed
	PageSize  = 500 // changes a page
)

// Config is what an Engine is made of.
type Config struct {
	Store  Store
	Remote Remote
	Locks  Locks
	Bus    Bus
	// Schemas are the entity types it syncs.
	Schemas []queue.Schema
	Now     func() time.Time
	Random  func() float64 // in [0,1)
	NewID   func() string  // a new UUID
}

// Engine does rounds. It keeps nothing it can't rebuild from its store, apart
// from the size of the next batch; see Host for the loop that decides when.
type Engine struct {
	cfg    Config
	fields map[string][]string
	batch  int

	skew      time.Duration // server clock minus device clock
	skewKnown bool
	asked     time.Time // when the request under way was sent

	advanced func(*ResyncProgress) // of the host: hears how far the list has come
}

// New returns an engine.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, fields: map[string][]string{}, batch: api.MaxOperations}
	for _, s := range cfg.Schemas {
		e.fields[s.Type] = s.Fields
	}
	return e
}

// maxRoundTrip is how long an answer may take and still tell the time.
const maxRoundTrip = 10 * time.Second

// ObserveClock tells the engine the server's time as an answer has just given it.
// It counts only if the answer was quick: a device that slept over it, or whose
// clock was set meanwhile, would be hours off.
func (e *Engine) ObserveClock(server time.Time) {
	now := e.cfg.Now()
	if took := now.Sub(e.asked); took < 0 || took > maxRoundTrip {
		return
	}
	e.skew, e.skewKnown = server.Sub(now), true
	if e.skew.Abs() < minSkew {
		e.skew = 0
	}
}

// minSkew is the error below which a device's own clock is taken for right: the
// Date header has whole seconds, and correcting by its rounding would put two good
// clocks out of order.
const minSkew = 2 * time.Second

// round is the state of one round.
type round struct {
	*Engine
	fence     int64
	impatient bool
	clientID  string
	tried     map[string]bool // operations this round has failed to deliver
	report    Report

	reason  Reason
	digests map[string]api.Digest // of the server, at the end of the feed; nil when it was not reached
	at      position              // the end of the feed
	pages   int                   // of buckets, read so far
}

// Round pushes what is due, then pulls what is new, holding RoundLock: at most
// one round runs at a time in a browser. Some reasons make it impatient: it
// sends what waits for its backoff, too. It returns what it did in any case;
// Report.Problem says why it could not do more, and the error is the same as an
// error: an *RequestError, or what the store said.
func (e *Engine) Round(ctx context.Context, reason Reason) (Report, error) {
	r := &round{Engine: e, tried: map[string]bool{}, reason: reason}
	switch reason {
	case Manual, Online, Visible, Start:
		r.impatient = true
	}
	err := e.cfg.Locks.Hold(ctx, RoundLock, Wait, r.run)
	if errors.Is(err, ErrAbandoned) { // what it left behind may still write to r
		return Report{Problem: ProblemFor(err)}, err
	}
	r.report.Problem = ProblemFor(err)
	if counts, cerr := e.cfg.Store.Counts(context.WithoutCancel(ctx)); cerr == nil {
		r.report.Waiting = counts.Waiting
	}
	return r.report, err
}

// ProblemFor says an error as a problem for a person.
func ProblemFor(err error) *api.Problem {
	if err == nil {
		return nil
	}
	var o *RequestError
	if errors.As(err, &o) {
		p := o.Problem
		return &p
	}
	return &api.Problem{Title: "Syncing stopped", Detail: err.Error(), Code: api.CodeInternal}
}

func (r *round) run(ctx context.Context) error {
	fence, err := r.cfg.Store.BeginRound(ctx)
	if err != nil {
		return fmt.Errorf("begin a round: %w", err)
	}
	r.fence = fence
	r.skewKnown = false // what another round measured may be of a clock set since
	if err := r.identify(ctx); err != nil {
		return err
	}
	pushErr := r.push(ctx)
	var o *RequestError
	if pushErr != nil && (!errors.As(pushErr, &o) || o.Kind == NoAnswer || o.Kind == SignedOut) {
		return pushErr
	}
	// A server that can't take writes just now may still answer reads.
	if err := r.pull(ctx); err != nil {
		return err
	}
	if pushErr != nil {
		return pushErr
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	return r.check(ctx)
}

// finish records that a round went well, and the device clock's error.
func (r *round) finish(ctx context.Context) error {
	values := map[string]string{MetaSyncedAt: r.cfg.Now().UTC().Format(time.RFC3339Nano)}
	if r.skewKnown {
		values[MetaSkew] = strconv.FormatInt(r.skew.Milliseconds(), 10)
	}
	// Fenced, like all that a round saves: a round that was overtaken may have
	// measured a clock that was set since.
	_, err := r.cfg.Store.ApplyPage(ctx, Page{Fence: r.fence, Meta: values})
	return err
}

// identify reads this browser's client id, or makes it.
func (r *round) identify(ctx context.Context) error {
	meta, err := r.cfg.Store.Meta(ctx, MetaClient)
	if err != nil {
		return fmt.Errorf("read the client id: %w", err)
	}
	r.clientID = meta[MetaClient]
	if r.clientID != "" {
		return nil
	}
	r.clientID = r.cfg.NewID()
	return r.cfg.Store.SetMeta(ctx, map[string]string{MetaClient: r.clientID})
}

// push sends what is due, batch by batch. No transaction is open while a request
// is under way: operations are frozen before it and settled after it.
func (r *round) push(ctx context.Context) error {
	for range MaxPushes {
		batch, err := r.freeze(ctx)
		ReportProgress(ctx)
		if err != nil {
			return fmt.Errorf("read the queue: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		r.asked = r.cfg.Now()
		results, pushErr := r.cfg.Remote.Push(ctx, r.clientID, batch)
		ReportProgress(ctx)
		batch, results, open := answered(batch, results)
		if len(batch) > 0 {
			if err := r.settle(ctx, batch, results); err != nil {
				return fmt.Errorf("save the server's answers: %w", err)
			}
		}
		if pushErr == nil {
			r.batch = min(api.MaxOperations, r.batch*2)
			continue
		}
		if err := r.refused(ctx, open, pushErr); err != nil {
			return err
		}
	}
	r.report.More = true
	return nil
}

// answered splits a batch into what got results, with these, and what did not: a
// remote that sends one by one may have been cut off on the way.
func answered(batch []queue.Operation, results []api.Result) (done []queue.Operation, theirs []api.Result, open []queue.Operation) {
	for i, o := range batch {
		if i < len(results) && results[i].Status != "" {
			done, theirs = append(done, o), append(theirs, results[i])
		} else {
			open = append(open, o)
		}
	}
	return done, theirs, open
}

// freeze picks the next batch and marks it as sent.
func (r *round) freeze(ctx context.Context) ([]queue.Operation, error) {
	now := r.cfg.Now()
	if r.impatient {
		now = now.Add(always)
	}
	due, err := r.cfg.Store.Due(ctx, now, r.batch+len(r.tried))
	if err == nil && len(due.Operations) == 0 && due.Next.After(now.Add(queueHorizon)) {
		// Nothing is told to wait that long: the device's clock was put back.
		due, err = r.cfg.Store.Due(ctx, now.Add(always), r.batch+len(r.tried))
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	txn := queue.Txn{Fence: r.fence}
	for _, o := range due.Operations {
		if !r.tried[o.ID] && len(ids) < r.batch {
			ids, txn.Refs = append(ids, o.ID), append(txn.Refs, o.Ref)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var batch []queue.Operation
	err = r.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
		batch = batch[:0]
		for i, e := range entities {
			if o, ok := e.Send(ids[i]); ok {
				batch = append(batch, o)
			}
		}
		return nil
	})
	return batch, err
}

// queueHorizon is above any delay an operation is given; always is above any that
// a changed clock makes of it.
const (
	queueHorizon = 2 * time.Hour
	always       = 100 * 365 * 24 * time.Hour
)

// refused deals with a batch that got no results. It returns nil when going on
// makes sense: in smaller portions, or because the culprit is out of the way.
func (r *round) refused(ctx context.Context, batch []queue.Operation, err error) error {
	var o *RequestError
	if !errors.As(err, &o) {
		return err
	}
	switch o.Kind {
	case TooLarge, ServerError, Refused:
	default:
		return err
	}
	if len(batch) > 1 {
		r.batch = max(1, len(batch)/2)
		return nil
	}
	if len(batch) == 0 {
		return err // about none of them
	}
	one := batch[0]
	r.tried[one.ID] = true
	problem := o.Problem
	r.report.count(o.Kind != ServerError)
	return r.update(ctx, batch, func(e *queue.Entity, _ int) {
		if o.Kind == ServerError {
			e.Fail(one.ID, &problem, r.cfg.Now().Add(max(o.RetryAfter, Backoff(one.RetryCount+1, r.cfg.Random()))))
			return
		}
		e.Reject(one.ID, &problem)
	})
}

func (r *Report) count(rejected bool) {
	if rejected {
		r.Rejected++
	}
}

// settle saves the server's answers to a batch.
func (r *round) settle(ctx context.Context, batch []queue.Operation, results []api.Result) error {
	meta := make([]string, 0, len(r.cfg.Schemas))
	for _, s := range r.cfg.Schemas {
		meta = append(meta, MetaStrategy+s.Type)
	}
	strategies, err := r.cfg.Store.Meta(ctx, meta...)
	if err != nil {
		return err
	}
	fresh := make([]ids, len(batch))
	for i, result := range results {
		if result.Status == api.Conflict {
			fresh[i] = ids{operation: r.cfg.NewID(), conflict: r.cfg.NewID()}
		}
	}
	err = r.update(ctx, batch, func(e *queue.Entity, i int) {
		strategy := ParseStrategy(strategies[MetaStrategy+e.Ref.Type])
		r.settleOne(e, batch[i], results[i], settling{strategy, fresh[i]})
	})
	if err != nil {
		return err
	}
	for i, result := range results {
		r.tally(batch[i].ID, result.Status)
	}
	return nil
}

func (r *round) tally(id string, status api.Status) {
	switch status {
	case api.Applied, api.Duplicate:
		r.report.Pushed++
	case api.Conflict:
		r.report.Conflict++
	case api.Rejected:
		r.report.Rejected++
		r.tried[id] = true
	case api.Retry:
		r.tried[id] = true
	}
}

// settling is what a conflict's settlement needs to know.
type settling struct {
	strategy StrategyName
	ids      ids
}

// settleOne applies one result to its entity.
func (r *round) settleOne(e *queue.Entity, o queue.Operation, result api.Result, s settling) {
	now := r.cfg.Now()
	row := rowOf(result.Version, result.Stamp, result.Document, now)
	switch result.Status {
	case api.Applied:
		e.Acknowledge(o.ID, row, result.Version)
	case api.Duplicate:
		e.AcknowledgeDuplicate(o.ID, row, result.Version, r.fields[e.Ref.Type])
	case api.Conflict:
		settleConflict(e, o.ID, s.strategy, theirs{
			row: row, version: result.Version, stamp: result.Stamp, fields: r.fields[e.Ref.Type], at: now,
		}, s.ids)
	case api.Rejected:
		e.Reject(o.ID, problemOr(result.Problem, "The server did not take this"))
	case api.Retry:
		e.Fail(o.ID, problemOr(result.Problem, "The server could not decide about this"),
			now.Add(Backoff(o.RetryCount+1, r.cfg.Random())))
	}
}

func rowOf(version int64, stamp api.Stamp, document []byte, at time.Time) *queue.Row {
	if queue.IsNull(document) {
		return nil
	}
	return &queue.Row{Version: version, Stamp: stamp, Document: document, SyncedAt: at.UTC()}
}

func problemOr(p *api.Problem, title string) *api.Problem {
	if p != nil {
		return p
	}
	return &api.Problem{Title: title, Code: api.CodeInternal}
}

// update changes the entities of a batch in one transaction and tells the pages.
func (r *round) update(ctx context.Context, batch []queue.Operation, change func(*queue.Entity, int)) error {
	txn := queue.Txn{Fence: r.fence}
	for _, o := range batch {
		txn.Refs = append(txn.Refs, o.Ref)
	}
	err := r.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
		for i, e := range entities {
			change(e, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.cfg.Bus.Publish(Message{Kind: RowsChanged, Refs: txn.Refs})
	return nil
}

// pull reads the feed from the cursor to its end, page by page; each page is
// saved together with the cursor behind it. A cursor that is too old starts a
// resync: the feed is read from its beginning under a new generation, and what
// it did not mention is swept away at the end. The list stays as it was
// meanwhile, and the queue is not touched.
func (r *round) pull(ctx context.Context) error {
	p, err := r.position(ctx)
	if err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	if p.cursor == "" {
		// Rows that came with acknowledgements may be there already. The feed's
		// beginning tells nothing of what was deleted or undone since: they stay only
		// if it has them.
		if p, err = r.resync(ctx, p); err != nil {
			return fmt.Errorf("begin to read the feed: %w", err)
		}
	}
	for range MaxPages {
		r.asked = r.cfg.Now()
		page, err := r.cfg.Remote.Pull(ctx, p.cursor, PageSize)
		ReportProgress(ctx)
		var o *RequestError
		if errors.As(err, &o) && o.Kind == Resync && p.cursor != "" {
			if p, err = r.resync(ctx, p); err != nil {
				return fmt.Errorf("begin a resync: %w", err)
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := r.applyPage(ctx, &p, page); err != nil {
			return fmt.Errorf("save a page of changes: %w", err)
		}
		ReportProgress(ctx)
		if p.resyncing || page.HasMore {
			r.advance(p)
		}
		if !page.HasMore {
			r.digests, r.at = page.Digests, p
			return r.endResync(ctx, p)
		}
	}
	r.report.More = true
	return nil
}

func (r *round) applyPage(ctx context.Context, p *position, page api.ChangePage) error {
	if page.Cursor == p.cursor && len(page.Changes) == 0 {
		return nil
	}
	p.cursor = page.Cursor
	for _, c := range page.Changes {
		if !c.Deleted {
			p.arrived++
		}
	}
	changed, err := r.cfg.Store.ApplyPage(ctx, Page{
		Changes: page.Changes, Fence: r.fence, Generation: p.generation, Resync: p.resyncing, Meta: p.meta(),
	})
	if err != nil {
		return err
	}
	r.report.Pulled += len(page.Changes)
	r.announce(changed)
	return nil
}

// maxNamedRefs bounds the refs in one message; beyond it the pages re-read all.
const maxNamedRefs = 200

func (r *round) announce(changed []queue.Ref) {
	if len(changed) == 0 {
		return
	}
	if len(changed) > maxNamedRefs {
		changed = nil
	}
	r.cfg.Bus.Publish(Message{Kind: RowsChanged, Refs: changed})
}

// position is where the pull stands, as it is kept in meta.
type position struct {
	cursor     string
	generation int64
	resyncing  bool
	first      bool // this device has never had the whole list
	arrived    int  // rows that came since the feed's beginning
}

// metaResync says whether the feed is being read from its beginning, and whether
// that is the first time.
const (
	metaResync  = "resync"
	resyncFirst = "first"
	resyncAgain = "yes"
)

func (r *round) position(ctx context.Context) (position, error) {
	m, err := r.cfg.Store.Meta(ctx, MetaCursor, MetaGeneration, metaResync, MetaArrived)
	return positionOf(m), err
}

func positionOf(m map[string]string) position {
	p := position{cursor: m[MetaCursor], resyncing: m[metaResync] != "", first: m[metaResync] == resyncFirst}
	if g, err := strconv.ParseInt(m[MetaGeneration], 10, 64); err == nil {
		p.generation = g
	}
	if n, err := strconv.Atoi(m[MetaArrived]); err == nil {
		p.arrived = n
	}
	return p
}

// rebuild is how far the list has come; nil when it is not being rebuilt.
func (p position) rebuild() *ResyncProgress {
	if !p.resyncing {
		return nil
	}
	return &ResyncProgress{First: p.first, Arrived: p.arrived}
}

// advance tells how far the list has come.
func (r *round) advance(p position) {
	if r.advanced != nil {
		r.advanced(p.rebuild())
	}
}

func (p position) meta() map[string]string {
	resync := ""
	switch {
	case p.resyncing && p.first:
		resync = resyncFirst
	case p.resyncing:
		resync = resyncAgain
	}
	return map[string]string{
		MetaCursor: p.cursor, MetaGeneration: strconv.FormatInt(p.generation, 10), metaResync: resync,
		MetaArrived: strconv.Itoa(p.arrived),
	}
}

// resync puts the position to the feed's beginning, durably, under a new generation.
func (r *round) resync(ctx context.Context, p position) (position, error) {
	p = position{generation: p.generation + 1, resyncing: true, first: p.first || p.generation == 0}
	_, err := r.cfg.Store.ApplyPage(ctx, Page{Fence: r.fence, Generation: p.generation, Meta: p.meta()})
	ReportProgress(ctx)
	if err == nil {
		r.advance(p)
	}
	return p, err
}

// endResync removes what the server no longer has.
func (r *round) endResync(ctx context.Context, p position) error {
	if !p.resyncing {
		return nil
	}
	for _, s := range r.cfg.Schemas {
		removed, err := r.cfg.Store.Sweep(ctx, r.fence, s.Type, p.generation)
		if err != nil {
			return fmt.Errorf("sweep after a resync: %w", err)
		}
		ReportProgress(ctx)
		r.announce(removed)
	}
	p.resyncing, p.first, p.arrived = false, false, 0
	_, err := r.cfg.Store.ApplyPage(ctx, Page{Fence: r.fence, Generation: p.generation, Meta: p.meta()})
	if err == nil {
		r.advance(p)
	}
	return err
}
