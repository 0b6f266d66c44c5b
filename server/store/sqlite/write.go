package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
)

// Apply does the writes in order and returns their outcomes once they are durable. It fails
// with store.ErrBusy if too many wait, and with store.ErrUnavailable if they could not be
// committed.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.group.Apply(ctx, writes)
}

// Waiting returns how many writes wait.
func (s *Store) Waiting() int { return s.group.Waiting() }

// transaction runs f in a transaction and commits it. On an error the transaction was undone
// or, if the commit failed, its outcome is unknown.
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
	splitter := group.Splitter{IsDataError: isDataError, IsRefusal: isRefusal, Log: s.opts.Log, Try: func(writes []store.Write) ([]store.Outcome, error) {
		outcomes, grown, err := s.try(writes)
		changed = changed || grown
		return outcomes, err
	}}
	outcomes, err = splitter.Commit(requests)
	return outcomes, changed, err
}

// enter begins a new epoch at the start, and when the machine has been set back or asleep: its
// memory, and so this process, may go on where a snapshot of a virtual machine was taken.
func (s *Store) enter() error {
	now := time.Now()
	wall, monotonic := now.Round(0).Sub(s.entered.Round(0)), now.Sub(s.entered)
	if !s.entered.IsZero() && (wall-monotonic).Abs() <= maxDrift {
		s.entered = now
		return nil
	}
	err := s.writer.enter(s.opts.Now())
	if err == nil {
		s.entered = now
	}
	return err
}

// maxDrift is how far the wall clock may move against the monotonic one between two writes.
// More costs the clients a comparison.
const maxDrift = 30 * time.Second

// try does the writes in one transaction; grown reports whether the feed has grown.
func (s *Store) try(writes []store.Write) (outcomes []store.Outcome, grown bool, err error) {
	saved := 0
	if err := s.enter(); err != nil {
		return nil, false, fmt.Errorf("begin a new epoch: %w", err)
	}
	err = s.writer.transaction(func() error {
		session, tx, err := s.writer.begin(writes, s.opts.Now())
		if err != nil {
			return err
		}
		outcomes = tx.ApplyAll(session, writes, func(w store.Write, err error) {
			s.opts.Log.Error("could not save an operation; the client is told to retry", "operation", w.ID, "error", err)
		})
		s.compact = s.compact && len(tx.Rows()) == 0
		grown, saved = len(tx.Rows()) > 0, len(tx.Rows())+len(tx.NewRecords())
		return s.writer.save(session, tx)
	})
	s.checkpoints.wrote(saved)
	return outcomes, grown && err == nil, err
}

// Prune deletes the records from before a time, and returns how many. Those of a tombstone stay
// as long as it does. A later replay is harmless: its base version is no longer current.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	return s.exclusively(ctx, before, s.writer.prune)
}

// Collect deletes the tombstones from before a time with their records, and returns how many
// tombstones. Cursors from before them fail with feed.ErrResync. It clears the files of what was
// deleted.
func (s *Store) Collect(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.exclusively(ctx, before, s.writer.collect)
	if err == nil {
		err = s.group.Exclusive(ctx, func() error { return s.clear(ctx) })
	}
	return n, err
}

func (s *Store) exclusively(ctx context.Context, before time.Time, work func(time.Time) (int64, error)) (n int64, err error) {
	err = s.group.Exclusive(ctx, func() error {
		err := s.writer.transaction(func() (err error) {
			n, err = work(before)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return nil
	})
	return n, err
}
