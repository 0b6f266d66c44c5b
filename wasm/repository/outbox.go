package repository

import (
	"context"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Counts counts rows, operations and conflicts.
func (c *Collection[T, P]) Counts(ctx context.Context) (queue.Counts, error) {
	return c.cfg.Store.Counts(ctx)
}

// scanPage is how many operations are read at a time.
const scanPage = 100

// Waiting lists the operations that the engine will send by itself, oldest first.
func (c *Collection[T, P]) Waiting(ctx context.Context, limit int) ([]queue.Operation, error) {
	var out []queue.Operation
	var after int64
	for {
		page, err := c.cfg.Store.Operations(ctx, after, scanPage)
		if err != nil {
			return nil, fmt.Errorf("read the queue: %w", err)
		}
		for _, o := range page {
			after = o.Seq
			if o.State != queue.Rejected && o.Ref.Type == c.cfg.Schema.Type {
				out = append(out, o)
			}
			if len(out) == limit {
				return out, nil
			}
		}
		if len(page) < scanPage {
			return out, nil
		}
	}
}

// NeedsAttention lists the rejected operations, oldest first.
func (c *Collection[T, P]) NeedsAttention(ctx context.Context, limit int) ([]queue.Operation, error) {
	found, err := c.cfg.Store.Rejected(ctx, c.cfg.Schema.Type, limit)
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	return found, nil
}

// Retry sends a rejected operation again as it is. The error is queue.ErrGone if it has
// left the queue.
func (c *Collection[T, P]) Retry(ctx context.Context, o queue.Operation) error {
	err := c.update(ctx, o.Ref, func(e *queue.Entity) error { return e.Retry(o.ID) })
	if err == nil {
		c.notifyEnqueued(o.Ref.ID)
	}
	return err
}

// Discard drops a rejected operation.
func (c *Collection[T, P]) Discard(ctx context.Context, o queue.Operation) error {
	err := c.update(ctx, o.Ref, func(e *queue.Entity) error { return e.Discard(o.ID) })
	if err == nil {
		c.notifyChanged(o.Ref.ID)
	}
	return err
}

// update changes one entity in a transaction of its own.
func (c *Collection[T, P]) update(ctx context.Context, ref queue.Ref, decide func(*queue.Entity) error) error {
	return c.cfg.Store.Update(ctx, queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error { return decide(es[0]) })
}
