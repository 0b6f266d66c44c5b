package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
)

// LeaderLock is held by the tab whose dedicated worker runs the engine.
const LeaderLock = "rollcall-leader"

// Periods of the leading tab and its worker. A worker's timers run also while its
// page is hidden; a hidden page's are throttled to one a minute, so only a page
// that has just begun to lead gives signs of life itself.
const (
	// AliveEvery is how often a worker says that it lives.
	AliveEvery = 5 * time.Second
	// LeaderSilence is how long the others go without a sign of the leader before
	// one of them takes over, and the leader before it replaces its worker.
	LeaderSilence = 15 * time.Second
	// BootTime is how long a worker may take to its first sign of life: slow phones
	// compile it anew. The page gives signs for it meanwhile.
	BootTime = time.Minute
	// MaxWorkerPause bounds the pause before the next worker.
	MaxWorkerPause = time.Minute
	// steadyAfter is how long a worker must live for its end to be the first one.
	steadyAfter = time.Minute
)

// WorkerPause is the pause before the next worker after so many in a row have
// failed: 1 s, 2 s, 4 s and so on.
func WorkerPause(failures int) time.Duration {
	return min(time.Second<<min(max(failures-1, 0), 10), MaxWorkerPause)
}

// Leader waits to be the leading tab and then keeps the engine's dedicated worker
// running: one that fails or falls silent is ended and replaced, by another tab if
// there is one. A leader that is frozen without being told so before is replaced,
// too; when it wakes it finds its lock stolen, and ends its worker.
//
//	         lock is free, or its holder silent
//	Waiting ───────────────────────────────────▶ WorkerStarting ── first sign ──▶ Leading
//	   ▲                                            │                        │
//	   └───────────── pause ◀── failed, silent, stolen ◀─────────────────────┘
type Leader struct {
	Locks     Locks
	Bus       Bus // one that the page itself hears, too
	Clock     Clock
	Incidents *IncidentLog
	// Start starts a worker and returns what ends it. failed may be called, once
	// or more, until then.
	Start func(failed func(error)) (end func())

	failures int
	leading  atomic.Bool
	starts   atomic.Int64
	failure  atomic.Value // string
}

// Leading reports whether this tab leads; Starts counts the workers it started;
// Failure says why the last one ended, "" for none.
func (l *Leader) Leading() bool { return l.leading.Load() }

// Starts is documented at Leading.
func (l *Leader) Starts() int64 { return l.starts.Load() }

// Failure is documented at Leading.
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

// errNoStart says that a worker gave no sign of life in time.
var errNoStart = errors.New("it did not start within a minute")

// errWorkerSilent says that a worker gives no sign of life any more.
var errWorkerSilent = errors.New("the sync worker fell silent")

// lead runs one worker to its end.
func (l *Leader) lead(ctx context.Context) error {
	l.leading.Store(true)
	defer l.leading.Store(false)
	l.starts.Add(1)
	begin := l.Clock.Now()
	err := l.work(ctx)
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

// CodeNoWorker is the code of the problem that no worker runs. It is never sent.
const CodeNoWorker = "no_worker"

// work runs one worker and says why it ended.
func (l *Leader) work(ctx context.Context) error {
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
		ok, err := l.sign(ctx, alive, failed)
		if err != nil {
			return err
		}
		if ok {
			break
		}
	}
	l.Incidents.Recovered()
	for silent := time.Duration(0); silent < LeaderSilence; silent += AliveEvery {
		ok, err := l.sign(ctx, alive, failed)
		if err != nil {
			return err
		}
		if ok {
			silent = -AliveEvery
		}
	}
	return errWorkerSilent
}

// sign waits AliveEvery for a sign of life and reports whether there was one.
func (l *Leader) sign(ctx context.Context, alive chan bool, failed chan error) (bool, error) {
	var ok bool
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case ok = <-alive:
	case <-l.Clock.After(AliveEvery):
	}
	if ctx.Err() != nil { // of all that waits for a tab that wakes, this comes first
		return false, fmt.Errorf("lead: %w", context.Cause(ctx))
	}
	return ok, err
}
