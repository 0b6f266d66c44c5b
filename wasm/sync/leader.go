package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
)

// LeaderLock is the lock of the tab whose dedicated worker runs the engine.
const LeaderLock = "rollcall-leader"

// Periods of the leading tab and its worker. A worker's timers run while its page is
// hidden; a hidden page's are throttled to one a minute. So only a page whose worker is
// starting gives signs of life itself.
const (
	// AliveEvery is the period of WorkerAlive.
	AliveEvery = 5 * time.Second
	// LeaderSilence is how long the leader may give no sign of life before another tab
	// takes over, and its worker before the leader replaces it.
	LeaderSilence = 15 * time.Second
	// BootTime is how long a worker may take until its first sign of life: slow phones
	// compile it first. The page gives signs for it meanwhile.
	BootTime = time.Minute
	// MaxWorkerPause bounds the pause before the next worker.
	MaxWorkerPause = time.Minute
	// steadyAfter is how long a worker must run for its failure to count as the first.
	steadyAfter = time.Minute
)

// WorkerPause is the pause before the next worker after this many failures in a row: 1 s,
// 2 s, 4 s and so on.
func WorkerPause(failures int) time.Duration {
	return min(time.Second<<min(max(failures-1, 0), 10), MaxWorkerPause)
}

// Leader waits to be the leading tab, then keeps the engine's dedicated worker running. A
// worker that fails or falls silent is replaced, by another tab if there is one. So is a
// leader that the browser freezes without notice: when it wakes, its lock is stolen, and
// it ends its worker.
//
//	         lock is free, or its holder silent
//	waiting ───────────────────────────────────▶ starting ── first sign ──▶ leading
//	   ▲                                            │                          │
//	   └───────────── pause ◀── failed, silent, stolen ◀───────────────────────┘
//
// All fields but Incidents are required.
type Leader struct {
	// Locks are the browser's. Without Web Locks each tab leads for itself.
	Locks Locks
	// Bus must deliver the leader's messages to its own page as well, which shows them.
	Bus Bus
	// Clock measures silences and pauses.
	Clock Clock
	// Incidents records what went wrong and how it was handled. nil records nothing.
	Incidents *IncidentLog
	// Start starts a worker and returns what ends it. It may call failed, once or more,
	// until then.
	Start func(failed func(error)) (end func())

	failures int
	leading  atomic.Bool
	starts   atomic.Int64
	failure  atomic.Value // string
}

// Leading reports whether this tab leads.
func (l *Leader) Leading() bool { return l.leading.Load() }

// Starts is how many workers this tab has started.
func (l *Leader) Starts() int64 { return l.starts.Load() }

// Failure says why the last worker ended, "" for none.
func (l *Leader) Failure() string {
	why, _ := l.failure.Load().(string)
	return why
}

// Run waits and leads until ctx ends.
func (l *Leader) Run(ctx context.Context) {
	locks := TakeoverLocks{
		Locks: l.Locks, Bus: l.Bus, Clock: l.Clock, Signs: []Kind{WorkerAlive, WorkerStarting}, Silence: LeaderSilence,
		Stolen: func() { l.Incidents.Note("Another tab was frozen; this tab took over") },
	}
	for ctx.Err() == nil {
		err := locks.Hold(ctx, LeaderLock, Wait, l.lead)
		if err != nil {
			l.failure.Store(err.Error())
		}
		select {
		case <-ctx.Done():
		case <-l.Clock.After(WorkerPause(l.failures)):
		}
	}
}

// Why a worker was ended.
var (
	errNoStart      = errors.New("it did not start within a minute")
	errWorkerSilent = errors.New("the sync worker fell silent")
)

// lead runs one worker to its end and records why it ended.
func (l *Leader) lead(ctx context.Context) error {
	l.leading.Store(true)
	defer l.leading.Store(false)
	l.starts.Add(1)
	begin := l.Clock.Now()
	err := l.runWorker(ctx)
	switch {
	case errors.Is(err, ErrStolen):
		l.failures = 0
		return err
	case ctx.Err() != nil:
		return err
	case l.Clock.Now().Sub(begin) > steadyAfter:
		l.failures = 0
	}
	l.failures++
	if errors.Is(err, errWorkerSilent) {
		l.Incidents.Note("The sync worker fell silent and was replaced")
	} else {
		l.Incidents.Note("The sync worker failed and was started anew: " + err.Error())
	}
	if l.failures > 1 {
		l.Bus.Publish(Message{Kind: StatusChanged, Status: &Status{
			Phase: Failed, At: l.Clock.Now().UTC(), Host: ByPage,
			Problem: &api.Problem{Title: "The sync worker does not run", Detail: err.Error(), Code: CodeNoWorker},
		}})
	}
	return err
}

// CodeNoWorker is the code of the problem that no worker runs. No server sends it.
const CodeNoWorker = "no_worker"

// runWorker runs one worker to its end and returns why it ended.
func (l *Leader) runWorker(ctx context.Context) error {
	alive, failed := make(chan bool, 1), make(chan error, 1)
	defer l.Bus.Subscribe(func(m Message) {
		if m.Kind == WorkerAlive {
			TrySend(alive, true)
		}
	})()
	defer l.Start(func(err error) { TrySend(failed, err) })()
	for waited := time.Duration(0); ; waited += AliveEvery {
		if waited >= BootTime {
			return errNoStart
		}
		l.Bus.Publish(Message{Kind: WorkerStarting})
		ok, err := l.awaitSign(ctx, alive, failed)
		if err != nil {
			return err
		}
		if ok {
			break
		}
	}
	l.Incidents.Recovered()
	for silent := time.Duration(0); silent < LeaderSilence; silent += AliveEvery {
		ok, err := l.awaitSign(ctx, alive, failed)
		if err != nil {
			return err
		}
		if ok {
			silent = -AliveEvery
		}
	}
	return errWorkerSilent
}

// awaitSign waits up to AliveEvery for a sign of life and reports whether there was one.
func (l *Leader) awaitSign(ctx context.Context, alive chan bool, failed chan error) (bool, error) {
	var ok bool
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case ok = <-alive:
	case <-l.Clock.After(AliveEvery):
	}
	if ctx.Err() != nil { // when a tab wakes, several of these are ready: this comes first
		return false, fmt.Errorf("lead: %w", context.Cause(ctx))
	}
	return ok, err
}
