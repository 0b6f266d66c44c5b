package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Conflicts lists conflicts: unreviewed before reviewed, and newest first.
func (c *Collection[T, P]) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	return c.cfg.Store.Conflicts(ctx, limit)
}

// Of returns what this device holds about a record: its operations, and its conflicts, unreviewed
// before reviewed and newest first.
func (c *Collection[T, P]) Of(ctx context.Context, id string) (queue.Entity, error) {
	e, err := c.cfg.Store.Entity(ctx, c.ref(id))
	if err != nil {
		return queue.Entity{}, fmt.Errorf("read from this device: %w", err)
	}
	all, err := c.cfg.Store.Conflicts(ctx, math.MaxInt)
	e.Conflicts = slices.DeleteFunc(all, func(other queue.Conflict) bool { return other.Ref != e.Ref })
	return e, err
}

// Accept marks a conflict as reviewed.
func (c *Collection[T, P]) Accept(ctx context.Context, conflict queue.Conflict) error {
	err := c.update(ctx, conflict.Ref, func(e *queue.Entity) error {
		markReviewed(e, conflict)
		return nil
	})
	if err == nil {
		c.notifyChanged(conflict.Ref.ID)
	}
	return err
}

func markReviewed(e *queue.Entity, conflict queue.Conflict) {
	for i := range e.Conflicts {
		if e.Conflicts[i].ID == conflict.ID {
			e.Conflicts[i].Reviewed = true
			return
		}
	}
}

// Reverse takes the other side of a conflict, as a new write to the current record, and
// marks the conflict as reviewed. What has become of the record since the decision, the
// person was not shown: where that would be overwritten, it is a conflict of its own.
func (c *Collection[T, P]) Reverse(ctx context.Context, conflict queue.Conflict) error {
	e, err := c.cfg.Store.Entity(ctx, conflict.Ref)
	if err != nil {
		return fmt.Errorf("read from this device: %w", err)
	}
	w, needed := c.reversal(conflict, !queue.IsNull(e.Document()))
	if !needed {
		return c.Accept(ctx, conflict)
	}
	_, err = c.enqueue(ctx, conflict.Ref.ID, w, change[P]{inTxn: func(_ json.RawMessage, e *queue.Entity) { markReviewed(e, conflict) }})
	return err
}

// reversal returns the write that takes the other side of a conflict, false if none is
// needed. exists says whether the record exists now.
func (c *Collection[T, P]) reversal(conflict queue.Conflict, exists bool) (queue.Write, bool) {
	other := conflict.Mine
	if conflict.Kept == queue.Mine {
		other = conflict.Theirs
	}
	switch {
	case queue.IsNull(other) && conflict.Kept != queue.Both:
		return queue.Write{Type: api.Delete, Seen: c.decided(conflict)}, exists
	case !exists:
		if queue.IsNull(other) {
			other = conflict.Mine
		}
		data := queue.Decode(other).Only(c.cfg.Schema.Fields).Encode()
		return queue.Write{Type: api.Create, Data: data, Restores: max(conflict.TheirsVersion, 1)}, true
	}
	data := losingValues(conflict)
	return queue.Write{Type: api.Update, Data: data.Encode(), Seen: c.decided(conflict)}, len(data) > 0
}

// decided is the record as the decision of a conflict left it.
func (c *Collection[T, P]) decided(conflict queue.Conflict) *queue.Seen {
	kept := conflict.Theirs
	if conflict.Kept == queue.Mine || queue.IsNull(kept) {
		kept = conflict.Mine
	}
	fields := queue.Fields{}
	for _, f := range conflict.Fields {
		if fields[f.Name] = f.Theirs; f.Kept == queue.Mine {
			fields[f.Name] = f.Mine
		}
	}
	return &queue.Seen{
		Document: queue.Decode(kept).With(fields).Encode(), Version: conflict.TheirsVersion,
		Fields: c.cfg.Schema.Fields, ConflictID: c.cfg.NewID(),
	}
}

// losingValues returns, for each field on which the two sides disagreed, the value that
// was not kept.
func losingValues(conflict queue.Conflict) queue.Fields {
	out := queue.Fields{}
	for _, f := range conflict.Fields {
		agreed := queue.SameValue(f.Mine, f.Theirs)
		var lost json.RawMessage
		switch f.Kept {
		case queue.Mine:
			// A merge that kept my value because they did not change the field lost nothing of
			// theirs.
			if conflict.Strategy == string(sync.Merge) && queue.SameValue(f.Base, f.Theirs) {
				continue
			}
			lost = f.Theirs
		case queue.Theirs:
			lost = f.Mine
		}
		if !agreed && !queue.IsNull(lost) {
			out[f.Name] = lost
		}
	}
	return out
}
