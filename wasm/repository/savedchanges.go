package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TakenIn is what became of the changes in a file.
type TakenIn struct {
	Taken int // are in the queue now
	Known int // were in the queue, or had left it
	// Held back: the record has unsent changes that are not of the file. The file can
	// be taken in again once those are sent.
	HeldBack int
	// Unreadable records are in the file, and stay there.
	Unreadable int
}

// takeInAtOnce bounds how many records one transaction of TakeIn covers.
const takeInAtOnce = 50

// TakeIn puts the operations of a file of saved changes back into the queue, each
// once: those that are in it, or are known to have left it, are left out, and the
// server knows again those that reached it. It may be called again with the same
// file, whatever became of the first call.
func (c *Collection[T, P]) TakeIn(ctx context.Context, file []byte) (TakenIn, error) {
	saved, err := queue.ParseSavedChanges(file, c.cfg.Schema)
	if err != nil {
		return TakenIn{}, err
	}
	own, err := c.cfg.Store.Meta(ctx, sync.MetaClient)
	if err != nil {
		return TakenIn{}, fmt.Errorf("take in the changes: %w", err)
	}
	order := make(map[string]int, len(saved.Operations))
	for i, o := range saved.Operations {
		order[o.ID] = i
	}
	total := TakenIn{Unreadable: len(saved.Unreadable)}
	for rest := saved.TakenInto(own[sync.MetaClient]); len(rest) > 0; {
		n := run(rest)
		done, err := c.takeInRun(ctx, rest[:n], order)
		if err != nil {
			return total, fmt.Errorf("take in the changes: %w", err)
		}
		total.Taken += done.Taken
		total.Known += done.Known
		total.HeldBack += done.HeldBack
		rest = rest[n:]
	}
	return total, nil
}

// run is how many of the first operations are of as many records: one transaction
// takes them in their order.
func run(operations []queue.Operation) int {
	seen := map[queue.Ref]bool{}
	for i, o := range operations {
		if seen[o.Ref] || i == takeInAtOnce {
			return i
		}
		seen[o.Ref] = true
	}
	return len(operations)
}

// takeInRun takes in operations of different records, in one transaction.
func (c *Collection[T, P]) takeInRun(ctx context.Context, operations []queue.Operation, order map[string]int) (TakenIn, error) {
	for {
		done, taken, err := c.tryTakeIn(ctx, operations, order)
		if errors.Is(err, queue.ErrStale) { // an operation has left the queue meanwhile
			continue
		}
		for _, id := range taken {
			c.notifyEnqueued(id)
		}
		return done, err
	}
}

func (c *Collection[T, P]) tryTakeIn(ctx context.Context, operations []queue.Operation, order map[string]int) (TakenIn, []string, error) {
	meta, err := c.cfg.Store.Meta(ctx, queue.MetaOutcomes)
	if err != nil {
		return TakenIn{}, nil, err
	}
	// Given: what left the queue after this look must not come back.
	txn := queue.Txn{Given: map[string]string{queue.MetaOutcomes: meta[queue.MetaOutcomes]}}
	for _, o := range operations {
		txn.Refs = append(txn.Refs, o.Ref)
	}
	var done TakenIn
	var taken []string
	err = c.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
		done, taken = TakenIn{}, nil // it may be called again
		for i, o := range operations {
			_, left := queue.FindOutcome(meta[queue.MetaOutcomes], o.ID)
			switch {
			case left || findOperation(entities[i].Operations, o.ID) != nil:
				done.Known++
			case entities[i].TakeIn(o, order, c.cfg.Schema.Fields):
				done.Taken++
				taken = append(taken, o.Ref.ID)
			default:
				done.HeldBack++
			}
		}
		return nil
	})
	if err != nil {
		return TakenIn{}, nil, err
	}
	return done, taken, nil
}
