package repository

import (
	"context"
	stdsync "sync"
)

// Snapshot is a record as Watch saw it: Gone when it doesn't exist (any more).
type Snapshot[T any] struct {
	Record Record[T]
	Gone   bool
	Err    error
}

// Listing is a window as WatchList saw it.
type ListSnapshot[T any] struct {
	Page Page[T]
	Err  error
}

// watch sends what read returns now and after each tell until ctx ends.
func watch[V any](ctx context.Context, tells <-chan struct{}, read func(context.Context) V) <-chan V {
	out := make(chan V)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case out <- read(ctx):
			}
			select {
			case <-ctx.Done():
				return
			case <-tells:
			}
		}
	}()
	return out
}

// topic tells its subscribers that something changed; each holds at most one
// unread tell, since who hears it re-reads everything.
type topic struct {
	mu   stdsync.Mutex
	subs map[chan struct{}]struct{}
}

func newTopic() *topic { return &topic{subs: map[chan struct{}]struct{}{}} }

func (t *topic) subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	t.mu.Lock()
	t.subs[ch] = struct{}{}
	t.mu.Unlock()
	context.AfterFunc(ctx, func() {
		t.mu.Lock()
		delete(t.subs, ch)
		t.mu.Unlock()
	})
	return ch
}

func (t *topic) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ch := range t.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
