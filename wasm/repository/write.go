package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Written is the result of a write that is durable on this device: the id of the record,
// and the operation that carries the write to the server, for Await. Operation is empty
// if the write changed nothing.
type Written struct {
	ID        string
	Operation string
}

// Clean returns the patch as Create (with create set) or Update would save it, and the
// problem they would refuse it with, nil for none. A form uses it to show what is wrong
// before the person saves.
func (c *Collection[T, P]) Clean(patch P, create bool) (P, *api.Problem) {
	return c.cfg.Codec.Clean(patch, create)
}

// NewID returns an id for CreateAs.
func (c *Collection[T, P]) NewID() string { return c.cfg.NewID() }

// Create saves a new record under a new id. Like CreateAs, Update, Delete and Restore, it
// returns once the write and its operation are durable on this device. After
// queue.ErrUncertain the result is still good for Await, which says whether the write was
// saved.
func (c *Collection[T, P]) Create(ctx context.Context, patch P) (Written, error) {
	return c.CreateAs(ctx, c.cfg.NewID(), patch)
}

// CreateAs is Create with an id from the caller, who may call it again if the first call
// could not tell whether it saved. What that call created is then updated, so that the
// record is never created twice; what others have made of it since is a conflict.
func (c *Collection[T, P]) CreateAs(ctx context.Context, id string, patch P) (Written, error) {
	done, err := c.write(ctx, id, change[P]{kind: api.Create, patch: &patch})
	if errors.Is(err, queue.ErrExists) {
		return c.write(ctx, id, change[P]{kind: api.Update, patch: &patch, seen: c.created(id)})
	}
	return done, err
}

// Update saves the changed fields of a record. Seen is the record as the author had it
// before them: a field that the patch leaves as it was then is not written, and one that
// has changed since, by whomever, is a conflict and recorded as one.
func (c *Collection[T, P]) Update(ctx context.Context, seen Record[T], patch P) (Written, error) {
	s, err := c.seen(seen)
	if err != nil {
		return Written{}, err
	}
	return c.write(ctx, seen.ID, change[P]{kind: api.Update, patch: &patch, seen: s})
}

// Delete removes a record. Seen is as for Update. Restore brings it back.
func (c *Collection[T, P]) Delete(ctx context.Context, seen Record[T]) (Written, error) {
	s, err := c.seen(seen)
	if err != nil {
		return Written{}, err
	}
	var gone deletion
	written, err := c.write(ctx, seen.ID, change[P]{kind: api.Delete, seen: s, inTxn: func(before json.RawMessage, e *queue.Entity) {
		gone = deletion{document: before, tombstone: e.TombstoneVersion()}
	}})
	if err == nil {
		gone.operation = written.Operation
		c.rememberDeletion(seen.ID, gone)
	}
	return written, err
}

// Restore brings back a deleted record as it was when this page deleted it. The caller's
// copy, was, may be older than that; it counts only if this page did not delete the
// record.
func (c *Collection[T, P]) Restore(ctx context.Context, was Record[T]) (Written, error) {
	patch, gone, err := c.asDeleted(was)
	if err != nil {
		return Written{}, err
	}
	return c.write(ctx, was.ID, change[P]{kind: api.Create, patch: &patch, restores: &gone})
}

// asDeleted is all of a record as it was deleted, and the deletion; see Restore.
func (c *Collection[T, P]) asDeleted(was Record[T]) (patch P, gone deletion, err error) {
	gone, ok := c.recallDeletion(was.ID)
	if !ok {
		return c.cfg.Codec.Whole(was.Value), deletion{tombstone: was.Version + 1}, nil
	}
	value, err := c.cfg.Codec.Decode(gone.document)
	if err != nil {
		return patch, gone, fmt.Errorf("decode %s as it was deleted: %w", was.ID, err)
	}
	return c.cfg.Codec.Whole(value), gone, nil
}

// deletion is the document that a delete removed, its operation, and the version that its
// tombstone was expected to get.
type deletion struct {
	document  json.RawMessage
	operation string
	tombstone int64
}

// version returns the version of a deletion's tombstone, as the server gave it if it has
// answered. While the delete is in the queue, the answer will correct what was expected.
func (d deletion) version(outcomes string) int64 {
	outcome, _ := queue.FindOutcome(outcomes, d.operation)
	for range queue.MaxOutcomes {
		if outcome.Kind != queue.OutcomeSuperseded {
			break
		}
		outcome, _ = queue.FindOutcome(outcomes, outcome.By)
	}
	if outcome.Kind == queue.OutcomeAcknowledged && outcome.Version > 0 {
		return outcome.Version
	}
	return d.tombstone
}

// maxDeleted bounds what is remembered of deletions, many of which may be undone at once.
const maxDeleted = 20_000

func (c *Collection[T, P]) rememberDeletion(id string, gone deletion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.deleted) >= maxDeleted {
		clear(c.deleted)
	}
	c.deleted[id] = gone
}

func (c *Collection[T, P]) recallDeletion(id string) (deletion, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone, ok := c.deleted[id]
	return gone, ok
}

// change is a write before it is checked and encoded.
type change[P any] struct {
	kind     api.OperationType
	patch    *P
	restores *deletion   // nil: none
	seen     *queue.Seen // nil: the record as it is
	inTxn    inTxn       // may be nil
}

// inTxn runs in the transaction of a write, once the operation is enqueued. before is the
// document without the write, nil for none; the entity may be changed further.
type inTxn func(before json.RawMessage, e *queue.Entity)

// write checks a change and saves it with its operation.
func (c *Collection[T, P]) write(ctx context.Context, id string, ch change[P]) (Written, error) {
	w := queue.Write{Type: ch.kind, Seen: ch.seen}
	if ch.patch != nil {
		patch, problem := c.Clean(*ch.patch, ch.kind == api.Create)
		if problem != nil {
			return Written{}, problem
		}
		data, err := c.cfg.Codec.Encode(patch)
		if err != nil {
			return Written{}, fmt.Errorf("encode the fields: %w", err)
		}
		w.Data = data
	}
	return c.enqueue(ctx, id, w, ch)
}

// enqueue saves a write with its operation, and notifies everybody. Where what it was made
// with has changed meanwhile, which this page may hear of late, it makes it anew.
func (c *Collection[T, P]) enqueue(ctx context.Context, id string, w queue.Write, ch change[P]) (Written, error) {
	names := []string{sync.MetaClient, sync.MetaSkew}
	if ch.restores != nil {
		names = append(names, queue.MetaOutcomes)
	}
	for {
		given, err := c.cfg.Store.Meta(ctx, names...)
		if err != nil {
			return Written{}, fmt.Errorf("read from this device: %w", err)
		}
		w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
		w.Node, w.Skew = stampNode(given[sync.MetaClient]), parseSkew(given[sync.MetaSkew])
		if ch.restores != nil {
			w.Restores = ch.restores.version(given[queue.MetaOutcomes])
		}
		done, err := c.save(ctx, queue.Txn{Refs: []queue.Ref{c.ref(id)}, Given: given}, w, ch.inTxn)
		if !errors.Is(err, queue.ErrStale) {
			return done, err
		}
	}
}

// save saves a write and its operation in one durable transaction.
func (c *Collection[T, P]) save(ctx context.Context, txn queue.Txn, w queue.Write, also inTxn) (Written, error) {
	id := txn.Refs[0].ID
	done, decided := Written{ID: id}, false
	err := c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
		before := es[0].Document()
		if err := es[0].Enqueue(w); err != nil {
			return err
		}
		done.Operation = operationOf(es[0], w.ID)
		if also != nil {
			also(before, es[0])
		}
		decided = true
		return nil
	})
	if errors.Is(err, queue.ErrUncertain) {
		if !decided {
			err = notSaved(err)
		} else if done.Operation != "" || also == nil {
			err = c.verifySaved(ctx, done, err)
		}
	}
	switch {
	case errors.Is(err, queue.ErrUncertain):
		if w.Type == api.Create {
			c.rememberWrite(id, w.Data) // it is asked for only if it was saved
		}
		return done, err
	case err != nil:
		return Written{}, err
	}
	c.rememberWrite(id, w.Data)
	c.notifyEnqueued(id)
	return done, nil
}

// operationOf returns id if a write's operation is in the queue or left it in this
// transaction, and "" if the write changed nothing.
func operationOf(e *queue.Entity, id string) string {
	left := func(o queue.Outcome) bool { return o.ID == id }
	if findOperation(e.Operations, id) != nil || slices.ContainsFunc(e.Outcomes, left) {
		return id
	}
	return ""
}

// verifySaved finds out whether a write was saved after the store could not tell. A read
// waits for earlier transactions, so what it returns is final: a saved operation is in
// the queue or among the outcomes. The error stays queue.ErrUncertain only if the store
// can't be read.
func (c *Collection[T, P]) verifySaved(ctx context.Context, done Written, uncertain error) error {
	if done.Operation == "" {
		return nil // there was nothing to save
	}
	e, err := c.cfg.Store.Entity(ctx, c.ref(done.ID))
	if err != nil {
		return uncertain
	}
	if findOperation(e.Operations, done.Operation) != nil {
		return nil
	}
	meta, err := c.cfg.Store.Meta(ctx, queue.MetaOutcomes)
	if err != nil {
		return uncertain
	}
	if _, left := queue.FindOutcome(meta[queue.MetaOutcomes], done.Operation); left {
		return nil
	}
	return notSaved(uncertain)
}

// notSaved returns the error of a write that is known not to be saved. It keeps the cause
// and drops the uncertainty.
func notSaved(uncertain error) error {
	if errors.Is(uncertain, queue.ErrTimeout) {
		return fmt.Errorf("nothing was saved: %w", queue.ErrTimeout)
	}
	return fmt.Errorf("nothing was saved: %w", queue.ErrClosed)
}

// stampNode is the part of the client id that stamps carry. Before the first round has
// made a client id there is nobody to tie with.
func stampNode(client string) string {
	if len(client) < 8 {
		return "00000000"
	}
	return client[:8]
}

func parseSkew(ms string) time.Duration {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}
