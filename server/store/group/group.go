// Package group commits the writes of many callers together. What a durable commit
// costs hardly depends on how much is in it, so one goroutine takes all requests
// that wait, has the store do them in one transaction, and then answers each
// caller. While it is at work the next group gathers.
package group

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

const (
	// maxRequests and maxWaiting bound what waits for the writer: requests, and
	// writes in them. maxGroup bounds the writes of one transaction, and so how
	// long the last of them waits for the first.
	maxRequests = 1024
	maxWaiting  = 4096
	maxGroup    = 1024
)

// Commit does the writes of several requests and returns once all of it is
// durable, with what became of each. changed tells whether the feed has grown, which it
// may have with an error too. That is the answer to the requests without outcomes: nothing
// was done, or nobody knows.
type Commit func(requests [][]store.Write) (outcomes [][]store.Outcome, changed bool, err error)

// Options are a writer's ways to the world. All but Commit may be nil.
type Options struct {
	// Commit is called by one goroutine, never twice at the same time.
	Commit Commit
	// Committed is called after each commit that changed something; it must not block.
	Committed func()
	// Observe is told of each commit of writes; it must not block.
	Observe func(store.Commit)
	Log     *slog.Logger
}

// Writer gathers requests and commits them. Its methods may be called by many goroutines.
type Writer struct {
	opts     Options
	requests chan *request
	waiting  atomic.Int64 // writes in requests
	stop     chan struct{}
	stopped  chan struct{} // the goroutine has gone
	once     sync.Once
}

// request is a caller who waits for the writer.
type request struct {
	ctx    context.Context
	writes []store.Write
	job    func() error // instead of writes: housekeeping, alone
	answer chan answer  // has room for one
}

type answer struct {
	outcomes []store.Outcome
	err      error
}

// New starts a writer; Close ends it.
func New(o Options) *Writer {
	if o.Committed == nil {
		o.Committed = func() {}
	}
	if o.Observe == nil {
		o.Observe = func(store.Commit) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Writer{
		opts: o, requests: make(chan *request, maxRequests),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go w.run()
	return w
}

// Close lets the writer finish what waits. Requests after it fail with store.ErrUnavailable.
func (w *Writer) Close() {
	w.once.Do(func() { close(w.stop) })
	<-w.stopped
}

// Waiting is how many writes wait for the writer.
func (w *Writer) Waiting() int { return int(w.waiting.Load()) }

// Apply does the writes in order and returns what became of each, once that is
// durable. It fails with store.ErrBusy when too much is waiting, with
// store.ErrUnavailable when the group could not be committed.
func (w *Writer) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return w.ask(&request{ctx: ctx, writes: writes})
}

// Alone has the writer's goroutine do a job between two groups. It fails as the job does.
func (w *Writer) Alone(ctx context.Context, job func() error) error {
	_, err := w.ask(&request{ctx: ctx, job: job})
	return err
}

func (w *Writer) ask(r *request) ([]store.Outcome, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	r.answer = make(chan answer, 1)
	n := int64(len(r.writes))
	if w.waiting.Add(n) > maxWaiting {
		w.waiting.Add(-n)
		return nil, store.ErrBusy
	}
	select {
	case <-w.stop:
		w.waiting.Add(-n)
		return nil, errClosed()
	default:
	}
	select {
	case w.requests <- r:
	default:
		w.waiting.Add(-n)
		return nil, store.ErrBusy
	}
	select {
	case a := <-r.answer:
		return a.outcomes, a.err
	case <-w.stopped:
	}
	// The writer may have answered as its last act, or gone without seeing us.
	select {
	case a := <-r.answer:
		return a.outcomes, a.err
	default:
		return nil, errClosed()
	}
}

func errClosed() error { return fmt.Errorf("the store is closed: %w", store.ErrUnavailable) }

func (w *Writer) run() {
	defer close(w.stopped)
	for {
		select {
		case r := <-w.requests:
			w.serve(r)
		case <-w.stop:
			for {
				select {
				case r := <-w.requests:
					w.serve(r)
				default:
					return
				}
			}
		}
	}
}

// serve does the request and those that wait behind it, as one group.
func (w *Writer) serve(first *request) {
	if first.job != nil {
		w.alone(first)
		return
	}
	group, size := []*request{first}, len(first.writes)
	for size < maxGroup {
		var next *request
		select {
		case next = <-w.requests:
		default:
		}
		if next == nil {
			break
		}
		if next.job != nil {
			w.commit(group)
			w.alone(next)
			return
		}
		group, size = append(group, next), size+len(next.writes)
	}
	w.commit(group)
}

func (w *Writer) alone(r *request) {
	if err := r.ctx.Err(); err != nil {
		r.answer <- answer{err: err}
		return
	}
	r.answer <- answer{err: r.job()}
}

func (w *Writer) commit(group []*request) {
	live, writes := group[:0], [][]store.Write(nil)
	for _, r := range group {
		w.waiting.Add(-int64(len(r.writes)))
		if err := r.ctx.Err(); err != nil {
			// Who has gone can't hear the answer; nothing was begun.
			r.answer <- answer{err: err}
			continue
		}
		live, writes = append(live, r), append(writes, r.writes)
	}
	if len(live) == 0 {
		return
	}
	began := time.Now()
	outcomes, changed, err := w.opts.Commit(writes)
	done := store.Commit{Took: time.Since(began)}
	for i := range outcomes {
		if outcomes[i] != nil {
			done.Requests, done.Writes = done.Requests+1, done.Writes+len(writes[i])
		}
	}
	if done.Writes > 0 {
		w.opts.Observe(done)
	}
	if err != nil {
		w.opts.Log.Error("a group of writes failed", "requests", len(live)-done.Requests, "error", err)
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if changed {
		w.opts.Committed()
	}
	for i, r := range live {
		if err != nil && (i >= len(outcomes) || outcomes[i] == nil) {
			r.answer <- answer{err: err}
			continue
		}
		r.answer <- answer{outcomes: outcomes[i]}
	}
}
