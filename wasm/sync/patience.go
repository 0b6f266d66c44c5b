package sync

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Periods of the round lock's heartbeat.
const (
	BeatEvery  = 2 * time.Second
	StealAfter = 8 * time.Second
)

// Patient are locks whose Wait is not forever: a holder beats while it is alive,
// and a waiter that has heard no beat for StealAfter takes the lock over. A
// holder that died has lost the lock anyway; this is for one that is frozen (a
// suspended tab keeps its locks). Whatever a frozen holder does when it wakes is
// refused by the store, because its fence is stale.
type Patient struct {
	Locks Locks
	Bus   Bus
	Clock Clock
}

var _ Locks = Patient{}

// Hold implements Locks.
func (p Patient) Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error {
	held := func(ctx context.Context) error { return p.beating(ctx, f) }
	if mode != Wait {
		return p.Locks.Hold(ctx, name, mode, held)
	}
	started := false
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go p.watch(waiting, stop)
	err := p.Locks.Hold(waiting, name, Wait, func(inner context.Context) error {
		started = true
		stop(nil) // nothing to wait for any more
		return held(rebase(inner, ctx))
	})
	if started || !errors.Is(context.Cause(waiting), errSilent) {
		return err
	}
	return p.Locks.Hold(ctx, name, Steal, held)
}

var errSilent = errors.New("the holder of the lock is silent")

// watch ends a wait when no beat is heard for StealAfter.
func (p Patient) watch(ctx context.Context, stop context.CancelCauseFunc) {
	heard := make(chan struct{}, 1)
	defer p.Bus.Subscribe(func(m Message) {
		if m.Kind == Beat {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	})()
	for {
		select {
		case <-ctx.Done():
			return
		case <-heard:
		case <-p.Clock.After(StealAfter):
			stop(errSilent)
			return
		}
	}
}

// beating runs f and beats until it returns.
func (p Patient) beating(ctx context.Context, f func(context.Context) error) error {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			p.Bus.Publish(Message{Kind: Beat})
			select {
			case <-done:
				return
			case <-p.Clock.After(BeatEvery):
			}
		}
	})
	defer wait.Wait()
	defer close(done)
	return f(ctx)
}

// rebase gives f a context that ends with the lock's own (it was stolen) but not
// with the wait that led to it.
func rebase(lock, parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	context.AfterFunc(lock, func() {
		if cause := context.Cause(lock); errors.Is(cause, ErrStolen) {
			cancel(cause)
		}
	})
	return ctx
}
