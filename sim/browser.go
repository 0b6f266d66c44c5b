package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Kinds of slots.
const (
	tab    byte = 't'
	behind byte = 'b'
	host   byte = 'h'
)

// hosts is how many each browser has: the leader's worker and the service worker.
const hosts = 2

// maxWait bounds what an operation may be told to wait: the longest Retry-After
// that is believed, beyond the longest backoff.
const maxWait = time.Hour

// browser is a client: storage, channel and locks that its tabs and hosts share.
type browser struct {
	w       *world
	number  int
	store   *memory.Store
	storage int // counts up when the storage is evicted
	channel *memory.Channel
	locks   *locks
	slots   []*slot
	ledger  *ledger
	fence   int64 // of the latest round

	ahead      time.Duration // of its clock, which also drifts
	driftPPM   int64
	compared   bool // with the server's, since it was last changed
	comparedAt time.Time
	spoiled    map[string]bool // entities, behind the engine's back
	restored   bool            // the server was, since this browser last resynced
	offline    bool
	oneWay     bool // offline, requests still arrive
	signedOut  bool

	pages   map[string]sync.Response // of the feed, as something on the way may keep them
	ids     uint64
	deleted map[int]repository.Record[api.User] // what Undo would bring back, by entity
}

// slot is a tab or a host; at most one thing runs in it at a time.
type slot struct {
	*actor // nil when nothing runs
	w      *world
	b      *browser
	who    Who

	frozen   bool
	frozenAt time.Time
	waits    string // the lock it waits for
	mute     bool   // and its holder's messages do not arrive
	deaf     bool   // its lock was stolen, and it has not been told
	nextID   string // when set, the next new id

	// Of a tab, which shares what it has with what runs behind it, and the other way round.
	users      *directory.Collection
	behind     *slot
	tab        *slot
	background []func()

	// Of a host.
	engine *sync.Engine
	fence  int64
	dated  bool // an answer told the server's time since the clock was changed
	misled bool // the clock was changed during a request, unnoticeably for who has no other

	// What the ledger goes by.
	doing     Verb
	about     int // the entity that a person works on
	began     time.Time
	came      int // operations, by what runs
	left      int
	uncertain bool // some transaction may or may not have happened
	asked     int  // requests
	deciding  bool // a transaction of it is open
	batch     []api.Operation
	heard     heard
	report    sync.Report
	err       error
}

func newBrowser(w *world, number int, c Browser) *browser {
	b := &browser{
		w: w, number: number, channel: memory.NewChannel(), locks: &locks{held: map[string]*hold{}},
		ahead: time.Duration(c.SkewMs) * time.Millisecond, driftPPM: c.DriftPPM,
		pages:   map[string]sync.Response{},
		deleted: map[int]repository.Record[api.User]{},
	}
	b.ledger = newLedger(b)
	for i := range c.Tabs {
		b.slots = append(b.slots, &slot{w: w, b: b, who: Who{number, tab, i}})
	}
	for _, s := range b.slots[:c.Tabs] {
		s.behind = &slot{w: w, b: b, who: Who{number, behind, s.who.Index}, tab: s}
		b.slots = append(b.slots, s.behind)
	}
	for i := range hosts {
		b.slots = append(b.slots, &slot{w: w, b: b, who: Who{number, host, i}})
	}
	b.fresh()
	if c.Strategy != "" {
		// Settings are no business of this simulation's storage faults.
		w.must(b.store.SetMeta(context.Background(), map[string]string{sync.MetaStrategy + api.EntityUser: c.Strategy}))
	}
	for _, s := range b.slots {
		s.boot()
	}
	return b
}

// fresh gives the browser an empty storage.
func (b *browser) fresh() {
	b.store = memory.New(directory.Users)
	b.store.Now = b.clock
	b.storage = b.w.storages
	b.w.storages++
	b.fence, b.compared, b.spoiled = 0, false, map[string]bool{}
	b.ledger.evicted()
}

// clock is what the browser believes the time is.
func (b *browser) clock() time.Time {
	drift := b.w.now.Sub(epoch) / 1_000_000 * time.Duration(b.driftPPM)
	return b.w.now.Add(b.ahead + drift)
}

func (s *slot) newID() string {
	if id := s.nextID; id != "" {
		s.nextID = ""
		return id
	}
	s.b.ids++
	return fmt.Sprintf("%02x%06x-0000-4000-8000-%012x", s.b.number+1, s.b.storage, s.b.ids)
}

// entityID is the id of the entity that scripts call by a number.
func entityID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// boot starts the page or the worker in a slot: nothing is left of an earlier one.
func (s *slot) boot() {
	if s.who.Kind == behind {
		return
	}
	config := s.w.script.Browsers[s.b.number]
	if s.users != nil {
		s.users.Close()
	}
	s.nextID = ""
	server := &sync.HTTPRemote{HTTP: network{s}, Paths: directory.Paths}
	if s.who.Kind == tab {
		s.behind.background = nil
		s.users = repository.New(repository.Config[api.User, api.UserPatch]{
			Store: storage{s}, Bus: s.b.channel.Bus(), Remote: server,
			Schema: directory.Users, Codec: directory.Codec,
			Now: s.b.clock, After: s.w.after, NewID: s.newID,
			Go: func(f func()) { s.behind.background = append(s.behind.background, f) },
		})
		return
	}
	if config.OldHost && s.who.Index == 1 {
		server.HTTP = oldVersion{server.HTTP, s.w.stats}
	}
	var remote sync.Remote = server
	if config.OldHost && s.who.Index == 1 {
		remote = noDigests{remote}
	}
	if config.PageSize > 0 {
		remote = smallPages{remote, config.PageSize}
	}
	s.engine = sync.New(ports(sync.Config{
		Store: storage{s}, Remote: remote, Locks: lockUser{s}, Bus: s.b.channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: s.b.clock, Random: s.w.random, NewID: s.newID,
	}))
	server.Observe = s.engine.ObserveClock
}

// begin starts something in an empty slot.
func (s *slot) begin(doing Verb, do func(context.Context) error) {
	if s.actor != nil || s.w.violation != nil {
		return
	}
	s.doing, s.came, s.left, s.uncertain, s.err, s.waits, s.deaf = doing, 0, 0, false, nil, "", false
	s.asked, s.mute = 0, false
	s.began, s.heard, s.batch, s.dated, s.misled = s.w.now, heard{}, nil, false, false
	s.w.runs = s
	s.actor = start(func(a *actor) {
		s.actor = a
		s.err = do(context.Background())
	})
	s.w.runs = nil
}

// goOn begins what a tab has left to be done behind the person's back.
func (s *slot) goOn() {
	if s.behind == nil || s.behind.actor != nil || len(s.behind.background) == 0 {
		return
	}
	f := s.behind.background[0]
	s.behind.background = s.behind.background[1:]
	s.w.stats.hit("done in the background")
	s.behind.begin(Get, func(context.Context) error {
		f()
		return nil
	})
}

// me is who runs in a tab's process: the tab, or what it does in the background.
func (s *slot) me() *slot {
	if s.behind != nil && s.w.runs == s.behind {
		return s.behind
	}
	return s
}

// resume lets what runs in the slot go on.
func (s *slot) run(f Fault) {
	if s.actor == nil || s.frozen {
		return
	}
	s.w.stats.steps++
	if f != NoFault {
		s.w.tell("%s meets %s", s.who, f)
	}
	s.w.runs = s
	alive := s.actor.resume(f)
	s.w.runs = nil
	if !alive {
		s.w.tell("%s has done its %s: %v", s.who, s.doing, s.err)
		s.actor = nil
	}
}

// finish lets it go on as long as it can, with what it does in the background.
func (s *slot) finish() {
	for n := 0; n < healSteps && s.actor != nil && !s.frozen && !s.blocked(); n++ {
		s.run(NoFault)
	}
	if s.behind != nil {
		s.goOn()
		s.behind.finish()
	}
}

// process is the slot a process is named by, and what else runs in it.
func (s *slot) process() []*slot {
	switch {
	case s.tab != nil:
		return s.tab.process()
	case s.behind != nil:
		return []*slot{s, s.behind}
	}
	return []*slot{s}
}

// freeze stops a process; thaw lets it go on.
func (s *slot) freeze() {
	for _, s := range s.process() {
		if s.actor != nil && !s.frozen {
			s.w.stats.hit("frozen")
			if s.b.locks.holder(sync.RoundLock) == s {
				s.w.stats.hit("frozen with the lock")
			}
		}
		if !s.frozen {
			s.frozen, s.frozenAt = true, s.w.now
		}
	}
}

func (s *slot) thaw() {
	for _, s := range s.process() {
		s.frozen = false
	}
}

// kill ends the slot's process; another is there when it is needed.
func (s *slot) kill() {
	process := s.process()
	for _, s := range process {
		if s.actor != nil {
			s.w.stats.hit("killed " + placeNames[s.actor.at])
			s.w.runs = s
			s.actor.kill()
			s.w.runs = nil
			s.actor = nil
		}
		s.frozen, s.waits, s.mute = false, "", false
	}
	process[0].boot()
}

// crash ends everything in the browser.
func (b *browser) crash() {
	for _, s := range b.slots {
		s.kill()
	}
}

// evict loses the browser's storage, as browsers do when nobody looks.
func (b *browser) evict() {
	if len(b.ledger.ops) > 0 {
		b.w.stats.hit("operations evicted")
	}
	b.fresh()
	b.crash()
}

// round begins a round of the engine in a host.
func (s *slot) round(reason sync.Reason) {
	s.begin(Round, func(ctx context.Context) error {
		report, err := s.engine.Round(ctx, reason)
		s.report = report
		return err
	})
}
