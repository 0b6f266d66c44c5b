package feed

import (
	"sync"
	"time"
)

// pace is the least time between two tells: a burst of commits is one event for
// thousands of clients, not thousands of events for each.
const pace = 50 * time.Millisecond

// Hub tells waiting clients that the feed has grown. Its methods may be called
// by many goroutines; Tell never blocks, however slow a client is.
type Hub struct {
	mu         sync.Mutex
	ears       map[chan time.Time]struct{}
	generation uint64
	since      time.Time   // of the first Tell that is not passed on yet
	last       time.Time   // when the ears were told
	later      *time.Timer // nil when none is set
	done       chan struct{}
	closed     bool
}

// NewHub makes a hub nobody listens to.
func NewHub() *Hub {
	return &Hub{ears: map[chan time.Time]struct{}{}, done: make(chan struct{})}
}

// Listen returns a channel that holds at most one unread tell, the time of the
// first change it stands for: what happens while a client is busy is one tell, and
// the feed has all of it. stop ends it.
func (h *Hub) Listen() (tells <-chan time.Time, stop func()) {
	ear := make(chan time.Time, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ears[ear] = struct{}{}
	return ear, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.ears, ear)
	}
}

// Tell tells everyone who listens, at once or, soon after another tell, a little later.
func (h *Hub) Tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.generation++
	if h.since.IsZero() {
		h.since = now
	}
	switch wait := pace - now.Sub(h.last); {
	case h.later != nil || h.closed:
	case wait > 0:
		h.later = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.later = nil
			h.pass()
		})
	default:
		h.pass()
	}
}

// pass tells the ears; the caller holds the lock.
func (h *Hub) pass() {
	for ear := range h.ears {
		select {
		case ear <- h.since:
		default:
		}
	}
	h.since, h.last = time.Time{}, time.Now()
}

// Generation grows with each Tell: as long as it is the same, nobody has told of
// a change.
func (h *Hub) Generation() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.generation
}

// Listeners is how many listen now.
func (h *Hub) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ears)
}

// Done is closed by Close: clients must go, the server is stopping.
func (h *Hub) Done() <-chan struct{} { return h.done }

// Close ends the hub; it may be called again.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if h.later != nil {
		h.later.Stop()
	}
	close(h.done)
}
