package sim

// scenario is a sequence of moves that chance alone would produce too rarely. Everything
// else goes on around it.
type scenario []move

// move is a step of a scenario, and how far its actor runs before the next move: to its
// end, or to a pause point.
type move struct {
	Step
	until pausePoint
	fault Fault // injected once, where possible
}

// roles are the slots a scenario uses: a browser's tabs (the same one twice if it has one)
// and hosts, another browser's tab and host. And an entity.
type roles struct {
	tab, tab2, host, host2 Who
	otherTab, otherHost    Who
	entity                 int
	fields                 int64 // for an update
}

// passedOn numbers an email that nobody else types.
const passedOn = 900

// scenarios, each with what it provokes.
var scenarios = []func(roles) scenario{
	// An answer is overtaken by a newer one.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.host}, until: applying},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Wait, Who: c.tab, N: 16_000}},
			{Step: Step{Verb: Get, Who: c.tab2, Entity: c.entity}},
		}
	},
	// The same, after both changed the entity.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.host}, until: applying},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Wait, Who: c.tab, N: 16_000}},
			{Step: Step{Verb: Get, Who: c.tab2, Entity: c.entity}},
		}
	},
	// A page of the feed is overtaken by a fetched row.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.host}, until: applying},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Wait, Who: c.tab, N: 16_000}},
			{Step: Step{Verb: Get, Who: c.tab2, Entity: c.entity}},
		}
	},
	// An operation takes effect unnoticed; others change the entity; a second operation is
	// based on a state that only this browser saw.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.host}, fault: Answered502},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.host}, fault: Answered502},
			{Step: Step{Verb: Update, Who: c.tab2, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.host2}},
		}
	},
	// A row is fetched and the server's backup restored just before the feed is read from
	// its beginning.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Backup, Who: c.tab}},
			{Step: Step{Verb: Create, Who: c.otherTab, Entity: -1}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Evict, Who: c.tab}},
			{Step: Step{Verb: Round, Who: c.host}, until: sending},
			{Step: Step{Verb: Get, Who: c.tab, Entity: -1}, until: writing},
			{Step: Step{Verb: Restore, Who: c.tab}},
			{Step: Step{Verb: Run, Who: c.tab}},
		}
	},
	// The clock is set, and the host that had measured it gets no quick answer since.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Jump, Who: c.tab, N: -86_400_000}},
			{Step: Step{Verb: Round, Who: c.host2, N: 1}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}, fault: ReplyDelayed},
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1}},
		}
	},
	// Two tabs decide about one rejected operation.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1, N: 1}},
			{Step: Step{Verb: Create, Who: c.otherTab, Entity: -1, N: 1}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Discard, Who: c.tab}, until: writing},
			{Step: Step{Verb: Retry, Who: c.tab2}},
		}
	},
	// A rejected entity is deleted, and that is undone.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Create, Who: c.otherTab, Entity: -1, N: 1}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1, N: 1}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Delete, Who: c.tab, Entity: -1}},
			{Step: Step{Verb: Undo, Who: c.tab, Entity: -1}},
		}
	},
	// A create takes effect but fails until it is rejected; then the entity is deleted.
	func(c roles) scenario {
		m := scenario{{Step: Step{Verb: Create, Who: c.tab, Entity: -1}}}
		for range 5 {
			m = append(m, move{Step: Step{Verb: Round, Who: c.host, N: 1}, fault: Answered500})
		}
		return append(m, move{Step: Step{Verb: Delete, Who: c.tab, Entity: -1}})
	},
	// A form stays open while others change what it shows, and another tab something else.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Open, Who: c.tab, Entity: c.entity}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Update, Who: c.otherTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Update, Who: c.tab2, Entity: c.entity, N: setName}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}, until: answering},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.host2, N: 1}},
		}
	},
	// A browser is away while others delete, and tombstones are collected.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Delete, Who: c.otherTab, Entity: c.entity}},
			{Step: Step{Verb: Round, Who: c.otherHost, N: 1}},
			{Step: Step{Verb: Wait, Who: c.tab, N: retention + 1000}},
			{Step: Step{Verb: Collect, Who: c.tab, N: retention}},
		}
	},
	// An email is passed on, to somebody who has unsent work already.
	func(c roles) scenario {
		return scenario{
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1, N: passedOn}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Update, Who: c.tab2, Entity: -1, N: setEmail + (passedOn+1)*emailBits}},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: setEmail + passedOn*emailBits}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
		}
	},
}

// nextMove returns the next step of the current scenario; false if there is none.
func (g *generator) nextMove(w *world, ms int64) (Step, bool) {
	for len(g.scenario) > 0 {
		m := &g.scenario[0]
		s := w.slotOf(m.Who)
		g.moves++
		if g.moves > 80 || s == nil {
			g.scenario = nil
			break
		}
		if !g.begun {
			if s.actor != nil && ready(s) && m.ofSlot() && m.Verb != Run {
				return Step{Verb: Run, Who: s.who, Ms: ms}, true // first to its end
			}
			g.begun, g.moves = true, 0
			st := m.Step
			st.Ms = ms
			return st, true
		}
		if m.ofSlot() && ready(s) && s.pausedAt() != m.until {
			st := Step{Verb: Run, Who: s.who, Ms: ms}
			if s.actor.at == answering && m.fault != NoFault {
				st.Fault, m.fault = m.fault, NoFault
			}
			return st, true
		}
		g.scenario, g.begun, g.moves = g.scenario[1:], false, 0
	}
	return Step{}, false
}

// ofSlot reports whether the move runs an actor in a slot.
func (m *move) ofSlot() bool {
	switch m.Verb {
	case Round, Run, Create, Open, Update, Delete, Undo, Get, Retry, Discard, Accept, Reverse, Login, Logout, Claim, Greet:
		return true
	}
	return false
}

// pausedAt is where the slot's actor pauses. A host about to save an answer is applying.
func (s *slot) pausedAt() pausePoint {
	if s.actor.at == writing && s.who.Kind == host && s.answer.status == 200 {
		return applying
	}
	return s.actor.at
}

// castRoles chooses the roles of a scenario.
func (g *generator) castRoles(w *world) roles {
	i := g.rng.IntN(len(w.devices))
	a, b := w.devices[i].shown(), w.devices[(i+1)%len(w.devices)].shown()
	tabs := a.config.Tabs
	h := g.rng.IntN(hosts)
	return roles{
		tab: Who{a.number, tab, 0}, tab2: Who{a.number, tab, tabs - 1},
		host: Who{a.number, host, h}, host2: Who{a.number, host, (h + 1) % hosts},
		otherTab: Who{b.number, tab, 0}, otherHost: Who{b.number, host, h},
		entity: g.entity(a), fields: setBio + 1000*emailBits,
	}
}

// beginScenario starts a random scenario.
func (g *generator) beginScenario(w *world) {
	c := g.castRoles(w)
	g.start(scenarios[g.rng.IntN(len(scenarios))](c))
}

func (g *generator) start(s scenario) {
	g.scenario, g.begun, g.moves = s, false, 0
	made := false
	for i := range g.scenario {
		m := &g.scenario[i]
		if m.Verb == Create {
			m.Entity, g.next, made = g.next, g.next+1, true
			if m.N == 0 {
				m.N = int64(1000 + g.rng.IntN(1<<20))
			}
		} else if m.Entity < 0 && made {
			m.Entity = g.next - 1
		}
	}
}
