package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// MaxAtOnce is how many records UpdateAll, DeleteAll and RestoreAll take in one call.
const MaxAtOnce = 200

// UpdateAll is Update of many records, each by a patch and an operation of its own, in one durable
// transaction: all of them are saved, or none. So are DeleteAll and RestoreAll.
func (c *Collection[T, P]) UpdateAll(ctx context.Context, seen []Record[T], patch func(Record[T]) P) error {
	return c.writeAll(ctx, seen, func(r Record[T]) (queue.Write, error) {
		p, problem := c.Clean(patch(r), false)
		if problem != nil {
			return queue.Write{}, problem
		}
		return c.seenWrite(r, api.Update, &p)
	})
}

// DeleteAll is Delete of many records; see UpdateAll.
func (c *Collection[T, P]) DeleteAll(ctx context.Context, seen []Record[T]) error {
	return c.writeAll(ctx, seen, func(r Record[T]) (queue.Write, error) { return c.seenWrite(r, api.Delete, nil) })
}

// RestoreAll brings back records that DeleteAll has deleted; see UpdateAll.
func (c *Collection[T, P]) RestoreAll(ctx context.Context, was []Record[T]) error {
	return c.writeAll(ctx, was, func(r Record[T]) (queue.Write, error) {
		p := c.cfg.Codec.Whole(r.Value)
		data, err := c.cfg.Codec.Encode(p)
		return queue.Write{Type: api.Create, Data: data, Restores: r.Version + 1}, err
	})
}

func (c *Collection[T, P]) seenWrite(r Record[T], kind api.OperationType, patch *P) (w queue.Write, err error) {
	w.Type = kind
	if w.Seen, err = c.seen(r); err == nil && patch != nil {
		w.Data, err = c.cfg.Codec.Encode(*patch)
	}
	return w, err
}

// writeAll saves the writes of records. One whose record has gone changes nothing.
func (c *Collection[T, P]) writeAll(ctx context.Context, records []Record[T], write func(Record[T]) (queue.Write, error)) error {
	writes := make([]queue.Write, len(records))
	txn := queue.Txn{}
	for i, r := range records {
		w, err := write(r)
		if err != nil {
			return err
		}
		writes[i], txn.Refs = w, append(txn.Refs, c.ref(r.ID))
	}
	for {
		given, err := c.cfg.Store.Meta(ctx, sync.MetaClient, sync.MetaSkew)
		if err != nil {
			return fmt.Errorf("read from this device: %w", err)
		}
		txn.Given = given
		err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
			for i, w := range writes {
				w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
				w.Node, w.Skew = stampNode(given[sync.MetaClient]), parseSkew(given[sync.MetaSkew])
				if err := es[i].Enqueue(w); err != nil && !errors.Is(err, queue.ErrMissing) && !errors.Is(err, queue.ErrExists) {
					return err
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, queue.ErrStale):
			continue
		case err != nil:
			return err
		}
		for i, w := range writes {
			c.rememberWrite(txn.Refs[i].ID, w.Data)
		}
		c.rows.Notify()
		c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued, Refs: txn.Refs})
		c.cfg.OnEnqueued()
		return nil
	}
}
