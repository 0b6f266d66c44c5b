package sync

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// TakeoverLocks are locks whose Wait is not forever: a holder sends signs of life, and a
// waiter that has received none for Silence takes the lock over. A holder that died loses
// the lock anyway; this is for one that is frozen (a suspended tab keeps its locks) or
// wedged. What such a holder does when it wakes must be harmless: its context has ended,
// and the store refuses its stale fence. All fields but Stolen are required.
type TakeoverLocks struct {
	// Locks are the locks to hold.
	Locks Locks
	// Bus carries the signs of life. If it delivers none, every waiter takes the lock from
	// a holder that is well.
	Bus Bus
	// Clock measures the silence.
	Clock Clock
	// Signs are the messages that count as signs of life. Without any, as without a bus.
	Signs []Kind
	// Silence is how long a waiter waits for a sign. It must be several times the holder's
	// period, or a slow device loses its locks; a long one delays everybody behind a
	// frozen tab.
	Silence time.Duration
	// Stolen, when set, is called when the lock was taken over from a silent holder.
	Stolen func()
}

var _ Locks = TakeoverLocks{}

// Hold implements Locks.
func (l TakeoverLocks) Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error {
	if mode != Wait {
		return l.Locks.Hold(ctx, name, mode, f)
	}
	// The wait ends when the lock is granted, or when its holder is silent; decided says
	// that one of the two has happened. A granted wait must not be cancelled: the lock's
	// context, whose end reports a theft, derives from the wait's.
	var decided atomic.Bool
	granted := false
	waiting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	watching, stopWatching := context.WithCancel(waiting)
	defer stopWatching()
	go func() {
		if l.awaitSilence(watching) && decided.CompareAndSwap(false, true) {
			giveUp(errSilent)
		}
	}()
	err := l.Locks.Hold(waiting, name, Wait, func(holding context.Context) error {
		if granted = decided.CompareAndSwap(false, true); !granted {
			return errSilent // granted just as the wait was given up: take it over instead
		}
		stopWatching()
		return f(holding)
	})
	if granted || !errors.Is(context.Cause(waiting), errSilent) {
		return err
	}
	return l.Locks.Hold(ctx, name, Steal, func(ctx context.Context) error {
		if l.Stolen != nil {
			l.Stolen()
		}
		return f(ctx)
	})
}

var errSilent = errors.New("the holder of the lock is silent")

// awaitSilence waits until there was no sign of life for Silence, and returns true; or
// false when ctx ends.
func (l TakeoverLocks) awaitSilence(ctx context.Context) bool {
	signs := make(chan struct{}, 1)
	defer l.Bus.Subscribe(func(m Message) {
		if slices.Contains(l.Signs, m.Kind) {
			TrySend(signs, struct{}{})
		}
	})()
	return awaitSilence(ctx.Done(), signs, l.Clock, l.Silence)
}

// silenceParts is the number of parts in which a silence is counted.
const silenceParts = 4

// awaitSilence waits until there was no sign for so long, and returns true; or false when
// over is closed. It counts in parts: a waiter that slept takes at most one part of its
// sleep for silence, and then receives the signs that have piled up.
func awaitSilence(over, signs <-chan struct{}, clock Clock, silence time.Duration) bool {
	for n := 0; n < silenceParts; {
		select {
		case <-over:
			return false
		case <-signs:
			n = 0
		case <-clock.After(silence / silenceParts):
			n++
		}
	}
	return true
}
