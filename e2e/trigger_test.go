//go:build e2e

package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// moment is a point of a write or a sync at which to kill.
type moment string

const (
	typed        moment = "typed"        // before the save
	pressed      moment = "pressed"      // in the transaction that saves
	acknowledged moment = "acknowledged" // after the dialog has closed, or the row gone
	pushArrived  moment = "push arrived" // before the server has the batch
	pushDecided  moment = "push decided" // between the server's commit and its answer
	pushPassed   moment = "push passed"  // while the results are saved
	pullArrived  moment = "pull arrived" // before the server has the question
	pullDecided  moment = "pull decided" // before the browser has the page
	pullPassed   moment = "pull passed"  // while the page is saved
	anytime      moment = "anytime"      // some time after the beginning
)

var (
	// The moments that occur without writes.
	syncingMoments = []moment{pushArrived, pushDecided, pushPassed, pullArrived, pullDecided, pullPassed, anytime}
	allMoments     = slices.Concat(syncingMoments, []moment{typed, pressed, acknowledged})
)

// killPoint is the time of a kill: some time after the nth occurrence of a moment.
type killPoint struct {
	moment moment
	nth    int
	after  time.Duration
	late   bool // the held request continues; else it is lost
}

// held reports whether the request waits for the kill.
func (a killPoint) held() bool {
	switch a.moment {
	case pushArrived, pushDecided, pullArrived, pullDecided:
		return true
	}
	return false
}

// killPoints draws kill points. Every moment has its turn before one recurs.
type killPoints struct {
	random  *rand.Rand
	moments []moment
	deck    []moment
}

func (d *killPoints) next() killPoint {
	if len(d.deck) == 0 {
		d.deck = slices.Clone(d.moments)
		d.random.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
	}
	a := killPoint{moment: d.deck[0], nth: 1 + d.random.IntN(2), late: d.random.IntN(2) == 0}
	d.deck = d.deck[1:]
	within := 30 * time.Millisecond
	switch a.moment {
	case typed, pressed, acknowledged:
		a.nth = 1 + d.random.IntN(6)
		within = 15 * time.Millisecond
	case anytime:
		a.nth, within = 1, 800*time.Millisecond
	}
	a.after = time.Duration(d.random.Int64N(int64(within)))
	return a
}

// trigger waits for a kill point.
type trigger struct {
	mu        sync.Mutex
	killPoint killPoint
	left      int
	due       chan struct{} // closed at the kill point
	released  chan struct{} // closed once the kill is done
}

// arm starts to wait for a kill point.
func (g *trigger) arm(a killPoint) (due <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killPoint, g.left = a, a.nth
	g.due, g.released = make(chan struct{}), make(chan struct{})
	return g.due
}

// reach notes an occurrence of a moment. If the kill is due and holds a request, it returns
// the channel to wait for.
func (g *trigger) reach(m moment) (hold <-chan struct{}, late bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m != g.killPoint.moment || g.left == 0 {
		return nil, true
	}
	if g.left--; g.left > 0 {
		return nil, true
	}
	due := g.due
	time.AfterFunc(g.killPoint.after, func() { close(due) })
	if !g.killPoint.held() {
		return nil, true
	}
	return g.released, g.killPoint.late
}

// release releases the held request: the kill is done.
func (g *trigger) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killPoint, g.left = killPoint{}, 0
	close(g.released)
}

// observe handles an event of the driver.
func (g *trigger) observe(event harness.WriteEvent) { g.reach(moment(event.Moment)) }

// step handles the moments of requests through the proxy.
func (g *trigger) step(m harness.Moment, r *http.Request) bool {
	what := ""
	switch {
	case isBatch(r):
		what = "push "
	case r.Method == http.MethodGet && r.URL.Path == "/api/v1/changes":
		what = "pull "
	}
	hold, late := g.reach(moment(what + string(m)))
	if hold == nil {
		return true
	}
	<-hold
	return late
}

// network is a slow network: each request takes a while to arrive.
type network struct {
	mu     sync.Mutex
	random *rand.Rand
	next   func(harness.Moment, *http.Request) bool
}

const slowest = 40 * time.Millisecond

func (n *network) step(m harness.Moment, r *http.Request) bool {
	if m == harness.Arrived {
		n.mu.Lock()
		takes := time.Duration(n.random.Int64N(int64(slowest)))
		n.mu.Unlock()
		<-time.After(takes)
	}
	return n.next(m, r)
}
