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
	return c.writeAll(ctx, seen, func(r Record[T], _ string) (queue.Write, error) {
		p, problem := c.Clean(patch(r), false)
		if problem != nil {
			return queue.Write{}, problem
		}
		return c.seenWrite(r, api.Update, &p)
	})
}

// DeleteAll is Delete of many records; see UpdateAll.
func (c *Collection[T, P]) DeleteAll(ctx context.Context, seen []Record[T]) error {
	return c.writeAll(ctx, seen, func(r Record[T], _ string) (queue.Write, error) { return c.seenWrite(r, api.Delete, nil) })
}

// RestoreAll brings back records that DeleteAll has deleted, each as Restore does; see UpdateAll.
func (c *Collection[T, P]) RestoreAll(ctx context.Context, was []Record[T]) error {
	return c.writeAll(ctx, was, func(r Record[T], outcomes string) (w queue.Write, err error) {
		p, gone, err := c.asDeleted(r)
		if err == nil {
			w.Type, w.Restores = api.Create, gone.version(outcomes)
			w.Data, err = c.cfg.Codec.Encode(p)
		}
		return w, err
	})
}

func (c *Collection[T, P]) seenWrite(r Record[T], kind api.OperationType, patch *P) (w queue.Write, err error) {
	w.Type = kind
	if w.Seen, err = c.seen(r); err == nil && patch != nil {
		w.Data, err = c.cfg.Codec.Encode(*patch)
	}
	return w, err
}

// writeAll saves the writes of records, which are made with the outcomes there are. One whose record has
// gone changes nothing.
func (c *Collection[T, P]) writeAll(ctx context.Context, records []Record[T], write func(Record[T], string) (queue.Write, error)) error {
	writes := make([]queue.Write, len(records))
	for {
		given, err := c.cfg.Store.Meta(ctx, sync.MetaClient, sync.MetaSkew, queue.MetaOutcomes)
		if err != nil {
			return fmt.Errorf("read from this device: %w", err)
		}
		txn := queue.Txn{Given: given}
		for i, r := range records {
			if writes[i], err = write(r, given[queue.MetaOutcomes]); err != nil {
				return err
			}
			txn.Refs = append(txn.Refs, c.ref(r.ID))
		}
		err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
			for i, w := range writes {
				w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
				w.Node, w.Skew = stampNode(given[sync.MetaClient]), parseSkew(given[sync.MetaSkew])
				gone := deletion{document: es[i].Document(), operation: w.ID}
				err := es[i].Enqueue(w)
				switch {
				case errors.Is(err, queue.ErrMissing), errors.Is(err, queue.ErrExists):
				case err != nil:
					return err
				case w.Type == api.Delete: // if it is not saved after all, nobody restores them
					gone.tombstone = es[i].TombstoneVersion()
					c.rememberDeletion(txn.Refs[i].ID, gone)
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
