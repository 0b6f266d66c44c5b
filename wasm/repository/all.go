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
	return c.writeAll(ctx, seen, func(r Record[T]) (oneOf, error) {
		p, problem := c.Clean(patch(r), false)
		if problem != nil {
			return oneOf{}, problem
		}
		return c.seenWrite(r, api.Update, &p)
	})
}

// DeleteAll is Delete of many records; see UpdateAll.
func (c *Collection[T, P]) DeleteAll(ctx context.Context, seen []Record[T]) error {
	return c.writeAll(ctx, seen, func(r Record[T]) (oneOf, error) { return c.seenWrite(r, api.Delete, nil) })
}

// RestoreAll brings back records that DeleteAll has deleted, each as Restore does; see UpdateAll.
func (c *Collection[T, P]) RestoreAll(ctx context.Context, was []Record[T]) error {
	return c.writeAll(ctx, was, func(r Record[T]) (w oneOf, err error) {
		p, gone, err := c.asDeleted(r)
		if err == nil {
			w.Type, w.restores = api.Create, &gone
			w.Data, err = c.cfg.Codec.Encode(p)
		}
		return w, err
	})
}

// oneOf is a write of many.
type oneOf struct {
	queue.Write
	restores *deletion // nil: none
}

func (c *Collection[T, P]) seenWrite(r Record[T], kind api.OperationType, patch *P) (w oneOf, err error) {
	w.Type = kind
	if w.Seen, err = c.seen(r); err == nil && patch != nil {
		w.Data, err = c.cfg.Codec.Encode(*patch)
	}
	return w, err
}

// writeAll saves the writes of records. One whose record has gone changes nothing.
func (c *Collection[T, P]) writeAll(ctx context.Context, records []Record[T], write func(Record[T]) (oneOf, error)) error {
	writes, names := make([]oneOf, len(records)), []string{sync.MetaClient, sync.MetaSkew}
	txn := queue.Txn{}
	for i, r := range records {
		w, err := write(r)
		if err != nil {
			return err
		}
		writes[i], txn.Refs = w, append(txn.Refs, c.ref(r.ID))
		if w.restores != nil && len(names) == 2 {
			names = append(names, queue.MetaOutcomes)
		}
	}
	for {
		given, err := c.cfg.Store.Meta(ctx, names...)
		if err != nil {
			return fmt.Errorf("read from this device: %w", err)
		}
		txn.Given = given
		var gone map[string]deletion
		err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
			gone = map[string]deletion{} // it may be called again
			for i, w := range writes {
				w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
				w.Node, w.Skew = stampNode(given[sync.MetaClient]), parseSkew(given[sync.MetaSkew])
				if w.restores != nil {
					w.Restores = w.restores.version(given[queue.MetaOutcomes])
				}
				before := es[i].Document()
				err := es[i].Enqueue(w.Write)
				switch {
				case errors.Is(err, queue.ErrMissing), errors.Is(err, queue.ErrExists):
				case err != nil:
					return err
				case w.Type == api.Delete:
					gone[txn.Refs[i].ID] = deletion{document: before, operation: operationOf(es[i], w.ID), tombstone: es[i].TombstoneVersion()}
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
		for id, d := range gone {
			c.rememberDeletion(id, d)
		}
		c.rows.Notify()
		c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued, Refs: txn.Refs})
		c.cfg.OnEnqueued()
		return nil
	}
}
