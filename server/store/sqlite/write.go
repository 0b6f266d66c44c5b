package sqlite

import (
	"context"
	"errors"
	"fmt"
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

// request is a caller who waits for the writer.
type request struct {
	ctx    context.Context
	writes []store.Write
	job    func(*writer) error // instead of writes: housekeeping, alone in its transaction
	answer chan answer         // has room for one
}

type answer struct {
	outcomes []store.Outcome
	err      error
}

// Apply does the writes in order and returns what became of each, once that is
// on the disk. It fails with store.ErrBusy when too much is waiting, with
// store.ErrUnavailable when the group could not be committed.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.ask(&request{ctx: ctx, writes: writes})
}

func (s *Store) ask(r *request) ([]store.Outcome, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	r.answer = make(chan answer, 1)
	n := int64(len(r.writes))
	if s.waiting.Add(n) > maxWaiting {
		s.waiting.Add(-n)
		return nil, store.ErrBusy
	}
	select {
	case <-s.stop:
		s.waiting.Add(-n)
		return nil, fmt.Errorf("the store is closed: %w", store.ErrUnavailable)
	default:
	}
	select {
	case s.requests <- r:
	default:
		s.waiting.Add(-n)
		return nil, store.ErrBusy
	}
	select {
	case a := <-r.answer:
		return a.outcomes, a.err
	case <-s.stopped:
	}
	// The writer may have answered as its last act, or gone without seeing us.
	select {
	case a := <-r.answer:
		return a.outcomes, a.err
	default:
		return nil, fmt.Errorf("the store is closed: %w", store.ErrUnavailable)
	}
}

// write is the writer's goroutine.
func (s *Store) write(w *writer) {
	defer close(s.stopped)
	defer w.close()
	for {
		select {
		case r := <-s.requests:
			s.serve(w, r)
		case <-s.stop:
			for {
				select {
				case r := <-s.requests:
					s.serve(w, r)
				default:
					return
				}
			}
		}
	}
}

// serve does the request and those that wait behind it, as one group.
func (s *Store) serve(w *writer, first *request) {
	group, size := []*request{first}, len(first.writes)
	for first.job == nil && size < maxGroup {
		var next *request
		select {
		case next = <-s.requests:
		default:
		}
		if next == nil {
			break
		}
		if next.job != nil {
			s.commit(w, group)
			group = []*request{next}
			break
		}
		group, size = append(group, next), size+len(next.writes)
	}
	s.commit(w, group)
}

func (s *Store) commit(w *writer, group []*request) {
	live := group[:0]
	for _, r := range group {
		s.waiting.Add(-int64(len(r.writes)))
		if err := r.ctx.Err(); err != nil {
			// Who has gone can't hear the answer; nothing was begun.
			r.answer <- answer{err: err}
			continue
		}
		live = append(live, r)
	}
	if len(live) == 0 {
		return
	}
	began := time.Now()
	answers, changed, err := s.transaction(w, live)
	if n := countWrites(live); err == nil && n > 0 {
		s.opts.Observe(store.Commit{Requests: len(live), Writes: n, Took: time.Since(began)})
	}
	if err != nil {
		s.opts.Log.Error("a group of writes failed", "requests", len(live), "error", err)
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if changed && err == nil {
		s.opts.Committed()
	}
	for i, r := range live {
		if err != nil {
			r.answer <- answer{err: err}
			continue
		}
		r.answer <- answers[i]
	}
}

// Waiting is how many writes wait for the writer.
func (s *Store) Waiting() int { return int(s.waiting.Load()) }

func countWrites(group []*request) (n int) {
	for _, r := range group {
		n += len(r.writes)
	}
	return n
}

// transaction does the group in one transaction and commits it. An error means
// that all of it was undone, or, if the commit failed, that nobody knows.
func (s *Store) transaction(w *writer, group []*request) (answers []answer, changed bool, err error) {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, false, fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.rollback())
		}
	}()
	session, err := w.session(s.opts.Now())
	if err != nil {
		return nil, false, err
	}
	before := session.Counter.Change
	for _, r := range group {
		var a answer
		if r.job != nil {
			if err := r.job(w); err != nil {
				return nil, false, err
			}
		}
		if a.outcomes, err = s.doAll(w, &session, r.writes); err != nil {
			return nil, false, err
		}
		answers = append(answers, a)
	}
	changed = session.Counter.Change != before
	if changed {
		if err := w.end(&session); err != nil {
			return nil, false, err
		}
	}
	if err := w.exec("COMMIT"); err != nil {
		return nil, false, fmt.Errorf("commit %d requests: %w", len(group), err)
	}
	return answers, changed, nil
}

// doAll does a request's writes, each in a savepoint: one that fails is undone
// alone and answered "retry". An error means that the whole transaction is lost.
func (s *Store) doAll(w *writer, session *store.Session, writes []store.Write) ([]store.Outcome, error) {
	outcomes := make([]store.Outcome, 0, len(writes))
	for _, write := range writes {
		if err := w.exec("SAVEPOINT write"); err != nil {
			return nil, fmt.Errorf("begin operation %s: %w", write.ID, err)
		}
		o, err := session.Do(write)
		if err != nil {
			if undo := w.exec("ROLLBACK TO write"); undo != nil {
				return nil, fmt.Errorf("undo operation %s: %w", write.ID, errors.Join(err, undo))
			}
			s.opts.Log.Error("a write failed", "operation", write.ID, "error", err)
			o = store.Undecided(write)
		}
		if err := w.exec("RELEASE write"); err != nil {
			return nil, fmt.Errorf("end operation %s: %w", write.ID, err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// Prune forgets the records from before a time, and says how many. A replay that
// comes later still does no harm: its base version is no longer the row's.
func (s *Store) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	_, err = s.ask(&request{ctx: ctx, job: func(w *writer) (err error) {
		n, err = w.prune(before)
		return err
	}})
	return n, err
}

// Collect removes the tombstones from before a time, and says how many; cursors
// from before them get feed.ErrResync.
func (s *Store) Collect(ctx context.Context, before time.Time) (n int64, err error) {
	_, err = s.ask(&request{ctx: ctx, job: func(w *writer) (err error) {
		n, err = w.collect(before)
		return err
	}})
	return n, err
}
