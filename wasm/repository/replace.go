package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Replacement changes a record from what its author saw to something else; nil is none, so that it
// creates a record or deletes one. The reverse undoes it.
type Replacement[P any] struct {
	ID       string
	From, To *P // From sets all fields that are compared
}

// Reverse is what undoes a replacement.
func (r Replacement[P]) Reverse() Replacement[P] {
	return Replacement[P]{ID: r.ID, From: r.To, To: r.From}
}

// replaceAtOnce bounds how many records one transaction of Replace covers.
const replaceAtOnce = 200

// Replace makes an operation of each replacement whose record is still what its author saw, or is
// already what it is to be; others are left as they are. It reports after each transaction which
// of the next replacements were made. Between transactions it ends with ctx. After queue.ErrUncertain,
// nobody knows of those that are left whether they were made.
//
// It is for many records at once: a transaction each would take most of the time. No record is in
// it twice.
func Replace[T, P any](ctx context.Context, c *Collection[T, P], all []Replacement[P], report func(made []bool)) error {
	for len(all) > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n := c.apart(all)
		made, err := c.replaceBatch(ctx, all[:n])
		if uncertain := err; errors.Is(err, queue.ErrUncertain) { // it is as harmless to repeat as it is to leave out
			if made, err = c.replaceBatch(ctx, all[:n]); err != nil {
				err = fmt.Errorf("%w, and then: %w", uncertain, err)
			}
		}
		if err != nil {
			return fmt.Errorf("save on this device: %w", err)
		}
		report(made)
		all = all[n:]
	}
	return nil
}

// apart is how many of the first replacements one transaction may take. An update that frees a
// unique value has one of its own, so that whoever takes the value comes behind it in the queue.
func (c *Collection[T, P]) apart(all []Replacement[P]) int {
	for i := range all[:min(len(all), replaceAtOnce)] {
		if c.frees(all[i]) {
			return max(i, 1)
		}
	}
	return min(len(all), replaceAtOnce)
}

func (c *Collection[T, P]) frees(r Replacement[P]) bool {
	if r.From == nil || r.To == nil {
		return false
	}
	from, to := c.fields(*r.From), c.fields(*r.To)
	return len(to.Only(c.cfg.Schema.Unique).ChangedFrom(from)) > 0
}

// fields are those that a patch sets; none that can't be encoded.
func (c *Collection[T, P]) fields(patch P) queue.Fields {
	data, err := c.cfg.Codec.Encode(patch)
	if err != nil {
		return nil
	}
	return queue.Decode(data)
}

// is reports whether a document is as a patch says.
func (c *Collection[T, P]) is(document json.RawMessage, patch *P) bool {
	if patch == nil || queue.IsNull(document) {
		return patch == nil && queue.IsNull(document)
	}
	record, err := c.cfg.Codec.Decode(document)
	return err == nil && len(c.fields(*patch).ChangedFrom(c.fields(c.cfg.Codec.Whole(record)))) == 0
}

// writeOf makes the operation of a replacement; false if the record may not be so.
func (c *Collection[T, P]) writeOf(r Replacement[P]) (w queue.Write, ok bool) {
	w.ID, w.At, w.Type = c.cfg.NewOperationID(), c.cfg.Now(), api.Update
	switch {
	case r.To == nil:
		w.Type = api.Delete
		return w, true
	case r.From == nil:
		w.Type = api.Create
	}
	patch, problem := c.Clean(*r.To, w.Type == api.Create)
	if problem != nil {
		return w, false
	}
	var err error
	w.Data, err = c.cfg.Codec.Encode(patch)
	return w, err == nil
}

// replaceBatch makes replacements of different records, in one transaction.
func (c *Collection[T, P]) replaceBatch(ctx context.Context, all []Replacement[P]) (made []bool, err error) {
	for {
		given, err := c.cfg.Store.Meta(ctx, sync.MetaClient, sync.MetaSkew)
		if err != nil {
			return nil, err
		}
		txn := queue.Txn{Given: given}
		for _, r := range all {
			txn.Refs = append(txn.Refs, c.ref(r.ID))
		}
		err = c.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
			made = make([]bool, len(all)) // it may be called again
			for i, r := range all {
				now := entities[i].Document()
				if made[i] = c.is(now, r.To); made[i] || !c.is(now, r.From) {
					continue
				}
				w, ok := c.writeOf(r)
				if !ok {
					continue
				}
				w.Node, w.Skew = stampNode(given[sync.MetaClient]), parseSkew(given[sync.MetaSkew])
				made[i] = entities[i].Enqueue(w) == nil
			}
			return nil
		})
		if errors.Is(err, queue.ErrStale) {
			continue
		}
		if err == nil {
			c.notifyReplaced(txn.Refs)
		}
		return made, err
	}
}

func (c *Collection[T, P]) notifyReplaced(refs []queue.Ref) {
	c.rows.Notify()
	c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued, Refs: refs})
	c.cfg.OnEnqueued()
}
