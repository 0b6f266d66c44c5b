package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
)

// ascertain finds out whether a write was saved of which the store could not say
// so. A read waits for the transaction before it, whichever way that ends, so what
// it sees is final: a saved operation is in the queue, or among the fates of those
// that have left it. The error stays queue.ErrUncertain only when nothing can be read.
func (c *Collection[T, P]) ascertain(ctx context.Context, done Written, err error) error {
	if done.Operation == "" {
		return nil // there was nothing to save
	}
	e, failed := c.cfg.Store.Entity(ctx, c.ref(done.ID))
	if failed != nil {
		return err
	}
	if named(e.Operations, done.Operation) != nil {
		return nil
	}
	meta, failed := c.cfg.Store.Meta(ctx, queue.MetaOutcomes)
	if failed != nil {
		return err
	}
	if _, left := queue.FindOutcome(meta[queue.MetaOutcomes], done.Operation); left {
		return nil
	}
	return errUnsaved(err)
}

// errUnsaved is the error of a write that is known not to have been saved: the
// silence alone, without the doubt.
func errUnsaved(err error) error {
	if errors.Is(err, queue.ErrTimeout) {
		return fmt.Errorf("nothing was saved: %w", queue.ErrTimeout)
	}
	return fmt.Errorf("nothing was saved: %w", queue.ErrClosed)
}
