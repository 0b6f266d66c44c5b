package sync

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// pull reads the feed from the cursor to its end, page by page. Each page is saved
// together with the cursor behind it, while the next one is on its way. A cursor that is too
// old starts a resync.
func (r *round) pull(ctx context.Context) error {
	m, err := r.cfg.Store.Meta(ctx, positionMeta...)
	if err != nil {
		return fmt.Errorf("read the cursor: %w", err)
	}
	r.position = positionOf(m)
	outcome := m[queue.MetaLastOutcome]
	if r.position.cursor == "" {
		// The device may have rows already, from acknowledgements. A first reading doesn't
		// mention what was deleted or undone since; only a resync's sweep removes that.
		if err := r.startResync(ctx); err != nil {
			return fmt.Errorf("begin to read the feed: %w", err)
		}
	}
	if told, err := r.applyNews(ctx, outcome); told || err != nil {
		return err
	}
	next := r.ask(ctx, r.position.cursor)
	defer func() { next.drop() }()
	for n := range MaxPages {
		page, err := next.await()
		ReportProgress(ctx)
		var failed *RequestError
		if errors.As(err, &failed) && failed.Kind == Resync && r.position.cursor != "" {
			if err := r.startResync(ctx); err != nil {
				return fmt.Errorf("begin a resync: %w", err)
			}
			next = r.ask(ctx, "")
			continue
		}
		if err != nil {
			return err
		}
		if page.HasMore && n+1 < MaxPages {
			next = r.ask(ctx, page.Cursor)
		}
		if !page.HasMore {
			r.position.outcome = outcome
		}
		if err := r.savePage(ctx, page); err != nil {
			return fmt.Errorf("save a page of changes: %w", err)
		}
		ReportProgress(ctx)
		if r.position.resyncing || page.HasMore {
			r.publishProgress()
		}
		if !page.HasMore {
			r.digests, r.epoch = page.Digests, page.Epoch
			return r.finishResync(ctx)
		}
	}
	r.report.More = true
	return nil
}

// request is a request for a page that is under way, at most one at a time.
type request struct {
	stop   context.CancelFunc
	answer chan struct{} // closed when page or err is set
	page   api.ChangePage
	err    error
}

// ask requests the page after a cursor.
func (r *round) ask(ctx context.Context, cursor string) *request {
	ctx, stop := context.WithCancel(ctx)
	q := &request{stop: stop, answer: make(chan struct{})}
	r.clock.sentAt = r.cfg.Now()
	r.asked = r.clock.sentAt
	r.cfg.Go(func() {
		defer close(q.answer)
		q.page, q.err = r.cfg.Remote.Pull(ctx, cursor, PageSize)
	})
	return q
}

func (q *request) await() (api.ChangePage, error) {
	<-q.answer
	q.stop()
	return q.page, q.err
}

// drop ends a request that nobody awaits. No request outlives its round.
func (q *request) drop() {
	q.stop()
	<-q.answer
}

func (r *round) savePage(ctx context.Context, page api.ChangePage) error {
	if page.Cursor == r.position.cursor && len(page.Changes) == 0 {
		return nil
	}
	r.position.cursor = page.Cursor
	if page.Total > 0 {
		r.position.total = int(page.Total)
	}
	for _, c := range page.Changes {
		if !c.Deleted {
			r.position.arrived++
		}
	}
	changed, err := r.cfg.Store.ApplyPage(ctx, Page{
		Changes: page.Changes, Fence: r.fence, Generation: r.position.generation, Resync: r.position.resyncing, Meta: r.position.meta(),
	})
	if err != nil {
		return err
	}
	r.report.Pulled += len(page.Changes)
	r.publishChanged(changed)
	return nil
}

// position is how far the feed was read. It is kept in the values of positionMeta.
type position struct {
	cursor     string
	generation int64
	resyncing  bool
	first      bool   // this device has never had the whole list
	arrived    int    // rows received since the feed's beginning
	total      int    // as many as the server says that it has; not kept: the next page says it again
	outcome    string // the last when the server was asked for what the feed had up to its end
}

var positionMeta = []string{MetaCursor, MetaGeneration, MetaResync, MetaArrived, MetaOutcome, queue.MetaLastOutcome}

func positionOf(m map[string]string) position {
	p := position{cursor: m[MetaCursor], resyncing: m[MetaResync] != "", first: m[MetaResync] == resyncFirst, outcome: m[MetaOutcome]}
	if g, err := strconv.ParseInt(m[MetaGeneration], 10, 64); err == nil {
		p.generation = g
	}
	if n, err := strconv.Atoi(m[MetaArrived]); err == nil {
		p.arrived = n
	}
	return p
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
		MetaCursor: p.cursor, MetaGeneration: strconv.FormatInt(p.generation, 10), MetaResync: resync,
		MetaArrived: strconv.Itoa(p.arrived), MetaOutcome: p.outcome,
	}
}
