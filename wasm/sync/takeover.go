package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Periods of the round lock's heartbeat.
const (
	BeatEvery  = 2 * time.Second
	StealAfter = 8 * time.Second
	// StuckAfter is how long a round may go without progress before it is stopped:
	// longer than any request or transaction may take. One that does not return
	// within StuckGrace is left to itself.
	StuckAfter = 45 * time.Second
	StuckGrace = 6 * time.Second
)

// Errors of a round that got stuck.
var (
	ErrStuck     = fmt.Errorf("it made no progress for %v and was stopped", StuckAfter)
	ErrAbandoned = errors.New("it made no progress, would not stop, and was left behind")
)

// TakeoverLocks are locks whose Wait is not forever: a holder gives signs of life, and
// a waiter that has heard none for Silence takes the lock over. A holder that died
// has lost the lock anyway; this is for one that is frozen (a suspended tab keeps
// its locks) or wedged. Whatever such a holder does when it wakes must be harmless:
// it finds its context ended, and the store refuses a stale fence.
//
// Silence is counted in parts: a waiter that slept itself takes at most one of
// them for the holder's, and then hears what has piled up.
type TakeoverLocks struct {
	Locks   Locks
	Bus     Bus
	Clock   Clock
	Signs   []Kind
	Silence time.Duration
	// Stolen, when set, is called when the lock is taken over from a silent holder.
	Stolen func()
}

var _ Locks = TakeoverLocks{}

// RoundLocks are the locks of rounds: patient, with holders that beat while they
// get on and are stopped when they don't.
func RoundLocks(locks Locks, bus Bus, clock Clock, incidents *IncidentLog) Locks {
	return watched{
		TakeoverLocks: TakeoverLocks{
			Locks: locks, Bus: bus, Clock: clock, Signs: []Kind{Heartbeat}, Silence: StealAfter,
			Stolen: func() { incidents.Note("A sync elsewhere stood still; this one took over") },
		},
		incidents: incidents,
	}
}

// Hold implements Locks.
func (p TakeoverLocks) Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error {
	if mode != Wait {
		return p.Locks.Hold(ctx, name, mode, f)
	}
	// The wait ends in one of two ways: the lock is granted, or given up for silent.
	// It must not be ended once the lock is granted: the context that the lock
	// gives, which tells of a theft, is the wait's own.
	var settled atomic.Bool
	granted := false
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watching, enough := context.WithCancel(waiting)
	defer enough()
	go p.watch(watching, func() {
		if settled.CompareAndSwap(false, true) {
			stop(errSilent)
		}
	})
	err := p.Locks.Hold(waiting, name, Wait, func(holding context.Context) error {
		if granted = settled.CompareAndSwap(false, true); !granted {
			return errSilent // it comes just as it is given up: take it as one that is silent
		}
		enough()
		return f(holding)
	})
	if granted || !errors.Is(context.Cause(waiting), errSilent) {
		return err
	}
	return p.Locks.Hold(ctx, name, Steal, func(ctx context.Context) error {
		if p.Stolen != nil {
			p.Stolen()
		}
		return f(ctx)
	})
}

var errSilent = errors.New("the holder of the lock is silent")

// silenceParts is in how many parts a silence is counted.
const silenceParts = 4

// watch calls silent when no sign of life is heard for Silence.
func (p TakeoverLocks) watch(ctx context.Context, silent func()) {
	heard := make(chan struct{}, 1)
	defer p.Bus.Subscribe(func(m Message) {
		for _, k := range p.Signs {
			if m.Kind == k {
				TrySend(heard, struct{}{})
			}
		}
	})()
	for n := 0; n < silenceParts; {
		select {
		case <-ctx.Done():
			return
		case <-heard:
			n = 0
		case <-p.Clock.After(p.Silence / silenceParts):
			n++
		}
	}
	silent()
}

// watched are locks whose holders are watched.
type watched struct {
	TakeoverLocks
	incidents *IncidentLog
}

// Hold implements Locks.
func (w watched) Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error {
	return w.TakeoverLocks.Hold(ctx, name, mode, func(ctx context.Context) error { return w.holding(ctx, f) })
}

// holding runs f and beats while it gets on. Without progress for StuckAfter it is
// stopped; when it ignores that, too, it is left to itself with ErrAbandoned, so
// that the lock is free. What it does later is fenced off.
func (w watched) holding(ctx context.Context, f func(context.Context) error) error {
	m := &meter{}
	work, stop := context.WithCancelCause(context.WithValue(ctx, meterKey{}, m))
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- f(work) }()
	for stuck := false; ; {
		w.Bus.Publish(Message{Kind: Heartbeat})
		select {
		case err := <-done:
			if err != nil && stuck {
				return ErrStuck
			}
			return err
		case <-w.Clock.After(BeatEvery):
		}
		switch pulse(m.idle(BeatEvery)) {
		case stopping:
			if !stuck {
				stuck = true
				w.incidents.Note("A sync made no progress for 45 seconds and was stopped")
				stop(ErrStuck)
			}
		case gone:
			return ErrAbandoned
		}
	}
}

// pulse is how a holder stands that has not got on for so long.
func pulse(idle time.Duration) standing {
	switch {
	case idle < StuckAfter:
		return well
	case idle < StuckAfter+StuckGrace:
		return stopping
	}
	return gone
}

type standing int

const (
	well standing = iota
	stopping
	gone
)

// meter measures how long something has not got on, by the ticks of who looks: the
// device's clock may jump, and it may sleep.
type meter struct {
	moved atomic.Bool
	since time.Duration
}

func (m *meter) idle(tick time.Duration) time.Duration {
	m.since += tick
	if m.moved.Swap(false) {
		m.since = 0
	}
	return m.since
}

type meterKey struct{}

// ReportProgress says that the round under way on ctx has got on: a request or a
// transaction of it has ended, well or not. A store calls it in a method that does
// many transactions.
func ReportProgress(ctx context.Context) {
	if m, ok := ctx.Value(meterKey{}).(*meter); ok {
		m.moved.Store(true)
	}
}
