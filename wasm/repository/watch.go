package repository

import (
	"context"
	"errors"
	"reflect"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Snapshot is a record as it was when Watch read it.
type Snapshot[T any] struct {
	Record Record[T]
	Exists bool  // false if neither the device nor the server has the record
	Err    error // why it could not be read; the next change tries again
}

// ListSnapshot is a window of the list as it was when WatchList read it.
type ListSnapshot[T any] struct {
	Page Page[T]
	Err  error // why it could not be read; the next change tries again
}

// Watch sends the record as Get returns it, at once and again after each change to it,
// until ctx ends; then it closes the channel. A receiver that is slow misses versions in
// between, but never the latest. The channel need not be drained.
func (c *Collection[T, P]) Watch(ctx context.Context, id string) <-chan Snapshot[T] {
	return watch(ctx, c.Changes(ctx), func() Snapshot[T] {
		r, err := c.Get(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return Snapshot[T]{}
		}
		return Snapshot[T]{Record: r, Exists: err == nil, Err: err}
	}, func(a, b Snapshot[T]) bool {
		a.Record.reading, b.Record.reading = 0, 0
		return a.Exists == b.Exists && sameError(a.Err, b.Err) && reflect.DeepEqual(a.Record, b.Record)
	})
}

// WatchList sends a window of the list as List returns it. It sends as Watch does.
func (c *Collection[T, P]) WatchList(ctx context.Context, q Query) <-chan ListSnapshot[T] {
	return watch(ctx, c.Changes(ctx), func() ListSnapshot[T] {
		p, err := c.List(ctx, q)
		return ListSnapshot[T]{Page: p, Err: err}
	}, func(a, b ListSnapshot[T]) bool {
		return sameError(a.Err, b.Err) && a.Page.same(b.Page)
	})
}

// sameError reports whether two errors say the same.
func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// Changes notifies that some record, operation or conflict may have changed, in this tab
// or another: the receiver reads again what it shows. See Topic.Subscribe.
func (c *Collection[T, P]) Changes(ctx context.Context) <-chan struct{} { return c.rows.Subscribe(ctx) }

// Refresh notifies the subscribers of Changes on this page, for when the storage works
// again or its contents were replaced.
func (c *Collection[T, P]) Refresh() { c.rows.Notify() }

// watch sends what read returns, at once and after each change that makes a difference.
// A change replaces a value that nobody has received yet.
func watch[V any](ctx context.Context, changes <-chan struct{}, read func() V, same func(a, b V) bool) <-chan V {
	out := make(chan V)
	go func() {
		defer close(out)
		next := read()
		pending := out // nil while the latest value is sent
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case pending <- next:
				pending = nil
			case <-changes:
				if v := read(); !same(v, next) {
					next, pending = v, out
				}
			}
		}
	}()
	return out
}

// Topic notifies its subscribers that something changed. Its zero value has none, and is
// ready to use. It is safe for concurrent use.
type Topic struct {
	mu   stdsync.Mutex
	subs map[chan struct{}]struct{}
}

// Subscribe returns a channel of notifications. It holds at most one, since a receiver
// reads everything again. No more arrive once ctx has ended.
func (t *Topic) Subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	t.mu.Lock()
	if t.subs == nil {
		t.subs = map[chan struct{}]struct{}{}
	}
	t.subs[ch] = struct{}{}
	t.mu.Unlock()
	context.AfterFunc(ctx, func() {
		t.mu.Lock()
		delete(t.subs, ch)
		t.mu.Unlock()
	})
	return ch
}

// Notify notifies all subscribers. It does not block.
func (t *Topic) Notify() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ch := range t.subs {
		sync.TrySend(ch, struct{}{})
	}
}
