package health

import (
	"context"
	"errors"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Delays between the probes of Run. The delay doubles after each.
const (
	FirstProbe = 2 * time.Second
	MaxProbe   = 30 * time.Second
)

// Monitor is safe for concurrent use.
type Monitor struct {
	after func(time.Duration) <-chan time.Time

	mu      stdsync.Mutex
	failure error
	writing bool          // a write failed
	failing chan struct{} // wakes Run
	changes repository.Topic
}

// New returns a monitor of a storage that works as far as is known. after is time.After.
func New(after func(time.Duration) <-chan time.Time) *Monitor {
	return &Monitor{after: after, failing: make(chan struct{}, 1)}
}

// Failure returns why the storage fails now, one of the errors of package queue; nil if
// it works as far as is known.
func (m *Monitor) Failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failure
}

// Changes notifies that Failure has changed. See repository.Topic.
func (m *Monitor) Changes(ctx context.Context) <-chan struct{} { return m.changes.Subscribe(ctx) }

// Blocked records that the opening of the database waits for another tab. The opening
// itself fails only at its deadline.
func (m *Monitor) Blocked() { m.observe(queue.ErrBlocked, false) }

// storageErrors are the errors of a store that are about the storage itself.
var storageErrors = []error{
	queue.ErrOutdated, queue.ErrBlocked, queue.ErrQuota, queue.ErrUnavailable,
	queue.ErrTimeout, queue.ErrUncertain, queue.ErrClosed,
}

// observe records the result of a use of the store.
func (m *Monitor) observe(err error, write bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, writing := m.failure, m.writing
	switch cause := storageError(err); {
	case cause != nil:
		next, writing = cause, write || (writing && m.failure != nil)
	case err == nil && (write || !m.writing):
		next, writing = nil, false
	}
	changed := !errors.Is(next, m.failure)
	m.failure, m.writing = next, writing
	if !changed {
		return
	}
	m.changes.Notify()
	if next != nil {
		sync.TrySend(m.failing, struct{}{})
	}
}

// storageError returns the error of the storage that err wraps, nil if it wraps none.
func storageError(err error) error {
	for _, s := range storageErrors {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}

// Run probes the storage while it fails, until ctx ends. It does not probe a database
// that a newer version of the app has upgraded, since that does not recover.
func (m *Monitor) Run(ctx context.Context, probe func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.failing:
		}
		for delay := FirstProbe; m.mayRecover(); delay = min(2*delay, MaxProbe) {
			select {
			case <-ctx.Done():
				return
			case <-m.after(delay):
			}
			m.Probe(ctx, probe)
		}
	}
}

// Probe uses the storage once, now, if it fails. It takes the result for that of a write.
func (m *Monitor) Probe(ctx context.Context, probe func(context.Context) error) {
	if m.Failure() != nil {
		m.observe(probe(ctx), true)
	}
}

func (m *Monitor) mayRecover() bool {
	failure := m.Failure()
	return failure != nil && !errors.Is(failure, queue.ErrOutdated)
}
