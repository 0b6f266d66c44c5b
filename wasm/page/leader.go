//go:build js && wasm

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall/js"
	"time"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/sync"
)

// leaderLock is held by the tab whose dedicated worker runs the engine.
const leaderLock = "rollcall-leader"

// Bounds of the leader's watch over its worker.
const (
	askEvery  = 15 * time.Second // for a sign of life
	silentFor = 50 * time.Second // before the worker is taken for dead: longer than any request
	restart   = 2 * time.Second  // pause before the next worker
)

// leader waits to be the leading tab and then keeps the engine's dedicated
// worker running: one that fails or falls silent is ended and replaced.
type leader struct {
	bus     sync.Bus
	leading atomic.Bool
	starts  atomic.Int64
	failure atomic.Value // string: why the last worker ended
}

func (l *leader) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := browser.WebLocks{}.Hold(ctx, leaderLock, sync.Wait, func(ctx context.Context) error {
			l.leading.Store(true)
			defer l.leading.Store(false)
			for ctx.Err() == nil {
				l.failure.Store(l.work(ctx).Error())
				<-time.After(restart)
			}
			return context.Cause(ctx)
		})
		if err != nil {
			l.failure.Store(err.Error())
		}
		<-time.After(restart)
	}
}

// work runs one worker to its end and says why it ended.
func (l *leader) work(ctx context.Context) error {
	l.starts.Add(1)
	alive, failed := make(chan struct{}, 1), make(chan error, 1)
	defer l.bus.Subscribe(func(m sync.Message) {
		fromWorker := m.Kind == sync.StatusNews && m.Status != nil && m.Status.Host == "worker"
		if fromWorker || m.Kind == sync.Beat {
			offer(alive, struct{}{})
		}
	})()
	worker := js.Global().Get("Worker").New(js.Global().Get("rollcall").Get("workerURL"), map[string]any{"name": "rollcall-engine"})
	defer worker.Call("terminate")
	defer browser.Listen(worker, "message", func(e js.Value) {
		if d := e.Get("data"); d.Type() == js.TypeObject && d.Get("type").String() == "failed" {
			offer(failed, errors.New(d.Get("reason").String()))
		}
	})()
	defer browser.Listen(worker, "error", func(js.Value) {
		offer(failed, errors.New("the sync worker could not be loaded"))
	})()
	return l.watch(ctx, alive, failed)
}

// watch returns when the worker has failed or gives no sign of life any more.
func (l *leader) watch(ctx context.Context, alive chan struct{}, failed chan error) error {
	for silent := time.Duration(0); silent < silentFor; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			return err
		case <-alive:
			silent = 0
		case <-time.After(askEvery):
			silent += askEvery
			l.bus.Publish(sync.Message{Kind: sync.AskStatus})
		}
	}
	return errors.New("the sync worker fell silent")
}

func offer[V any](ch chan V, v V) {
	select {
	case ch <- v:
	default:
	}
}
