package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Counts counts rows, operations and conflicts.
func (c *Collection[T, P]) Counts(ctx context.Context) (queue.Counts, error) {
	return c.cfg.Store.Counts(ctx)
}

// Waiting lists operations that the engine will send by itself, oldest first.
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

// scanPage is how many operations are read at a time.
const scanPage = 100

// NeedsAttention lists rejected operations, oldest first.
func (c *Collection[T, P]) NeedsAttention(ctx context.Context, limit int) ([]queue.Operation, error) {
	found, err := c.cfg.Store.Rejected(ctx, c.cfg.Schema.Type, limit)
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	return found, nil
}

// Conflicts lists conflicts, unreviewed ones first, then the newest first.
func (c *Collection[T, P]) Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error) {
	return c.cfg.Store.Conflicts(ctx, limit)
}

// Retry sends a rejected operation again as it is. queue.ErrGone when it has
// left the queue meanwhile.
func (c *Collection[T, P]) Retry(ctx context.Context, o queue.Operation) error {
	err := c.one(ctx, o.Ref, func(e *queue.Entity) error { return e.Retry(o.ID) })
	if err == nil {
		c.queued(o.Ref.ID)
	}
	return err
}

// Discard drops a rejected operation.
func (c *Collection[T, P]) Discard(ctx context.Context, o queue.Operation) error {
	err := c.one(ctx, o.Ref, func(e *queue.Entity) error { return e.Discard(o.ID) })
	if err == nil {
		c.announce(o.Ref.ID)
	}
	return err
}

func (c *Collection[T, P]) one(ctx context.Context, ref queue.Ref, decide func(*queue.Entity) error) error {
	return c.cfg.Store.Update(ctx, queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error { return decide(es[0]) })
}

// Accept marks a conflict as seen.
func (c *Collection[T, P]) Accept(ctx context.Context, conflict queue.Conflict) error {
	err := c.one(ctx, conflict.Ref, func(e *queue.Entity) error {
		review(e, conflict)
		return nil
	})
	if err == nil {
		c.announce(conflict.Ref.ID)
	}
	return err
}

func review(e *queue.Entity, conflict queue.Conflict) {
	for i := range e.Conflicts {
		if e.Conflicts[i].ID == conflict.ID {
			e.Conflicts[i].Reviewed = true
			return
		}
	}
}

// Reverse takes the other side of a conflict, as a new write on what is there
// now, and marks the conflict as seen.
func (c *Collection[T, P]) Reverse(ctx context.Context, conflict queue.Conflict) error {
	e, err := c.cfg.Store.Entity(ctx, conflict.Ref)
	if err != nil {
		return fmt.Errorf("read from this device: %w", err)
	}
	w, needed := c.reversal(conflict, !queue.IsNull(e.Document()))
	if !needed {
		return c.Accept(ctx, conflict)
	}
	_, err = c.enqueue(ctx, conflict.Ref.ID, w, func(_ json.RawMessage, e *queue.Entity) { review(e, conflict) })
	return err
}

// reversal is the write that takes the other side of a conflict; exists says
// whether the entity is there now.
func (c *Collection[T, P]) reversal(conflict queue.Conflict, exists bool) (queue.Write, bool) {
	other := conflict.Mine
	if conflict.Kept == queue.Mine {
		other = conflict.Theirs
	}
	switch {
	case queue.IsNull(other) && conflict.Kept != queue.Both:
		return queue.Write{Type: api.Delete}, exists
	case !exists:
		if queue.IsNull(other) {
			other = conflict.Mine
		}
		data := queue.Decode(other).Only(c.cfg.Schema.Fields).Encode()
		return queue.Write{Type: api.Create, Data: data, Restores: max(conflict.TheirsVersion, 1)}, true
	}
	data := losers(conflict)
	return queue.Write{Type: api.Update, Data: data.Encode()}, len(data) > 0
}

// losers are the values that were not kept of the fields the two sides disagreed on.
func losers(conflict queue.Conflict) queue.Fields {
	out := queue.Fields{}
	for _, f := range conflict.Fields {
		agreed := queue.EqualJSON(f.Mine, f.Theirs)
		var lost json.RawMessage
		switch f.Kept {
		case queue.Mine:
			// A merge that kept my value because they never touched the field lost
			// nothing of theirs.
			if conflict.Strategy == string(sync.Merge) && queue.EqualJSON(f.Base, f.Theirs) {
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

// Strategy is the conflict strategy of this type of record.
func (c *Collection[T, P]) Strategy(ctx context.Context) (sync.StrategyName, error) {
	m, err := c.cfg.Store.Meta(ctx, sync.MetaStrategy+c.cfg.Schema.Type)
	if err != nil {
		return "", fmt.Errorf("read the settings: %w", err)
	}
	return sync.ParseStrategy(m[sync.MetaStrategy+c.cfg.Schema.Type]), nil
}

// SetStrategy changes it, for conflicts from now on.
func (c *Collection[T, P]) SetStrategy(ctx context.Context, s sync.StrategyName) error {
	if sync.ParseStrategy(string(s)) != s {
		return fmt.Errorf("there is no conflict strategy %q", s)
	}
	err := c.cfg.Store.SetMeta(ctx, map[string]string{sync.MetaStrategy + c.cfg.Schema.Type: string(s)})
	if err != nil {
		return fmt.Errorf("save the setting: %w", err)
	}
	return nil
}

// Check is how the device's records compared with the server's, when that was last
// checked.
func (c *Collection[T, P]) Check(ctx context.Context) (sync.Check, error) {
	m, err := c.cfg.Store.Meta(ctx, sync.MetaCheck)
	if err != nil {
		return sync.Check{}, fmt.Errorf("read the last check: %w", err)
	}
	return sync.ParseCheck(m[sync.MetaCheck]), nil
}

// Status is the engine's newest status; its At is zero before one was heard.
func (c *Collection[T, P]) Status() sync.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest
}

// Incidents are what went wrong with syncing itself and was dealt with, newest first.
func (c *Collection[T, P]) Incidents(ctx context.Context) ([]sync.Incident, error) {
	return sync.Incidents(ctx, c.cfg.Store)
}

// StatusChanges is like Changes, for Status.
func (c *Collection[T, P]) StatusChanges(ctx context.Context) <-chan struct{} {
	return c.status.subscribe(ctx)
}

// Delays of SyncAll: it repeats its wish, for a tab may just be taking over the
// engine, and gives up when nothing at all is heard.
const (
	askAgain  = 2 * time.Second
	askGiveUp = 20 * time.Second
)

// SyncAll asks the engine to push, then pull, and waits for the end of it. The
// report says why when it could not; the error is for when no engine answered.
func (c *Collection[T, P]) SyncAll(ctx context.Context) (sync.Report, error) {
	id := c.cfg.NewID()
	reports := make(chan sync.Report, 1)
	signs := make(chan struct{}, 1)
	defer c.cfg.Bus.Subscribe(func(m sync.Message) {
		switch {
		case m.Kind == sync.SyncDone && m.ID == id && m.Report != nil:
			offer(reports, *m.Report)
		case m.Kind == sync.StatusChanged || m.Kind == sync.Heartbeat:
			offer(signs, struct{}{})
		}
	})()
	ask := func() { c.cfg.Bus.Publish(sync.Message{Kind: sync.SyncRequest, ID: id, Reason: sync.Manual}) }
	ask()
	for silence := time.Duration(0); silence < askGiveUp; {
		select {
		case <-ctx.Done():
			return sync.Report{}, context.Cause(ctx)
		case r := <-reports:
			return r, nil
		case <-signs:
			silence = 0
		case <-c.cfg.After(askAgain):
			silence += askAgain
			ask()
		}
	}
	return sync.Report{}, errors.New("the sync worker does not answer; reload the page")
}

func offer[V any](ch chan V, v V) {
	select {
	case ch <- v:
	default:
	}
}
