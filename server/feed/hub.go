package feed

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// roundInterval is the least time between the starts of two rounds: a burst of commits is
// one event for thousands of clients, not thousands of events for each.
const roundInterval = 50 * time.Millisecond

// sliceInterval is the time between the slices of a round. A notified client reads the feed,
// and no server answers thousands of reads at the same moment.
const sliceInterval = 10 * time.Millisecond

// NotificationsPerProcessor is how many notifications a Hub sends per second and processor by
// default: about a third of the events and reads that one processor can serve.
const NotificationsPerProcessor = 1000

// Hub notifies subscribers that the feed has grown. Its methods may be called by many
// goroutines; Notify never blocks, however slow a subscriber is.
//
// Notifications are sent in rounds. A round covers all subscribers when it starts, a slice
// of them at a time; later changes wait for the next round. So n writing clients don't cause
// n² notifications: their rate is bounded, and some come later.
type Hub struct {
	perSlice int

	mu          sync.Mutex
	subscribers map[chan time.Time]struct{}
	generation  uint64
	changed     time.Time        // first change since the round started
	started     time.Time        // when the round started
	covers      time.Time        // first change that the round is about
	pending     []chan time.Time // subscribers the round has yet to notify
	lastSlice   time.Time
	timer       *time.Timer // nil if not set
	done        chan struct{}
	closed      bool
}

// NewHub returns a hub with the default rate.
func NewHub() *Hub { return NewHubWithRate(NotificationsPerProcessor * runtime.GOMAXPROCS(0)) }

// NewHubWithRate returns a hub that sends at most the given number of notifications per
// second.
func NewHubWithRate(rate int) *Hub {
	perSlice := max(1, int(int64(rate)*int64(sliceInterval)/int64(time.Second)))
	return &Hub{perSlice: perSlice, subscribers: map[chan time.Time]struct{}{}, done: make(chan struct{})}
}

// Subscribe returns a channel with at most one unread notification: the time of the first
// change it covers. The feed has all of them. Unsubscribe ends the subscription.
func (h *Hub) Subscribe() (notifications <-chan time.Time, unsubscribe func()) {
	c := make(chan time.Time, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers, c)
	}
}

// Notify notifies all subscribers: at once, or a little later if there are many of them or
// the last notification was a moment ago.
func (h *Hub) Notify() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.generation++
	if h.changed.IsZero() {
		h.changed = time.Now()
	}
	if h.timer == nil {
		h.run()
	}
}

// run does what is due and sets the timer for the rest. The caller holds the lock, and no
// timer is set.
func (h *Hub) run() {
	now := time.Now()
	if h.closed {
		return
	}
	if len(h.pending) == 0 {
		if h.changed.IsZero() {
			return
		}
		if wait := h.untilRound(now); wait > 0 {
			h.runAfter(wait)
			return
		}
		h.pending = slices.AppendSeq(make([]chan time.Time, 0, len(h.subscribers)), maps.Keys(h.subscribers))
		h.covers, h.changed, h.started = h.changed, time.Time{}, now
	}
	h.sendSlice(now)
	switch {
	case len(h.pending) > 0:
		h.runAfter(sliceInterval)
	case !h.changed.IsZero():
		h.runAfter(h.untilRound(now))
	}
}

// untilRound is the time until the next round may start.
func (h *Hub) untilRound(now time.Time) time.Duration {
	return max(roundInterval-now.Sub(h.started), sliceInterval-now.Sub(h.lastSlice))
}

func (h *Hub) runAfter(wait time.Duration) {
	h.timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.timer = nil
		h.run()
	})
}

// sendSlice notifies the next subscribers of the round.
func (h *Hub) sendSlice(now time.Time) {
	for sent := 0; sent < h.perSlice && len(h.pending) > 0; h.pending = h.pending[1:] {
		if _, subscribed := h.subscribers[h.pending[0]]; !subscribed {
			continue
		}
		select {
		case h.pending[0] <- h.covers:
		default:
		}
		sent++
	}
	if len(h.pending) == 0 {
		h.pending = nil // releases the array
	}
	h.lastSlice = now
}

// Generation grows with each Notify: while it stays the same, no change was reported.
func (h *Hub) Generation() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.generation
}

// Subscribers returns the number of subscribers.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subscribers)
}

// Done is closed by Close. Streams must end then: the server is shutting down.
func (h *Hub) Done() <-chan struct{} { return h.done }

// Close closes the hub. It may be called more than once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	close(h.done)
}
