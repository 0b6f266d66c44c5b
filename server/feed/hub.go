package feed

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// pace is the least time between the beginnings of two rounds of tells: a burst of
// commits is one event for thousands of clients, not thousands of events for each.
const pace = 50 * time.Millisecond

// slice is how a round goes on when there are many clients: some of them, and so soon
// after some more. Each one that is told asks for the feed, and what all of them ask
// at the same moment nobody answers in time.
const slice = 10 * time.Millisecond

// TellsPerProcessor is what a Hub tells in a second for each processor there is, unless
// it is told otherwise: about a third of the events and reads that one does.
const TellsPerProcessor = 1000

// Hub tells waiting clients that the feed has grown. Its methods may be called
// by many goroutines; Tell never blocks, however slow a client is.
//
// It tells in rounds. A round is for all who listen when it begins, and takes as long
// as they are many; what changes meanwhile is for the next one. So n clients that write
// are not n squared tells: there are at most so many a second, and news comes later.
type Hub struct {
	most int // tells in a slice

	mu         sync.Mutex
	ears       map[chan time.Time]struct{}
	generation uint64
	since      time.Time        // of the first Tell that is for the next round
	began      time.Time        // the round's beginning
	stands     time.Time        // the since of the round
	rest       []chan time.Time // whom the round has not told yet
	passed     time.Time        // when some of them were told last
	later      *time.Timer      // nil when none is set
	done       chan struct{}
	closed     bool
}

// NewHub makes a hub nobody listens to.
func NewHub() *Hub { return NewHubWithRate(TellsPerProcessor * runtime.GOMAXPROCS(0)) }

// NewHubWithRate makes a hub that tells at most so many clients a second.
func NewHubWithRate(rate int) *Hub {
	most := max(1, int(int64(rate)*int64(slice)/int64(time.Second)))
	return &Hub{most: most, ears: map[chan time.Time]struct{}{}, done: make(chan struct{})}
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

// Tell tells everyone who listens: at once or, when many listen or soon after another
// tell, a little later.
func (h *Hub) Tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.generation++
	if h.since.IsZero() {
		h.since = time.Now()
	}
	if h.later == nil {
		h.turn()
	}
}

// turn does what is to be done now, and sets the timer for what is to be done later;
// the caller holds the lock, and no timer is set.
func (h *Hub) turn() {
	now := time.Now()
	if h.closed {
		return
	}
	if len(h.rest) == 0 {
		if h.since.IsZero() {
			return
		}
		if wait := h.untilRound(now); wait > 0 {
			h.after(wait)
			return
		}
		h.rest = slices.AppendSeq(make([]chan time.Time, 0, len(h.ears)), maps.Keys(h.ears))
		h.stands, h.since, h.began = h.since, time.Time{}, now
	}
	h.pass(now)
	switch {
	case len(h.rest) > 0:
		h.after(slice)
	case !h.since.IsZero():
		h.after(h.untilRound(now))
	}
}

// untilRound is the time until a round may begin.
func (h *Hub) untilRound(now time.Time) time.Duration {
	return max(pace-now.Sub(h.began), slice-now.Sub(h.passed))
}

func (h *Hub) after(wait time.Duration) {
	h.later = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.later = nil
		h.turn()
	})
}

// pass tells the next ones of the round.
func (h *Hub) pass(now time.Time) {
	for told := 0; told < h.most && len(h.rest) > 0; h.rest = h.rest[1:] {
		if _, listens := h.ears[h.rest[0]]; !listens {
			continue
		}
		select {
		case h.rest[0] <- h.stands:
		default:
		}
		told++
	}
	if len(h.rest) == 0 {
		h.rest = nil // and not the end of a long array
	}
	h.passed = now
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
