// Package group commits the writes of many callers together (group commit). The cost of a
// durable commit hardly depends on its size. So one goroutine takes all waiting requests, has
// the store do them in one transaction, and answers the callers. The next group gathers
// meanwhile.
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
	// maxRequests bounds the waiting requests, and MaxWaiting their writes. maxGroup
	// bounds the writes of one transaction, and so its duration.
	maxRequests = 1024
	MaxWaiting  = 4096
	maxGroup    = 1024
)

// Commit does the writes of several requests, and returns their outcomes once they are
// durable. changed reports whether the feed has grown, even with an error. The error answers
// the requests without outcomes: they were not done, or it is unknown whether they were.
type Commit func(requests [][]store.Write) (outcomes [][]store.Outcome, changed bool, err error)

// Options configure a Writer. Only Commit is required.
type Options struct {
	// Commit is called by one goroutine.
	Commit Commit
	// Committed is called after each commit that changed the feed. It must not block.
	Committed func()
	// Observe is called with the measurements of each commit. It must not block.
	Observe func(store.Commit)
	Log     *slog.Logger
}

// Writer gathers requests and commits them. Its methods may be called by many goroutines.
type Writer struct {
	opts     Options
	requests chan *request
	waiting  atomic.Int64 // writes
	stop     chan struct{}
	stopped  chan struct{} // closed when the goroutine has ended
	once     sync.Once
}

// request is a waiting caller.
type request struct {
	ctx    context.Context
	writes []store.Write
	job    func() error // instead of writes
	answer chan answer  // of capacity 1
}

type answer struct {
	outcomes []store.Outcome
	err      error
}

// New starts a writer. Close stops it.
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

// Close finishes the waiting requests. Later ones fail with store.ErrUnavailable.
func (w *Writer) Close() {
	w.once.Do(func() { close(w.stop) })
	<-w.stopped
}

// Waiting returns how many writes wait.
func (w *Writer) Waiting() int { return int(w.waiting.Load()) }

// Apply does the writes in order and returns their outcomes once they are durable. It fails
// with store.ErrBusy if too many wait, and with store.ErrUnavailable if the group could not be
// committed.
func (w *Writer) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return w.submit(&request{ctx: ctx, writes: writes})
}

// Exclusive runs a job between two groups and returns its error.
func (w *Writer) Exclusive(ctx context.Context, job func() error) error {
	_, err := w.submit(&request{ctx: ctx, job: job})
	return err
}

func (w *Writer) submit(r *request) ([]store.Outcome, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	r.answer = make(chan answer, 1)
	n := int64(len(r.writes))
	if w.waiting.Add(n) > MaxWaiting {
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
	// The writer may have answered just before it ended.
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

// serve does a request and those that wait behind it as one group.
func (w *Writer) serve(first *request) {
	if first.job != nil {
		w.runJob(first)
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
			w.runJob(next)
			return
		}
		group, size = append(group, next), size+len(next.writes)
	}
	w.commit(group)
}

func (w *Writer) runJob(r *request) {
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
			// The caller is gone, and nothing was started.
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
		w.opts.Log.Error("could not commit a group of writes; clients are told to retry", "requests", len(live)-done.Requests, "error", err)
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
