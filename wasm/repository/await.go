package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// awaitPoll is how often Await looks again by itself: the messages that notify it may be
// lost.
const awaitPoll = 5 * time.Second

// Await waits until an operation has left the queue or is rejected, and returns its
// outcome; at once if that is known. It works in any tab and after a reload. The empty
// id, of a write that changed nothing, yields OutcomeUnchanged.
//
// An operation that another one replaced yields OutcomeSuperseded; see AwaitFinal. The
// error is queue.ErrUnknown for an operation that is neither in the queue nor among the
// last queue.MaxOutcomes that left it, the cause of ctx's end, or the store's error.
func (c *Collection[T, P]) Await(ctx context.Context, operation string) (queue.Outcome, error) {
	if operation == "" {
		return queue.Outcome{Kind: queue.OutcomeUnchanged}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := c.Changes(ctx) // before the first look, so that none is missed
	var at *queue.Ref
	for {
		outcome, known, err := c.outcome(ctx, operation, &at)
		if known || err != nil {
			return outcome, err
		}
		select {
		case <-ctx.Done():
			return queue.Outcome{}, context.Cause(ctx)
		case <-changes:
		case <-c.cfg.After(awaitPoll):
		}
	}
}

// AwaitFinal is Await along the chain of operations that replaced one another. It returns
// the outcome of the last one, whose id is Outcome.ID. OutcomeAcknowledged then means that
// the server has this write and those coalesced with it.
func (c *Collection[T, P]) AwaitFinal(ctx context.Context, operation string) (queue.Outcome, error) {
	for {
		outcome, err := c.Await(ctx, operation)
		if err != nil || outcome.Kind != queue.OutcomeSuperseded {
			return outcome, err
		}
		operation = outcome.By
	}
}

// maxSearches is how often the queue is searched for an operation without an outcome. The
// queue is read in pages, and an operation may move to one that was read already.
const maxSearches = 3

// outcome looks up an operation's outcome; false while it is pending. at is the entity of
// the operation once it is known, and speeds up the next call.
func (c *Collection[T, P]) outcome(ctx context.Context, id string, at **queue.Ref) (queue.Outcome, bool, error) {
	for range maxSearches {
		meta, err := c.cfg.Store.Meta(ctx, queue.MetaOutcomes)
		if err != nil {
			return queue.Outcome{}, false, fmt.Errorf("read from this device: %w", err)
		}
		if outcome, ok := queue.FindOutcome(meta[queue.MetaOutcomes], id); ok {
			return outcome, true, nil
		}
		o, err := c.findQueued(ctx, id, *at)
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

// findQueued finds an operation in the queue, nil if it is not there. It reads only the
// entity at, if that is known.
func (c *Collection[T, P]) findQueued(ctx context.Context, id string, at *queue.Ref) (*queue.Operation, error) {
	if at != nil {
		e, err := c.cfg.Store.Entity(ctx, *at)
		return findOperation(e.Operations, id), err
	}
	for after := int64(0); ; {
		page, err := c.cfg.Store.Operations(ctx, after, scanPage)
		if err != nil {
			return nil, err
		}
		if o := findOperation(page, id); o != nil {
			return o, nil
		}
		if len(page) < scanPage {
			return nil, nil
		}
		after = page[len(page)-1].Seq
	}
}

func findOperation(operations []queue.Operation, id string) *queue.Operation {
	if i := slices.IndexFunc(operations, func(o queue.Operation) bool { return o.ID == id }); i >= 0 {
		return &operations[i]
	}
	return nil
}
