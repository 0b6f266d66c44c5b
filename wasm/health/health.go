// Package health knows how the storage of this device does, for a page to say so
// in words: it watches every use of a store, and hears from the database what
// happens to its connection.
//
//	        a use fails, the opening is blocked
//	well ────────────────────────────────────────▶ in trouble
//	  ▲                                                │
//	  └── a use succeeds: a write, if one had failed ──┘
//
// In trouble it uses the store by itself now and then, so that the end of the
// trouble is noticed without the person's doing. It is pure Go; the page gives it
// a clock.
package health

import (
	"context"
	"errors"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Delays between the tries of Run while there is trouble.
const (
	FirstTry = 2 * time.Second
	MaxTry   = 30 * time.Second
)

// Monitor is safe for concurrent use.
type Monitor struct {
	after func(time.Duration) <-chan time.Time

	mu      stdsync.Mutex
	trouble error
	writing bool // it was a write that failed
	subs    map[chan struct{}]struct{}
	sick    chan struct{} // told when trouble begins
}

// New returns a monitor that has seen nothing bad. After is time.After.
func New(after func(time.Duration) <-chan time.Time) *Monitor {
	return &Monitor{after: after, subs: map[chan struct{}]struct{}{}, sick: make(chan struct{}, 1)}
}

// Trouble is why the storage does not work now, one of the queue's errors, and
// nil when it does as far as is known.
func (m *Monitor) Trouble() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trouble
}

// Changes tells that Trouble is another now; it holds at most one unread tell and
// ends with ctx.
func (m *Monitor) Changes(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	m.mu.Lock()
	m.subs[ch] = struct{}{}
	m.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.subs, ch)
	})
	return ch
}

// Blocked hears that the opening of the database waits for another tab. It is
// told at once: the opening itself fails only at its deadline.
func (m *Monitor) Blocked() { m.note(queue.ErrBlocked, false) }

// troubles are the errors of a store that are about the storage itself.
var troubles = []error{
	queue.ErrOutdated, queue.ErrBlocked, queue.ErrQuota, queue.ErrUnavailable,
	queue.ErrTimeout, queue.ErrUncertain, queue.ErrClosed,
}

// note takes in how a use of the store ended.
func (m *Monitor) note(err error, write bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, writing := m.trouble, m.writing
	switch cause := causeOf(err); {
	case cause != nil:
		next, writing = cause, write || (writing && m.trouble != nil)
	case err == nil && (write || !m.writing):
		next, writing = nil, false
	}
	changed := !errors.Is(next, m.trouble)
	m.trouble, m.writing = next, writing
	if !changed {
		return
	}
	for ch := range m.subs {
		offer(ch)
	}
	if next != nil {
		offer(m.sick)
	}
}

func causeOf(err error) error {
	for _, t := range troubles {
		if errors.Is(err, t) {
			return t
		}
	}
	return nil
}

func offer(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Run uses the store by try while there is trouble, until ctx ends. What try
// returns is taken in as of a write. A newer version of the program does not go
// away again, and is not tried against.
func (m *Monitor) Run(ctx context.Context, try func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.sick:
		}
		for delay := FirstTry; m.curable(); delay = min(2*delay, MaxTry) {
			select {
			case <-ctx.Done():
				return
			case <-m.after(delay):
			}
			m.Try(ctx, try)
		}
	}
}

// Try uses the store once, now.
func (m *Monitor) Try(ctx context.Context, try func(context.Context) error) {
	if m.Trouble() != nil {
		m.note(try(ctx), true)
	}
}

func (m *Monitor) curable() bool {
	t := m.Trouble()
	return t != nil && !errors.Is(t, queue.ErrOutdated)
}
