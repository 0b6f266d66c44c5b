package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Errors of Get.
var (
	// ErrNotFound means that neither the device nor the server has the record.
	ErrNotFound = errors.New("not found")
	// ErrNotReachable means that the record is not on this device and the server could
	// not be asked.
	ErrNotReachable = errors.New("not on this device, and the server can't be reached")
)

// Record is a visible row, decoded.
type Record[T any] struct {
	ID       string
	Value    T
	Version  int64
	State    queue.RowState
	SyncedAt time.Time // zero until the server has confirmed it

	reading int64 // of the collection that read it: see Collection.seen
}

// refreshAfter is how old a fetched record may be before Get refreshes it in the
// background.
const refreshAfter = 15 * time.Second

// maxFetched bounds what is remembered of fetches.
const maxFetched = 1000

// Get returns a record from the device and refreshes it in the background. A record that
// is not on the device is fetched from the server. The error is ErrNotFound if neither
// has it or its deletion is pending, and ErrNotReachable if the server can't be asked.
func (c *Collection[T, P]) Get(ctx context.Context, id string) (Record[T], error) {
	reading := c.reading()
	e, err := c.cfg.Store.Entity(ctx, c.ref(id))
	if err != nil {
		return Record[T]{}, fmt.Errorf("read from this device: %w", err)
	}
	if view, ok := e.View(); ok {
		if c.needsRefresh(id) {
			c.cfg.Go(func() { c.refresh(context.WithoutCancel(ctx), id) })
		}
		return c.record(view, reading)
	}
	if len(e.Operations) > 0 || c.cfg.Remote == nil {
		return Record[T]{}, ErrNotFound
	}
	view, err := c.fetch(ctx, id)
	if err != nil {
		return Record[T]{}, err
	}
	return c.record(view, reading)
}

// needsRefresh reports whether a record is due for a refresh, and if so records that it
// is being refreshed.
func (c *Collection[T, P]) needsRefresh(id string) bool {
	if c.cfg.Remote == nil {
		return false
	}
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.fetched[id]; ok && now.Sub(at) < refreshAfter && !now.Before(at) {
		return false
	}
	if len(c.fetched) > maxFetched {
		clear(c.fetched)
	}
	c.fetched[id] = now
	return true
}

// refresh is best effort: the feed brings the same change a little later.
func (c *Collection[T, P]) refresh(ctx context.Context, id string) {
	if _, err := c.fetch(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		c.mu.Lock()
		delete(c.fetched, id)
		c.mu.Unlock()
	}
}

// fetch fetches a record from the server and saves it if it says something new. If meanwhile the
// feed has advanced or an operation has left the queue, the record is returned without being
// saved: it may be older than a deletion that came with that and will not come again.
func (c *Collection[T, P]) fetch(ctx context.Context, id string) (queue.View, error) {
	given, err := c.cfg.Store.Meta(ctx, sync.MetaCursor, sync.MetaGeneration, queue.MetaOutcomes)
	if err != nil {
		return queue.View{}, fmt.Errorf("read from this device: %w", err)
	}
	change, err := c.cfg.Remote.Fetch(ctx, c.ref(id))
	if err != nil {
		return queue.View{}, fmt.Errorf("%w (%w)", ErrNotReachable, err)
	}
	if change.Deleted {
		return queue.View{}, ErrNotFound // the feed delivers the tombstone
	}
	var view queue.View
	var visible, changed bool
	txn := queue.Txn{Refs: []queue.Ref{c.ref(id)}, Given: given, Relaxed: true}
	if given[sync.MetaCursor] == "" && given[sync.MetaGeneration] != "" {
		// A resync is under way. It removes the rows that the feed does not mention, and a
		// row saved here would pass for one that it does.
		return c.unsavedView(change), nil
	}
	err = c.cfg.Store.Update(ctx, txn, func(es []*queue.Entity) error {
		e := es[0]
		if changed = !(sync.Page{}).Skips(e.Confirmed, change); changed {
			e.Confirm(&queue.Row{Version: change.Version, Stamp: change.Stamp, Document: change.Document, SyncedAt: c.cfg.Now().UTC()})
		}
		view, visible = e.View()
		return nil
	})
	switch {
	case errors.Is(err, queue.ErrStale):
		return c.unsavedView(change), nil
	case err != nil:
		return queue.View{}, fmt.Errorf("save on this device: %w", err)
	case !visible:
		return queue.View{}, ErrNotFound
	case changed:
		c.notifyChanged(id)
	}
	return view, nil
}

// unsavedView is the view of a fetched entity that is not saved.
func (c *Collection[T, P]) unsavedView(change api.Change) queue.View {
	return queue.View{
		Ref: c.ref(change.EntityID), Document: change.Document, Version: change.Version, SyncedAt: c.cfg.Now().UTC(),
	}
}

func (c *Collection[T, P]) record(v queue.View, reading int64) (Record[T], error) {
	value, err := c.cfg.Codec.Decode(v.Document)
	if err != nil {
		return Record[T]{}, fmt.Errorf("decode %s %s: %w", v.Ref.Type, v.Ref.ID, err)
	}
	return Record[T]{ID: v.Ref.ID, Value: value, Version: v.Version, State: v.State, SyncedAt: v.SyncedAt, reading: reading}, nil
}
