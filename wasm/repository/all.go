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

// MaxAtOnce is how many records UpdateAll, DeleteAll and RestoreAll take in one call.
const MaxAtOnce = 200

// UpdateAll is Update of many records, each by a patch and an operation of its own, in one durable
// transaction: all of them are saved, or none. It returns those that were there to be changed. So do
// DeleteAll and RestoreAll.
func (c *Collection[T, P]) UpdateAll(ctx context.Context, seen []Record[T], patch func(Record[T]) P) ([]Record[T], error) {
	return c.writeAll(ctx, seen, nil, func(r Record[T], _ string) (queue.Write, error) {
		p, problem := c.Clean(patch(r), false)
		if problem != nil {
			return queue.Write{}, problem
		}
		return c.seenWrite(r, api.Update, &p)
	})
}

// RevertAll gives records the fields back that UpdateAll has set by one patch, as they were: what anybody has
// made of one of them since stays.
func (c *Collection[T, P]) RevertAll(ctx context.Context, were []Record[T], set P) ([]Record[T], error) {
	set, _ = c.Clean(set, false)
	given := c.fields(set)
	return c.writeAll(ctx, were, given, func(r Record[T], _ string) (w queue.Write, err error) {
		w, err = c.seenWrite(r, api.Update, nil)
		whole := c.fields(c.cfg.Codec.Whole(r.Value))
		w.Data, w.Seen.Document = whole.Like(given).Encode(), whole.With(given).Encode()
		return w, err
	})
}

// DeleteAll is Delete of many records; see UpdateAll. It returns them as they were when they were deleted.
func (c *Collection[T, P]) DeleteAll(ctx context.Context, seen []Record[T]) ([]Record[T], error) {
	return c.writeAll(ctx, seen, nil, func(r Record[T], _ string) (queue.Write, error) { return c.seenWrite(r, api.Delete, nil) })
}

// RestoreAll brings back records that DeleteAll has returned, each as Restore does; see UpdateAll.
func (c *Collection[T, P]) RestoreAll(ctx context.Context, was []Record[T]) ([]Record[T], error) {
	return c.writeAll(ctx, was, nil, func(r Record[T], outcomes string) (w queue.Write, err error) {
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

// writeAll saves the writes of records, which are made with the outcomes there are, and returns those that
// were written. One whose record has gone, or has not all the fields that are given, changes nothing.
func (c *Collection[T, P]) writeAll(ctx context.Context, records []Record[T], given queue.Fields, write func(Record[T], string) (queue.Write, error)) (done []Record[T], err error) {
	writes := make([]queue.Write, len(records))
	for {
		meta, err := c.cfg.Store.Meta(ctx, sync.MetaClient, sync.MetaSkew, queue.MetaOutcomes)
		if err != nil {
			return nil, fmt.Errorf("read from this device: %w", err)
		}
		txn := queue.Txn{Given: meta}
		for i, r := range records {
			if writes[i], err = write(r, meta[queue.MetaOutcomes]); err != nil {
				return nil, err
			}
			txn.Refs = append(txn.Refs, c.ref(r.ID))
		}
		err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
			done = nil // it may be called again
			for i, w := range writes {
				w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
				w.Node, w.Skew = stampNode(meta[sync.MetaClient]), parseSkew(meta[sync.MetaSkew])
				r, before := records[i], es[i].Document()
				if len(given) > 0 && len(given.ChangedFrom(queue.Decode(before))) > 0 {
					continue
				}
				err := es[i].Enqueue(w)
				switch {
				case errors.Is(err, queue.ErrMissing), errors.Is(err, queue.ErrExists):
					continue
				case err != nil:
					return err
				case w.Type == api.Delete:
					r = c.asItWas(r, before, deletion{document: before, operation: w.ID, tombstone: es[i].TombstoneVersion()})
				}
				done = append(done, r)
			}
			return nil
		})
		switch {
		case errors.Is(err, queue.ErrStale):
			continue
		case err != nil:
			return nil, err
		}
		for i, w := range writes {
			c.rememberWrite(txn.Refs[i].ID, w.Data)
		}
		c.rows.Notify()
		c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued, Refs: txn.Refs})
		c.cfg.OnEnqueued()
		return done, nil
	}
}

// asItWas remembers a deletion, which nobody restores if it is not saved after all, and returns the record
// as it was then.
func (c *Collection[T, P]) asItWas(r Record[T], was json.RawMessage, gone deletion) Record[T] {
	c.rememberDeletion(r.ID, gone)
	r.Version = gone.tombstone - 1
	if value, err := c.cfg.Codec.Decode(was); err == nil {
		r.Value = value
	}
	return r
}
