package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
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
	parts := group.Parts{OfData: ofData, Log: s.opts.Log, Try: func(writes []store.Write) ([]store.Outcome, error) {
		outcomes, grown, err := s.try(writes)
		changed = changed || grown
		return outcomes, err
	}}
	outcomes, err = parts.Commit(requests)
	return outcomes, changed, err
}

// try does the writes in one transaction; grown tells whether the feed has grown by it.
func (s *Store) try(writes []store.Write) (outcomes []store.Outcome, grown bool, err error) {
	saved := 0
	err = s.writer.transaction(func() error {
		session, work, err := s.writer.begin(writes, s.opts.Now())
		if err != nil {
			return err
		}
		outcomes = work.ApplyAll(session, writes, func(w store.Write, err error) {
			s.opts.Log.Error("a write failed", "operation", w.ID, "error", err)
		})
		grown, saved = len(work.Puts()) > 0, len(work.Puts())+len(work.Fresh())
		return s.writer.save(session, work)
	})
	s.checkpoints.wrote(saved)
	return outcomes, grown && err == nil, err
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
