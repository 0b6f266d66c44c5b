package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

// Apply does the writes in order and returns what became of each, once that is
// on the disk. It fails with store.ErrBusy when too much is waiting, with
// store.ErrUnavailable when the group could not be committed.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.group.Apply(ctx, writes)
}

// Waiting is how many writes wait for the writer.
func (s *Store) Waiting() int { return s.group.Waiting() }

// transaction does f in one transaction and commits it. An error means that all of
// it was undone, or, if the commit failed, that nobody knows.
func (w *writer) transaction(f func() error) (err error) {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.rollback())
		}
	}()
	if err := f(); err != nil {
		return err
	}
	if err := w.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// commit is a group.Commit.
func (s *Store) commit(requests [][]store.Write) (outcomes [][]store.Outcome, changed bool, err error) {
	err = s.writer.transaction(func() error {
		session, err := s.writer.session(s.opts.Now())
		if err != nil {
			return err
		}
		before := session.Counter.Change
		for _, writes := range requests {
			done, err := s.doAll(&session, writes)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, done)
		}
		if changed = session.Counter.Change != before; !changed {
			return nil
		}
		return s.writer.end(&session)
	})
	return outcomes, changed, err
}

// doAll does a request's writes, each in a savepoint: one that fails is undone
// alone and answered "retry". An error means that the whole transaction is lost.
func (s *Store) doAll(session *store.Session, writes []store.Write) ([]store.Outcome, error) {
	w := s.writer
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
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	return s.keepHouse(ctx, before, s.writer.prune)
}

// Collect removes the tombstones from before a time, and says how many; cursors
// from before them get feed.ErrResync.
func (s *Store) Collect(ctx context.Context, before time.Time) (int64, error) {
	return s.keepHouse(ctx, before, s.writer.collect)
}

func (s *Store) keepHouse(ctx context.Context, before time.Time, work func(time.Time) (int64, error)) (n int64, err error) {
	err = s.group.Alone(ctx, func() error {
		err := s.writer.transaction(func() (err error) {
			n, err = work(before)
			return err
		})
		if err != nil {
			s.opts.Log.Error("housekeeping failed", "error", err)
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return nil
	})
	return n, err
}
