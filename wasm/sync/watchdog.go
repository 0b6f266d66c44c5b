package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Periods of the round lock's heartbeat and watchdog.
const (
	// BeatEvery is the period of the heartbeat.
	BeatEvery = 2 * time.Second
	// StealAfter is how long a waiter waits for a heartbeat.
	StealAfter = 8 * time.Second
	// StuckAfter is how long a round may make no progress before it is stopped. It is
	// longer than any request or transaction may take.
	StuckAfter = 45 * time.Second
	// StuckGrace is how long a stopped round may take to return before it is abandoned.
	StuckGrace = 6 * time.Second
)

// Errors of a round that got stuck.
var (
	ErrStuck     = fmt.Errorf("it made no progress for %v and was stopped", StuckAfter)
	ErrAbandoned = errors.New("it made no progress, did not stop, and was abandoned")
)

// RoundLocks are the locks of rounds. Waiters take over from a silent holder; a holder
// sends heartbeats while it makes progress, and is stopped when it makes none.
func RoundLocks(locks Locks, bus Bus, clock Clock, incidents *IncidentLog) Locks {
	return watchdogLocks{
		TakeoverLocks: TakeoverLocks{
			Locks: locks, Bus: bus, Clock: clock, Signs: []Kind{Heartbeat}, Silence: StealAfter,
			Stolen: func() { incidents.Note("A sync elsewhere stood still; this one took over") },
		},
		incidents: incidents,
	}
}

// watchdogLocks watch their holders.
type watchdogLocks struct {
	TakeoverLocks
	incidents *IncidentLog
}

// Hold implements Locks.
func (l watchdogLocks) Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error {
	return l.TakeoverLocks.Hold(ctx, name, mode, func(ctx context.Context) error { return l.watch(ctx, f) })
}

// watch runs f and publishes a heartbeat while f makes progress. Without progress for
// StuckAfter it cancels f. When f ignores that, too, it abandons f and returns
// ErrAbandoned, so that the lock is free; the fence stops what f does later.
func (l watchdogLocks) watch(ctx context.Context, f func(context.Context) error) error {
	p := &progress{}
	work, stop := context.WithCancelCause(context.WithValue(ctx, progressKey{}, p))
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- f(work) }()
	for stuck := false; ; {
		l.Bus.Publish(Message{Kind: Heartbeat})
		select {
		case err := <-done:
			if err != nil && stuck {
				return ErrStuck
			}
			return err
		case <-l.Clock.After(BeatEvery):
		}
		switch idle := p.idle(BeatEvery); {
		case idle >= StuckAfter+StuckGrace:
			return ErrAbandoned
		case idle >= StuckAfter && !stuck:
			stuck = true
			l.incidents.Note("A sync made no progress for 45 seconds and was stopped")
			stop(ErrStuck)
		}
	}
}

// progress measures for how long something has made none. It counts the watcher's ticks,
// because the device's clock may jump and the device may sleep.
type progress struct {
	made  atomic.Bool // since the last tick
	since time.Duration
}

func (p *progress) idle(tick time.Duration) time.Duration {
	p.since += tick
	if p.made.Swap(false) {
		p.since = 0
	}
	return p.since
}

type progressKey struct{}

// ReportProgress says that the round of ctx has made progress: a request or a transaction
// has ended, with success or not. A store calls it in a method that runs many
// transactions.
func ReportProgress(ctx context.Context) {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		p.made.Store(true)
	}
}
