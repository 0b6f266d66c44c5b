package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Written is a write that is durable on this device: the record's id, and the
// operation that carries it to the server, for Await. Operation is empty when the
// write changed nothing.
type Written struct {
	ID        string
	Operation string
}

// awaitAgain is how long Await relies on being told of changes before it looks
// again by itself: messages between tabs and workers are hints, and may be lost.
const awaitAgain = 5 * time.Second

// Await waits until an operation has ended or is rejected, and returns its fate;
// at once when that is known. It works in any tab and after a reload. The empty id,
// of a write that changed nothing, is OutcomeUnchanged.
//
// An operation that another took up has ended, as OutcomeSuperseded by that one: see
// AwaitFinal. The error is queue.ErrUnknown for an operation that is neither in the
// queue nor among the last queue.MaxOutcomes that left it, the end of ctx, or the
// store's.
func (c *Collection[T, P]) Await(ctx context.Context, operation string) (queue.Outcome, error) {
	if operation == "" {
		return queue.Outcome{Kind: queue.OutcomeUnchanged}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tells := c.Changes(ctx) // before the first look: nothing falls between
	var at *queue.Ref
	for {
		fate, ended, err := c.fate(ctx, operation, &at)
		if ended || err != nil {
			return fate, err
		}
		select {
		case <-ctx.Done():
			return queue.Outcome{}, context.Cause(ctx)
		case <-tells:
		case <-c.cfg.After(awaitAgain):
		}
	}
}

// AwaitFinal is Await along the chain of operations that took one another up: it
// returns the fate of the last one, whose id is Fate.ID. So OutcomeAcknowledged means that
// what the server has now came of this write and those merged with it.
func (c *Collection[T, P]) AwaitFinal(ctx context.Context, operation string) (queue.Outcome, error) {
	for {
		fate, err := c.Await(ctx, operation)
		if err != nil || fate.Kind != queue.OutcomeSuperseded {
			return fate, err
		}
		operation = fate.By
	}
}

// searches is how often the queue is searched for an operation that is not
// remembered: while it is read in pages, an operation may move to one read already.
const searches = 3

// fate looks once for what became of an operation; false while it waits. at is
// where it was found, for the next look.
func (c *Collection[T, P]) fate(ctx context.Context, id string, at **queue.Ref) (queue.Outcome, bool, error) {
	for range searches {
		meta, err := c.cfg.Store.Meta(ctx, queue.MetaOutcomes)
		if err != nil {
			return queue.Outcome{}, false, fmt.Errorf("read from this device: %w", err)
		}
		if f, ok := queue.FindOutcome(meta[queue.MetaOutcomes], id); ok {
			return f, true, nil
		}
		o, err := c.queuedAs(ctx, id, *at)
		switch {
		case err != nil:
			return queue.Outcome{}, false, fmt.Errorf("read the queue: %w", err)
		case o == nil: // it left meanwhile, or it is unknown
			*at = nil
		case o.State == queue.Rejected:
			return queue.Outcome{ID: id, Kind: queue.OutcomeRejected, Problem: o.LastError}, true, nil
		default:
			*at = &o.Ref
			return queue.Outcome{}, false, nil
		}
	}
	return queue.Outcome{}, false, fmt.Errorf("operation %s: %w", id, queue.ErrUnknown)
}

// queuedAs finds an operation in the queue: at its entity when that is known.
func (c *Collection[T, P]) queuedAs(ctx context.Context, id string, at *queue.Ref) (*queue.Operation, error) {
	if at != nil {
		e, err := c.cfg.Store.Entity(ctx, *at)
		return named(e.Operations, id), err
	}
	for after := int64(0); ; {
		page, err := c.cfg.Store.Operations(ctx, after, scanPage)
		if err != nil {
			return nil, err
		}
		if o := named(page, id); o != nil {
			return o, nil
		}
		if len(page) < scanPage {
			return nil, nil
		}
		after = page[len(page)-1].Seq
	}
}

func named(operations []queue.Operation, id string) *queue.Operation {
	for i := range operations {
		if operations[i].ID == id {
			return &operations[i]
		}
	}
	return nil
}
