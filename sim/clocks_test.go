package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// contests is the number of users the devices compete for, one after the other.
const contests = 150

// score counts the contests by device.
type score struct {
	last, won [3]int
	wrong     int // not won by the last writer
}

func (s score) fair() bool {
	for i, n := range s.won {
		if n < s.last[i]*9/10 || n > s.last[i]*11/10 {
			return false
		}
	}
	return s.wrong <= contests/20
}

func clocksOff(strategy sync.StrategyName) (s score, err error) {
	const year = 365 * 24 * time.Hour
	script := &Script{Seed: 1}
	for _, ahead := range []time.Duration{0, year, -year} {
		script.Browsers = append(script.Browsers, Browser{Tabs: 1, Strategy: string(strategy), SkewMs: ahead.Milliseconds(), DriftPPM: 50})
	}
	w, err := newWorld(script, nil)
	if err != nil {
		return s, err
	}
	defer func() { err = firstOf(err, w.server.close()) }()
	rng := rand.New(rand.NewPCG(7, 7))
	for n := range contests {
		winner, last := w.contest(n+1, rng)
		if w.failed != nil {
			return s, w.failed
		}
		if w.violation != nil {
			return s, w.violation
		}
		s.last[last]++
		if winner >= 0 {
			s.won[winner]++
		}
		if winner != last {
			s.wrong++
		}
	}
	return s, nil
}

// contest has one device create user n, and all sync; then each writes the bio, seconds
// apart in random order, and all sync in another order. It returns the device whose bio
// won, and the one that wrote last.
func (w *world) contest(n int, rng *rand.Rand) (winner, last int) {
	all := func(verb Verb, kind byte, interval time.Duration) (order []int) {
		order = rng.Perm(len(w.browsers))
		for _, i := range order {
			w.doToEnd(Step{Verb: verb, Who: Who{i, kind, 0}, Entity: n, N: setBio, Ms: interval.Milliseconds()})
		}
		return order
	}
	w.doToEnd(Step{Verb: Create, Who: Who{n % len(w.browsers), tab, 0}, Entity: n, N: int64(1000 + n)})
	for range 2 {
		all(Round, host, time.Second)
	}
	before := w.typed
	order := all(Update, tab, time.Duration(1+rng.IntN(60))*time.Second)
	for range 4 {
		all(Round, host, 10*time.Minute)
	}
	bio := w.server.model.entities[entityID(n)].fields.Bio
	for turn, i := range order {
		if bio == fmt.Sprintf("Bio %d", before+turn+1) {
			return i, order[len(order)-1]
		}
	}
	return -1, order[len(order)-1]
}

// doToEnd plays a step and runs its actor to the end.
func (w *world) doToEnd(st Step) {
	w.do(st)
	w.do(Step{Verb: Finish, Who: st.Who})
}
