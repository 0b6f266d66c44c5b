package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/rollcall/rollcall/wasm/sync"
)

// generator makes up a history step by step. Which faults occur, and how often, differs
// between histories ("swarm testing", Groce et al., 2012): with all faults all the time
// nothing would make progress.
type generator struct {
	rng    *rand.Rand
	faults [pausePoints][]faultChance
	events []eventChance
	steps  int
	// The slot to run next: with probability sticky the last one, else any. With
	// priorities, always the one with the highest, which now and then becomes the lowest
	// ("probabilistic concurrency testing", Burckhardt et al., 2010): that finds bugs
	// which need a slow actor.
	sticky     float64
	last       *slot
	priorities map[*slot]float64
	// What is left of the current scenario, and whether its first move has begun.
	scenario     scenario
	begun        bool
	moves        int
	scenarioRate float64 // probability that a scenario begins at a step
	hurry        float64 // probability that a new actor runs undisturbed to its end
	hurried      *slot
	pace         int     // the longest step, in milliseconds
	people       float64 // probability that a person acts, if nothing else happens
	// Sharing is the probability that an email is one of a few; pool the number of
	// entities in use at a time; next the next one to create; deleted the last deleted.
	sharing float64
	pool    int
	own     *rand.Rand // of accounts; nil without
	changes []eventChance
	next    int
	deleted int
}

type faultChance struct {
	fault Fault
	rate  float64
}

type eventChance struct {
	verb Verb
	rate float64
}

var faultsAt = [pausePoints][]Fault{
	reading:   {Aborted},
	writing:   {Aborted, Quota, UncertainSaved, UncertainLost, Rerun},
	locking:   {UnnoticedSteal},
	sending:   {Lost, Late, Echo, Twice, Portal, Portal403, Busy429, Broken500, Gate502, Busy503, Timeout},
	answering: {AnswerLost, Truncated, ServerDied, Answered500, Answered502, ShuffledBack, ReplyDelayed, OldCopy},
}

// events are the events of browsers and the server, each with its usual probability per
// step.
var events = []eventChance{
	{Corrupt, .02}, {Kill, .02}, {Freeze, .02}, {Thaw, .04}, {Mute, .01}, {Crash, .004}, {Evict, .002}, {Jump, .012},
	{Offline, .004}, {Online, .03}, {SignOut, .002}, {SignIn, .03}, {Deliver, .02}, {Wait, .03},
	{Restart, .005}, {Collect, .006}, {Prune, .003}, {Backup, .004}, {Restore, .003}, {Rollback, .003}, {Tell, .04},
}

// rates are the probabilities a history picks from for each fault it has.
var rates = [pausePoints][4]float64{
	reading: {.001, .005, .02, .05}, writing: {.002, .01, .03, .08}, locking: {.1, .3, .5, .9},
	sending: {.01, .03, .1, .4}, answering: {.01, .05, .15, .5},
}

// retention is how long a history keeps tombstones and records, in milliseconds.
const retention = 2 * 60 * 60 * 1000

// Generate makes up the history of a seed while playing it.
func Generate(seed uint64) (Result, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	script := &Script{Seed: seed, SQLite: seed%48 == 29, Reboot: seed%2 == 1, Digests: seed%5 == 3}
	if rng.IntN(6) == 0 {
		script.BodyLimit = 300 + rng.IntN(1500)
	}
	for range 2 + rng.IntN(2)*rng.IntN(3) {
		script.Browsers = append(script.Browsers, newBrowserOf(rng))
	}
	storing := rand.New(rand.NewPCG(seed, 2))
	for i := range script.Browsers {
		b := &script.Browsers[i]
		b.Mail, b.Small = []int{0, 0, 10, 30, 80}[storing.IntN(5)], storing.IntN(2) == 0
		b.Events = []int{0, 0, 30, 80}[storing.IntN(4)]
	}
	accounts := rand.New(rand.NewPCG(seed, 3))
	if accounts.IntN(accountsIn) == 0 {
		script.Accounts, script.Opened = 2, accounts.IntN(3) == 0
	}
	g := &generator{
		rng: rng, steps: 150 + rng.IntN(400), sticky: rng.Float64() * .9, hurry: rng.Float64() * .7, scenarioRate: []float64{0, .005, .02}[rng.IntN(3)],
		people: .05 + rng.Float64()*.2, next: 1,
		sharing: []float64{.1, .3, .7}[rng.IntN(3)], pool: []int{1, 1, 2, 4}[rng.IntN(4)], pace: []int{40, 40, 400, 3000}[rng.IntN(4)],
	}
	if rng.IntN(2) == 0 {
		g.priorities = map[*slot]float64{}
	}
	script.Steps = make([]Step, 0, g.steps)
	g.swarm()
	if script.Accounts > 0 {
		g.own = accounts
		g.changes = swarmed(accounts, accountEvents)
	}
	return play(script, nil, func(w *world) (Step, bool) {
		if len(script.Steps) >= g.steps {
			return Step{}, false
		}
		st := g.step(w)
		script.Steps = append(script.Steps, st)
		return st, true
	})
}

func newBrowserOf(rng *rand.Rand) Browser {
	b := Browser{Tabs: 1 + rng.IntN(2), Strategy: string(strategies[rng.IntN(4)])}
	switch rng.IntN(4) {
	case 0:
		b.SkewMs = int64(rng.IntN(120_000)) - 60_000
	case 1:
		const year = 365 * 24 * 3600 * 1000
		b.SkewMs = int64(rng.IntN(2*year)) - year
		b.DriftPPM = int64(rng.IntN(400)) - 200
	}
	if rng.IntN(3) > 0 {
		b.PageSize = 1 + rng.IntN(3)
	}
	b.OldHost, b.OldTab = rng.IntN(8) == 0, rng.IntN(8) == 0
	return b
}

func (g *generator) swarm() {
	for at, faults := range faultsAt {
		calm := g.rng.IntN(3) == 0
		for _, f := range faults {
			if !calm && g.rng.IntN(10) < 4 {
				g.faults[at] = append(g.faults[at], faultChance{f, rates[at][g.rng.IntN(4)]})
			}
		}
	}
	g.events = swarmed(g.rng, events)
}

func swarmed(rng *rand.Rand, events []eventChance) (some []eventChance) {
	for _, e := range events {
		if rng.IntN(2) == 0 {
			some = append(some, eventChance{e.verb, e.rate * []float64{.3, 1, 3, 8}[rng.IntN(4)]})
		}
	}
	return some
}

// step makes up the next step.
func (g *generator) step(w *world) Step {
	ms := int64(g.rng.IntN(g.pace))
	if st, ok := g.account(w, ms); ok {
		return st
	}
	if len(g.scenario) == 0 && g.next > 1 && g.rng.Float64() < g.scenarioRate {
		g.beginScenario(w)
	}
	if g.rng.IntN(20) > 0 {
		if st, ok := g.nextMove(w, ms); ok {
			return st
		}
	}
	if s := g.hurried; s != nil && ready(s) {
		return Step{Verb: Run, Who: s.who, Ms: ms}
	}
	g.hurried = nil
	roll := g.rng.Float64()
	for _, e := range g.events {
		if roll -= e.rate; roll < 0 {
			return g.event(w, e.verb, ms)
		}
	}
	if st, ok := g.run(w, ms); ok && g.rng.Float64() > g.people {
		return st
	}
	b := g.browser(w)
	s := b.slots[g.rng.IntN(len(b.slots))].process()[0]
	if s.actor == nil && g.rng.Float64() < g.hurry {
		g.hurried = s
	}
	if s.who.Kind == host {
		return Step{Verb: Round, Who: s.who, N: int64(g.rng.IntN(len(reasons))), Ms: ms}
	}
	return g.person(s, ms)
}

// run resumes an actor that can run.
func (g *generator) run(w *world, ms int64) (Step, bool) {
	s := g.last
	if s == nil || !ready(s) || g.priorities != nil || g.rng.Float64() > g.sticky {
		if s = g.choose(w); s == nil {
			return Step{}, false
		}
	}
	g.last = s
	st := Step{Verb: Run, Who: s.who, Ms: ms}
	if s.uncertain && s.actor.at == reading && g.rng.IntN(8) == 0 {
		st.Fault = Aborted // so that it cannot look whether its write was saved
		return st, true
	}
	roll := g.rng.Float64()
	for _, c := range g.faults[s.actor.at] {
		if roll -= c.rate; roll < 0 {
			st.Fault = c.fault
			break
		}
	}
	return st, true
}

// choose picks a slot whose actor can run; nil if there is none.
func (g *generator) choose(w *world) *slot {
	var can []*slot
	for _, b := range w.browsers {
		for _, s := range b.slots {
			if ready(s) {
				can = append(can, s)
			}
		}
	}
	if len(can) == 0 {
		return nil
	}
	s := can[g.rng.IntN(len(can))]
	if g.priorities == nil {
		return s
	}
	for _, other := range can {
		if g.priority(other) > g.priority(s) {
			s = other
		}
	}
	if g.rng.IntN(12) == 0 {
		g.priorities[s] = -g.rng.Float64()
	}
	return s
}

// priority is drawn on first use.
func (g *generator) priority(s *slot) float64 {
	if _, ok := g.priorities[s]; !ok {
		g.priorities[s] = g.rng.Float64()
	}
	return g.priorities[s]
}

func ready(s *slot) bool { return s.actor != nil && !s.frozen && !s.blocked() }

// event makes up a step of the machines.
func (g *generator) event(w *world, verb Verb, ms int64) Step {
	b := g.browser(w)
	st := Step{Verb: verb, Who: b.slots[g.rng.IntN(len(b.slots))].process()[0].who, Ms: ms}
	switch verb {
	case Freeze:
		for _, b := range w.browsers {
			if h := b.locks.holder(sync.RoundLock); h != nil && g.rng.IntN(2) == 0 {
				st.Who = h.who
			}
		}
	case Thaw:
		for _, b := range w.browsers {
			for _, s := range b.slots {
				if s.frozen {
					st.Who = s.who
				}
			}
		}
	case Corrupt:
		st.Entity, st.N = g.entity(b), int64(g.rng.IntN(2*len(damages)))
	case Mute:
		for _, b := range w.browsers {
			for _, s := range b.slots {
				if s.waits != "" && s.blocked() {
					st.Who = s.who
				}
			}
		}
	case Offline:
		st.N = int64(g.rng.IntN(2))
	case Jump:
		st.N = int64(g.rng.NormFloat64() * []float64{5_000, 3_600_000, 365 * 24 * 3_600_000}[g.rng.IntN(3)])
	case Deliver:
		st.N = int64(g.rng.IntN(8))
	case Tell:
		for _, b := range w.browsers {
			for _, s := range b.slots {
				if n := len(s.stream.events); n > 0 && g.rng.IntN(2) == 0 {
					st.Who, st.N = s.who, int64(g.rng.IntN(2*n))
				}
			}
		}
	case Wait:
		st.N = []int64{500, 9_000, 9_000, 70_000, 400_000, retention + 1000}[g.rng.IntN(6)]
	case Collect, Prune:
		st.N = retention
	}
	return st
}

// person makes up a step of a person in a tab.
func (g *generator) person(s *slot, ms int64) Step {
	st := Step{Verb: g.personVerb(s.b), Who: s.who, Ms: ms, Entity: g.entity(s.b)}
	if s.form != nil && g.rng.IntN(3) == 0 { // it has been open for long enough
		st.Verb, st.Entity = Update, s.w.created[s.form.ID]
	}
	email := int64(1000 + g.rng.IntN(1<<20))
	if g.rng.Float64() < g.sharing {
		email = int64(1 + g.rng.IntN(3))
	}
	switch st.Verb {
	case Create:
		st.N, st.Entity, g.next = email, g.next, g.next+1
	case Update:
		st.N = int64(1+g.rng.IntN(emailBits-1)) + email*emailBits
	case Strategy:
		st.N = int64(g.rng.IntN(len(strategies)))
	case Delete:
		g.deleted = st.Entity
	case Undo:
		st.Entity = g.deleted
	}
	return st
}

// entity picks an entity that is being sent, or a recent one that the person can see.
func (g *generator) entity(b *browser) int {
	var sent []int
	for _, other := range b.w.browsers {
		for _, s := range other.slots {
			if s.actor == nil {
				continue
			}
			for _, o := range s.batch {
				sent = append(sent, b.w.created[o.EntityID])
			}
		}
	}
	if len(sent) > 0 && g.rng.IntN(3) == 0 {
		return sent[g.rng.IntN(len(sent))]
	}
	from := max(1, g.next-g.pool)
	if g.rng.IntN(10) == 0 {
		from = 1
	}
	n := max(g.next-from, 1)
	e := from + g.rng.IntN(n)
	for range n {
		if _, ok := b.visible(userRef(entityID(e))); ok {
			break
		}
		e++
		if e >= from+n {
			e = from
		}
	}
	return e
}

// personVerb picks what a person does: often what the state calls for, else anything.
func (g *generator) personVerb(b *browser) Verb {
	roll := g.rng.Float64()
	switch {
	case g.next == 1 || (g.next < 3 && roll < .4):
		return Create
	case b.checker.rejected > 0 && roll < .25:
		return []Verb{Retry, Retry, Discard, Discard, Update, Delete}[g.rng.IntN(6)]
	case b.checker.conflicts > 0 && roll < .32:
		return []Verb{Accept, Reverse}[g.rng.IntN(2)]
	case len(b.deleted) > 0 && roll < .4:
		return Undo
	}
	verbs := []Verb{Create, Create, Update, Update, Update, Update, Delete, Delete, Get, Get, Open, Open}
	if g.rng.IntN(60) == 0 {
		return Strategy
	}
	return verbs[g.rng.IntN(len(verbs))]
}

// accountsIn is the share of histories with accounts: one in so many.
const accountsIn = 5

// accountEvents are the events about accounts, each with its usual probability per step.
var accountEvents = []eventChance{
	{Login, .02}, {Logout, .01}, {Claim, .05}, {Greet, .006}, {Follow, .06}, {Close, .01},
	{Revoke, .006}, {Expire, .003}, {Role, .01}, {Disable, .004},
}

// browser picks a browser: among those that tabs show, most of the time.
func (g *generator) browser(w *world) *browser {
	all := w.browsers
	if g.own != nil && g.own.IntN(8) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(b *browser) bool { return b.slots[len(b.slots)-hosts].closed })
	}
	return all[g.rng.IntN(len(all))]
}

// account makes up a step about accounts. On most devices it is mostly the same person who signs in.
func (g *generator) account(w *world, ms int64) (Step, bool) {
	if g.own == nil {
		return Step{}, false
	}
	d := w.devices[g.own.IntN(len(w.devices))]
	t := d.shown().slots[g.own.IntN(d.config.Tabs)]
	if len(g.scenario) == 0 && g.next > 1 && g.own.IntN(40) == 0 {
		g.beginAccounts(d)
	}
	someone := int64(1 + g.own.IntN(w.script.Accounts))
	if g.own.IntN(3) > 0 {
		someone = int64(1 + d.place%w.script.Accounts)
	}
	// Whoever sees that they have to sign in does.
	if w.accounts.closed && w.accounts.admitted(d.cookie) == nobody && t.actor == nil && g.own.IntN(25) == 0 {
		return Step{Verb: Login, Who: t.who, N: someone, Ms: ms}, true
	}
	if t.claim != nil && t.actor == nil && g.own.IntN(10) == 0 {
		return Step{Verb: Claim, Who: t.who, N: int64(g.own.IntN(8) / 7), Ms: ms}, true
	}
	roll := g.own.Float64()
	for _, e := range g.changes {
		if roll -= e.rate; roll < 0 {
			return g.accountEvent(d, Step{Verb: e.verb, Who: t.who, N: someone, Ms: ms}), true
		}
	}
	return Step{}, false
}

func (g *generator) accountEvent(d *device, st Step) Step {
	switch st.Verb {
	case Logout:
		st.N = int64(g.own.IntN(choices))
	case Claim:
		st.N = int64(g.own.IntN(2))
	case Role, Disable: // mostly back to what most of them are
		st.N = 2*st.N + int64((1+g.own.IntN(5))/3)
	case Follow:
		for _, b := range d.browsers {
			for i := 0; b != nil && i < d.config.Tabs; i++ {
				if b.slots[i].stale() {
					st.Who = b.slots[i].who
				}
			}
		}
	}
	return st
}
