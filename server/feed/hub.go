package feed

import "sync"

// Hub tells waiting clients that the feed has grown. Its methods may be called
// by many goroutines; Tell never blocks, however slow a client is.
type Hub struct {
	mu     sync.Mutex
	ears   map[chan struct{}]struct{}
	done   chan struct{}
	closed bool
}

// NewHub makes a hub nobody listens to.
func NewHub() *Hub {
	return &Hub{ears: map[chan struct{}]struct{}{}, done: make(chan struct{})}
}

// Listen returns a channel that holds at most one unread tell: what happens while
// a client is busy is one tell, and the feed has all of it. stop ends it.
func (h *Hub) Listen() (tells <-chan struct{}, stop func()) {
	ear := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ears[ear] = struct{}{}
	return ear, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.ears, ear)
	}
}

// Tell tells everyone who listens.
func (h *Hub) Tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ear := range h.ears {
		select {
		case ear <- struct{}{}:
		default:
		}
	}
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
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}
