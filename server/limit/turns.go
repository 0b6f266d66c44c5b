package limit

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrFull says that no more may wait, or that there is no room.
var ErrFull = errors.New("the server is at its limit")

// Turns bounds what runs at once, and says who is next: of those that wait, the first of the
// network that has the least running. One network never has all turns, so another one's job
// starts at once, however many of the first one's wait. Its methods may be called by many
// goroutines.
type Turns struct {
	most, each, mostWaiting int

	mu      sync.Mutex
	running map[string]int
	total   int
	waiting []*waiter // in their order
}

type waiter struct {
	key   string
	n     int
	begin chan struct{} // closed when its turn has come
}

// NewTurns returns most turns, of which one network has each at once, while mostWaiting jobs
// may wait.
func NewTurns(most, each, mostWaiting int) *Turns {
	return &Turns{most: most, each: each, mostWaiting: mostWaiting, running: map[string]int{}}
}

// Acquire waits until a job may run that takes n turns; more than there are for one network,
// if nothing else of it runs. It fails with ErrFull if too many wait, and when ctx ends. The
// empty key is of those that may have all turns.
func (t *Turns) Acquire(ctx context.Context, key string, n int) (release func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = min(n, t.most)
	release = func() { t.end(key, n) }
	if t.mayRun(key, n) {
		t.begin(key, n)
		return release, nil
	}
	if len(t.waiting) >= t.mostWaiting {
		return nil, ErrFull
	}
	w := &waiter{key, n, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.begin:
		t.mu.Lock()
		return release, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return nil, ctx.Err()
	}
	return release, nil // its turn came just before
}

// mayRun reports whether n turns are left, and may be this key's.
func (t *Turns) mayRun(key string, n int) bool {
	has := t.running[key]
	return t.total+n <= t.most && (key == "" || has == 0 || has+n <= t.each)
}

func (t *Turns) begin(key string, n int) {
	t.total += n
	t.running[key] += n
}

func (t *Turns) end(key string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total -= n
	t.running[key] -= n
	if t.running[key] == 0 {
		delete(t.running, key)
	}
	for i := t.next(); i >= 0; i = t.next() {
		w := t.waiting[i]
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.begin(w.key, w.n)
		close(w.begin)
	}
}

// next returns which of the waiting is next; -1 for none.
func (t *Turns) next() int {
	best := -1
	for i, w := range t.waiting {
		if t.mayRun(w.key, w.n) && (best < 0 || t.running[w.key] < t.running[t.waiting[best].key]) {
			best = i
		}
	}
	return best
}

// Waiting returns how many wait.
func (t *Turns) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
