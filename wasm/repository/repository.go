// Package repository is the one door for a user interface: Get, Watch, List,
// Create, Update and Delete of one type of record, all answered from the device,
// with the engine working behind. A write returns once it is durable together
// with its operation; the network is never waited for, except by Get of a
// record that isn't on the device and by SyncAll.
package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Fetcher asks the server for one entity as it is now; sync.HTTPRemote is one.
type Fetcher interface {
	Fetch(ctx context.Context, ref queue.Ref) (api.Change, error)
}

// Codec translates records of type T and patches of type P.
type Codec[T, P any] struct {
	Decode func(document json.RawMessage) (T, error)
	Encode func(patch P) (json.RawMessage, error) // the fields that are set
	// Clean returns the patch as it is stored, and what is wrong with it: nil for nothing.
	Clean func(patch P, create bool) (P, *api.Problem)
	// Whole is the patch that sets every field of a record.
	Whole func(record T) P
}

// Config is what a Collection is made of.
type Config[T, P any] struct {
	Store  Store
	Bus    sync.Bus
	Remote Fetcher // nil: nothing is ever fetched in passing
	Schema queue.Schema
	Codec  Codec[T, P]
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
	NewID  func() string // a new UUID for a record, in no order: buckets are by its beginning
	// NewOperationID is NewID for an operation, best in the order of time (version 7 of
	// RFC 9562): the server then keeps what it remembers of operations side by side. It is
	// NewID when it is nil.
	NewOperationID func() string
	// Go, when set, runs what happens behind the caller's back; else it is a
	// goroutine.
	Go func(func())
	// Queued, when set, is called after each durable write, to have the browser
	// call for a sync when no tab is open any more. It must not block.
	Queued func()
}

// refreshAfter is how old an answer for one record may be before Get asks the
// server again in the background.
const refreshAfter = 15 * time.Second

// Collection is the records of one type. It is safe for concurrent use.
type Collection[T, P any] struct {
	cfg     Config[T, P]
	rows    *topic
	status  *topic
	mu      stdsync.Mutex
	latest  sync.Status
	fetched map[string]time.Time
	deleted map[string]deletion // by id, for Restore
	stop    func()
}

// New returns a collection that listens to the bus until Close.
func New[T, P any](cfg Config[T, P]) *Collection[T, P] {
	if cfg.Go == nil {
		cfg.Go = func(f func()) { go f() }
	}
	if cfg.NewOperationID == nil {
		cfg.NewOperationID = cfg.NewID
	}
	c := &Collection[T, P]{cfg: cfg, rows: newTopic(), status: newTopic(), fetched: map[string]time.Time{}, deleted: map[string]deletion{}}
	c.stop = cfg.Bus.Subscribe(c.hear)
	cfg.Bus.Publish(sync.Message{Kind: sync.StatusRequest})
	return c
}

// Close ends listening.
func (c *Collection[T, P]) Close() { c.stop() }

func (c *Collection[T, P]) hear(m sync.Message) {
	switch m.Kind {
	case sync.RowsChanged, sync.Enqueued:
		c.rows.tell()
	case sync.StatusChanged:
		if m.Status == nil {
			return
		}
		c.mu.Lock()
		synced := c.latest.SyncedAt
		c.latest = *m.Status
		if c.latest.SyncedAt.IsZero() { // who has just begun, or can't, does not know
			c.latest.SyncedAt = synced
		}
		c.mu.Unlock()
		c.status.tell()
	case sync.WorkerAlive:
		// What the host said is still so, unless a page said it in its place. Nobody is
		// told: nothing has changed.
		c.mu.Lock()
		p := c.latest.Problem
		if !c.latest.At.IsZero() && (p == nil || p.Code != sync.CodeNoWorker) {
			c.latest.At = c.cfg.Now().UTC()
		}
		c.mu.Unlock()
	}
}

func (c *Collection[T, P]) ref(id string) queue.Ref {
	return queue.Ref{Type: c.cfg.Schema.Type, ID: id}
}

// Get returns a record from the device, and has it refreshed in the background;
// one that isn't there is asked of the server. ErrNotFound when neither has it or
// its deletion waits to be sent, ErrNotReachable when the server can't be asked.
func (c *Collection[T, P]) Get(ctx context.Context, id string) (Record[T], error) {
	e, err := c.cfg.Store.Entity(ctx, c.ref(id))
	if err != nil {
		return Record[T]{}, fmt.Errorf("read from this device: %w", err)
	}
	if view, ok := e.View(); ok {
		if c.stale(id) {
			c.cfg.Go(func() { c.refresh(context.WithoutCancel(ctx), id) })
		}
		return c.record(view)
	}
	if len(e.Operations) > 0 || c.cfg.Remote == nil {
		return Record[T]{}, ErrNotFound
	}
	view, err := c.fetch(ctx, id)
	if err != nil {
		return Record[T]{}, err
	}
	return c.record(view)
}

// stale reports whether a record is to be asked for again, and notes that it is.
func (c *Collection[T, P]) stale(id string) bool {
	if c.cfg.Remote == nil {
		return false
	}
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.fetched[id]; ok && now.Sub(at) < refreshAfter && !now.Before(at) {
		return false
	}
	if len(c.fetched) > 1000 {
		clear(c.fetched)
	}
	c.fetched[id] = now
	return true
}

// refresh is best effort: the feed brings the same news a little later.
func (c *Collection[T, P]) refresh(ctx context.Context, id string) {
	if _, err := c.fetch(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		c.mu.Lock()
		delete(c.fetched, id)
		c.mu.Unlock()
	}
}

// fetch asks the server for a record and stores the answer if it is news. When
// the feed has moved on meanwhile, the answer is shown and not stored: it may be
// older than a deletion the feed has brought, which the feed won't bring again.
func (c *Collection[T, P]) fetch(ctx context.Context, id string) (queue.View, error) {
	given, err := c.cfg.Store.Meta(ctx, sync.MetaCursor, sync.MetaGeneration)
	if err != nil {
		return queue.View{}, fmt.Errorf("read from this device: %w", err)
	}
	change, err := c.cfg.Remote.Fetch(ctx, c.ref(id))
	if err != nil {
		return queue.View{}, fmt.Errorf("%w (%w)", ErrNotReachable, err)
	}
	if change.Deleted {
		return queue.View{}, ErrNotFound // the feed brings the tombstone
	}
	var view queue.View
	var visible, changed bool
	txn := queue.Txn{Refs: []queue.Ref{c.ref(id)}, Given: given, Relaxed: true}
	if given[sync.MetaCursor] == "" && given[sync.MetaGeneration] != "" {
		// The feed is being read from its beginning: what it does not bring goes
		// away, and this must not pass for something it brought.
		return c.unsaved(change), nil
	}
	err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
		e := es[0]
		if changed = e.Confirmed == nil || e.Confirmed.Version < change.Version; changed {
			e.Confirm(&queue.Row{Version: change.Version, Stamp: change.Stamp, Document: change.Document, SyncedAt: c.cfg.Now().UTC()})
		}
		view, visible = e.View()
		return nil
	})
	switch {
	case errors.Is(err, queue.ErrStale):
		return c.unsaved(change), nil
	case err != nil:
		return queue.View{}, fmt.Errorf("save on this device: %w", err)
	case !visible:
		return queue.View{}, ErrNotFound
	case changed:
		c.announce(id)
	}
	return view, nil
}

// unsaved is what the server has, shown without being kept.
func (c *Collection[T, P]) unsaved(change api.Change) queue.View {
	return queue.View{
		Ref: c.ref(change.EntityID), Document: change.Document, Version: change.Version, SyncedAt: c.cfg.Now().UTC(),
	}
}

func (c *Collection[T, P]) announce(id string) {
	c.rows.tell()
	c.cfg.Bus.Publish(sync.Message{Kind: sync.RowsChanged, Refs: []queue.Ref{c.ref(id)}})
}

func (c *Collection[T, P]) record(v queue.View) (Record[T], error) {
	value, err := c.cfg.Codec.Decode(v.Document)
	if err != nil {
		return Record[T]{}, fmt.Errorf("decode %s %s: %w", v.Ref.Type, v.Ref.ID, err)
	}
	return Record[T]{ID: v.Ref.ID, Value: value, Version: v.Version, State: v.State, SyncedAt: v.SyncedAt}, nil
}

// List returns a window of the visible records in the list's order. A record
// that can't be decoded is shown empty rather than hiding all others.
func (c *Collection[T, P]) List(ctx context.Context, q Query) (Page[T], error) {
	rows, err := c.cfg.Store.Rows(ctx, Window{
		Type: c.cfg.Schema.Type, Search: strings.ToLower(strings.TrimSpace(q.Search)),
		From: q.From, Skip: q.Skip, Limit: q.Limit,
	})
	if err != nil {
		return Page[T]{}, fmt.Errorf("read the list from this device: %w", err)
	}
	page := Page[T]{Keys: rows.Keys, Total: rows.Total, Records: make([]Record[T], 0, len(rows.Views))}
	for _, v := range rows.Views {
		r, err := c.record(v)
		if err != nil {
			r = Record[T]{ID: v.Ref.ID, Version: v.Version, State: v.State, SyncedAt: v.SyncedAt}
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

// Changes tells that some record, operation or conflict may have changed, in
// this tab or another; it holds at most one unread tell and ends with ctx.
func (c *Collection[T, P]) Changes(ctx context.Context) <-chan struct{} { return c.rows.subscribe(ctx) }

// Refresh makes everybody on this page read again: the device may hold something
// else now, or can be read again.
func (c *Collection[T, P]) Refresh() { c.rows.tell() }

// Watch sends the record now and after each change to it, until ctx ends; the
// channel is then closed. A record that goes away is sent with Gone set.
func (c *Collection[T, P]) Watch(ctx context.Context, id string) <-chan Snapshot[T] {
	return watch(ctx, c.Changes(ctx), func(ctx context.Context) Snapshot[T] {
		r, err := c.Get(ctx, id)
		return Snapshot[T]{Record: r, Gone: errors.Is(err, ErrNotFound), Err: err}
	})
}

// WatchList sends a window of the list now and after each change, until ctx ends.
func (c *Collection[T, P]) WatchList(ctx context.Context, q Query) <-chan ListSnapshot[T] {
	return watch(ctx, c.Changes(ctx), func(ctx context.Context) ListSnapshot[T] {
		p, err := c.List(ctx, q)
		return ListSnapshot[T]{Page: p, Err: err}
	})
}

// Clean returns the patch as Create (with create set) or Update would save it, and the
// problem they would refuse it with, nil for none. It is how a form shows what is wrong
// before the person saves.
func (c *Collection[T, P]) Clean(patch P, create bool) (P, *api.Problem) {
	return c.cfg.Codec.Clean(patch, create)
}

// Create saves a new record under a new id. It and the three below return once
// the write and its operation are durable on this device; Await tells how it went
// at the server. After queue.ErrUncertain the result is good for Await, too: it
// says whether the write was saved.
func (c *Collection[T, P]) Create(ctx context.Context, patch P) (Written, error) {
	id := c.cfg.NewID()
	return c.CreateAs(ctx, id, patch)
}

// NewID is an id for CreateAs.
func (c *Collection[T, P]) NewID() string { return c.cfg.NewID() }

// CreateAs is Create under an id of the caller's, who may call it again when the
// first call could not say whether it saved: what that one made is then updated,
// and never made twice.
func (c *Collection[T, P]) CreateAs(ctx context.Context, id string, patch P) (Written, error) {
	done, err := c.write(ctx, id, change[P]{kind: api.Create, patch: &patch})
	if errors.Is(err, queue.ErrExists) {
		return c.Update(ctx, id, patch)
	}
	return done, err
}

// Update saves the changed fields of a record.
func (c *Collection[T, P]) Update(ctx context.Context, id string, patch P) (Written, error) {
	return c.write(ctx, id, change[P]{kind: api.Update, patch: &patch})
}

// Delete removes a record.
func (c *Collection[T, P]) Delete(ctx context.Context, id string) (Written, error) {
	var gone deletion
	written, err := c.write(ctx, id, change[P]{kind: api.Delete, saved: func(before json.RawMessage, e *queue.Entity) {
		gone = deletion{document: before, tombstone: e.Tombstone()}
	}})
	if err == nil {
		c.remember(id, gone)
	}
	return written, err
}

// Restore brings back a record deleted a moment ago, as it was then. What the caller
// has seen of it, was, may be older: a write of it was under way, or the list had not
// been read again since. It only counts for a record that this page has not deleted.
func (c *Collection[T, P]) Restore(ctx context.Context, was Record[T]) (Written, error) {
	restores := was.Version + 1
	if gone, ok := c.recall(was.ID); ok {
		value, err := c.cfg.Codec.Decode(gone.document)
		if err != nil {
			return Written{}, fmt.Errorf("decode %s as it was deleted: %w", was.ID, err)
		}
		was.Value, restores = value, gone.tombstone
	}
	patch := c.cfg.Codec.Whole(was.Value)
	return c.write(ctx, was.ID, change[P]{kind: api.Create, patch: &patch, restores: restores})
}

// deletion is what a delete took away, and the version that it made or will make.
type deletion struct {
	document  json.RawMessage
	tombstone int64
}

// maxDeleted bounds what is remembered of deletions.
const maxDeleted = 1000

func (c *Collection[T, P]) remember(id string, gone deletion) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.deleted) >= maxDeleted {
		clear(c.deleted)
	}
	c.deleted[id] = gone
}

func (c *Collection[T, P]) recall(id string) (deletion, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone, ok := c.deleted[id]
	return gone, ok
}

// change is a write as the caller of a collection means it.
type change[P any] struct {
	kind     api.OperationType
	patch    *P
	restores int64
	saved    also // may be nil
}

// also sees what an entity was before a write, nil for nothing, and the entity as it is
// saved; it may change that further in the same transaction.
type also func(before json.RawMessage, e *queue.Entity)

// write checks and saves a write with its operation, durably, and has it synced.
func (c *Collection[T, P]) write(ctx context.Context, id string, ch change[P]) (Written, error) {
	w := queue.Write{Type: ch.kind, Restores: ch.restores}
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
	return c.enqueue(ctx, id, w, ch.saved)
}

// enqueue adds a write to the record's operations.
func (c *Collection[T, P]) enqueue(ctx context.Context, id string, w queue.Write, also also) (Written, error) {
	meta, err := c.cfg.Store.Meta(ctx, sync.MetaClient, sync.MetaSkew)
	if err != nil {
		return Written{}, fmt.Errorf("read from this device: %w", err)
	}
	w.ID, w.At = c.cfg.NewOperationID(), c.cfg.Now()
	w.Node, w.Skew = node(meta[sync.MetaClient]), skew(meta[sync.MetaSkew])
	done, decided := Written{ID: id}, false
	err = c.cfg.Store.Update(ctx, queue.Txn{Refs: []queue.Ref{c.ref(id)}}, func(es []*queue.Entity) error {
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
			err = errUnsaved(err)
		} else if done.Operation != "" || also == nil {
			err = c.ascertain(ctx, done, err)
		}
	}
	switch {
	case errors.Is(err, queue.ErrUncertain):
		return done, err
	case err != nil:
		return Written{}, err
	}
	c.queued(id)
	return done, nil
}

// operationOf is the id of the operation that a write has become part of: its
// own, unless it changed nothing.
func operationOf(e *queue.Entity, id string) string {
	if named(e.Operations, id) != nil {
		return id
	}
	for _, f := range e.Outcomes {
		if f.ID == id {
			return id
		}
	}
	return ""
}

// queued tells everybody that there is something to send.
func (c *Collection[T, P]) queued(id string) {
	c.announce(id)
	c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued})
	if c.cfg.Queued != nil {
		c.cfg.Queued()
	}
}

// node is the part of the client id that stamps carry; before the first round
// has made one there is nobody to tie with.
func node(client string) string {
	if len(client) < 8 {
		return "00000000"
	}
	return client[:8]
}

func skew(ms string) time.Duration {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}
