package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// Kinds of slots.
const (
	tab        byte = 't'
	background byte = 'b'
	host       byte = 'h'
)

// hosts is the number of engine hosts in a browser: the leader's worker and the service
// worker.
const hosts = 2

// maxWait bounds the delay of an operation: the longest Retry-After the engine honors,
// which exceeds the longest backoff.
const maxWait = time.Hour

// browser is one client: the storage, channel and locks that tabs and hosts share which work with
// the data of one account on one device.
type browser struct {
	*device
	w       *world
	number  int
	account int
	names   directory.Names
	dropped bool // its data were deleted, and no page has loaded them since
	storage int  // number of the database; a new one after each eviction
	db      *memdb.Database
	witness *replica.Store                // see stored
	read    int                           // changes of the database that it may have read
	list    map[queue.Ref]json.RawMessage // what it lists then; nil when nobody has asked
	mail    []letter
	channel *memory.Channel
	locks   *locks
	slots   []*slot
	checker *checker
	fence   int64 // of the latest round

	clockCompared   bool // with the server's, since it was last changed
	clockComparedAt time.Time
	known           map[string]int64 // the highest version of each entity that it has saved
	corrupted       map[string]bool  // entities whose rows were corrupted
	torn, tornText  string           // the copy of the state that was torn last, and what was left
	restored        bool             // the server was restored since the last resync

	alone   map[attempts]int         // how often an operation was sent alone and not answered, in a row
	pages   map[string]sync.Response // feed pages that an intermediary may have cached, by path
	oldList bool                     // a page of the latest resync was such a copy
	copied  map[string]bool          // by cursor: whether the last page that led to it was such a copy
	ids     uint64
	deleted map[int]repository.Record[api.User] // what Undo restores, by entity
}

// attempts are those of one host to send an operation.
type attempts struct {
	host      Who
	operation string
}

// slot is a tab or a host. At most one actor runs in it at a time.
type slot struct {
	*actor // nil when nothing runs
	w      *world
	b      *browser
	who    Who

	closed   bool // no process: the tab shows other data, or no tab has this worker
	frozen   bool
	frozenAt time.Time
	waits    string // the lock it waits for
	mute     bool   // it receives no heartbeats from that lock's holder
	unaware  bool   // its lock was stolen without notification
	nextID   string // when set, the next new id

	replica *replica.Store // of a process; nil for a background slot
	call    call

	// For a tab, its background slot; for a background slot, its tab.
	users          *directory.Collection
	backgroundSlot *slot
	tab            *slot
	pending        []func()
	form           *repository.Record[api.User] // what an open form shows
	role           string                       // of the account, as the page knows it
	leaves         bool                         // the page is to be loaded anew
	claim          *claim                       // the dialog about nobody's work, nil for none
	saw            *fields                      // what the person sees who is writing

	// For a host.
	engine        *sync.Engine
	stream        stream
	reads         int // requests for the feed, by the current actor
	fence         int64
	clockMeasured bool      // an answer has given the server's time since the last clock change
	clockJumped   bool      // the clock changed during a request, which the engine cannot notice
	latest        time.Time // that the engine has read since it saved something

	// For the checker.
	doing         Verb
	entity        int // the entity the person works on
	began         time.Time
	added         int // operations, by the current actor
	removed       int
	uncertain     bool // a transaction's outcome was not reported
	requests      int
	inTransaction bool
	batch         []api.Operation
	answer        answer
	report        sync.Report
	err           error
}

// newBrowser returns an account's data on a device, which are empty. Nobody's are shown by all tabs.
func newBrowser(d *device, account int) *browser {
	w, c, number := d.world, d.config, account*accountStride+d.place
	names := directory.NamesOf(idOf(account))
	b := &browser{
		device: d, account: account, names: names,
		w: w, number: number, channel: d.channel(names), locks: d.locksFor(names),
		alone:   map[attempts]int{},
		pages:   map[string]sync.Response{},
		copied:  map[string]bool{},
		deleted: map[int]repository.Record[api.User]{},
	}
	b.checker = newChecker(b)
	for i := range c.Tabs {
		b.slots = append(b.slots, &slot{w: w, b: b, who: Who{number, tab, i}})
	}
	for _, s := range b.slots[:c.Tabs] {
		s.backgroundSlot = &slot{w: w, b: b, who: Who{number, background, s.who.Index}, tab: s}
		b.slots = append(b.slots, s.backgroundSlot)
	}
	for i := range hosts {
		b.slots = append(b.slots, &slot{w: w, b: b, who: Who{number, host, i}})
	}
	b.fresh()
	if c.Strategy != "" {
		// Settings are written without faults.
		w.must(b.witness.SetMeta(context.Background(), map[string]string{sync.MetaStrategy + api.EntityUser: c.Strategy}))
	}
	for _, s := range b.slots {
		if s.closed = account != nobody && s.who.Kind != background; !s.closed {
			s.boot()
		}
		if s.who.Kind == tab && !s.closed && w.accounts.are() {
			s.backgroundSlot.pending = append(s.backgroundSlot.pending, s.greet)
		}
	}
	return b
}

// fresh gives the browser an empty storage.
func (b *browser) fresh() {
	b.storage = b.w.storages
	b.w.storages++
	if b.db = b.databases[b.names.Database]; b.db == nil || b.witness != nil {
		b.db = memdb.New()
		b.databases[b.names.Database] = b.db
	}
	b.witness, b.read, b.mail = b.open(b.db.Open(), nil), -1, nil
	b.fence, b.clockCompared, b.corrupted, b.torn, b.known = 0, false, map[string]bool{}, "", map[string]int64{}
	b.checker.reset()
}

// clock is the browser's own time.
func (b *browser) clock() time.Time {
	drift := b.w.now.Sub(epoch) / 1_000_000 * time.Duration(b.driftPPM)
	return b.w.now.Add(b.ahead + drift)
}

// now is what the engine reads of the clock. The checker knows the latest time of those it may have
// reckoned with: the clock may be set back before what follows from it is saved.
func (s *slot) now() time.Time {
	now := s.b.clock()
	if now.After(s.latest) {
		s.latest = now
	}
	return now
}

func (s *slot) newID() string {
	if id := s.nextID; id != "" {
		s.nextID = ""
		return id
	}
	s.b.ids++
	return fmt.Sprintf("%02x%06x-0000-4000-8000-%012x", s.b.number+1, s.b.storage, s.b.ids)
}

// entityID is the id of the entity with this number in scripts.
func entityID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// boot starts a fresh page or worker in the slot.
func (s *slot) boot() {
	if s.who.Kind == background {
		return
	}
	config := s.b.config
	if s.users != nil {
		s.users.Close()
	}
	s.nextID = ""
	s.replica = s.b.open(s.connect(), s.publish)
	server := &remote.Server{HTTP: network{s}, Paths: directory.Paths}
	if s.who.Kind == tab {
		s.backgroundSlot.pending = nil
		s.form, s.claim, s.leaves = nil, nil, false
		s.users = repository.New(repository.Config[api.User, api.UserPatch]{
			Store: storage{s}, Bus: s.b.channel.Bus(), Remote: server,
			Schema: directory.Users, Codec: directory.Codec,
			Now: s.b.clock, After: s.w.after, NewID: s.newID,
			Go: func(f func()) { s.backgroundSlot.pending = append(s.backgroundSlot.pending, f) },
		})
		return
	}
	if config.OldHost && s.who.Index == 1 {
		server.HTTP = oldHostHTTP{server.HTTP, s.w.stats}
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
		Schemas: []queue.Schema{directory.Users}, Now: s.now, Random: s.w.random, NewID: s.newID,
		Go: func(f func()) { f() }, // the next page arrives before this one is saved
	}))
	server.Observe = s.engine.ObserveClock
	s.stream = stream{}
}

// begin starts an actor in an empty slot.
func (s *slot) begin(doing Verb, do func(context.Context) error) {
	if s.actor != nil || s.w.violation != nil || s.process()[0].closed {
		return
	}
	s.doing, s.added, s.removed, s.uncertain, s.err, s.waits, s.unaware = doing, 0, 0, false, nil, "", false
	s.requests, s.reads, s.mute = 0, 0, false
	s.began, s.answer, s.batch, s.clockMeasured, s.clockJumped = s.w.now, answer{}, nil, false, false
	s.w.running = s
	s.actor = start(func(a *actor) {
		s.actor = a
		s.err = do(context.Background())
	})
	s.w.running = nil
	s.settle()
}

// settle loads a page anew whose actor has ended, if that is what came of it.
func (s *slot) settle() {
	if page := s.process()[0]; page.leaves && s.actor == nil {
		page.b.load(page.who.Index)
	}
}

// startPending starts the tab's next background task.
func (s *slot) startPending() {
	if s.backgroundSlot == nil || s.backgroundSlot.actor != nil || len(s.backgroundSlot.pending) == 0 {
		return
	}
	f := s.backgroundSlot.pending[0]
	s.backgroundSlot.pending = s.backgroundSlot.pending[1:]
	s.w.stats.hit("done in the background")
	s.backgroundSlot.begin(Get, func(context.Context) error {
		f()
		return nil
	})
}

// me is who runs in a tab's process: the tab, or what it does in the background.
func (s *slot) me() *slot {
	if s.backgroundSlot != nil && s.w.running == s.backgroundSlot {
		return s.backgroundSlot
	}
	return s
}

// run resumes the slot's actor.
func (s *slot) run(f Fault) {
	if s.actor == nil || s.frozen {
		return
	}
	s.w.stats.steps++
	if f != NoFault {
		s.w.logf("%s meets %s", s.who, f)
	}
	s.w.running = s
	alive := s.actor.resume(f)
	s.w.running = nil
	if !alive {
		s.w.logf("%s finished its %s: %v", s.who, s.doing, s.err)
		s.actor = nil
		s.settle()
	}
}

// finish runs the slot's actor, and its background tasks, as far as they can go.
func (s *slot) finish() {
	for n := 0; n < healSteps && s.actor != nil && !s.frozen && !s.blocked(); n++ {
		s.run(NoFault)
	}
	if s.backgroundSlot != nil {
		s.startPending()
		s.backgroundSlot.finish()
	}
}

// process returns the slots of the process: the one that names it first.
func (s *slot) process() []*slot {
	switch {
	case s.tab != nil:
		return s.tab.process()
	case s.backgroundSlot != nil:
		return []*slot{s, s.backgroundSlot}
	}
	return []*slot{s}
}

// freeze stops the slot's process until thaw.
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

// kill ends the slot's process and starts a new one.
func (s *slot) kill() {
	page := s.process()[0]
	if page.closed {
		return
	}
	s.end()
	if page.who.Kind == tab && s.w.accounts.are() {
		page.b.load(page.who.Index)
		return
	}
	page.boot()
}

// end ends the slot's process.
func (s *slot) end() {
	defer func(running *slot) { s.w.running = running }(s.w.running)
	for _, s := range s.process() {
		if s.actor != nil {
			s.w.stats.hit("killed " + pausePointNames[s.actor.at])
			if s.call.moving {
				s.w.stats.hit("killed compacting")
			}
			s.w.running = s
			s.actor.kill()
			s.w.running = nil
			s.actor = nil
		}
		s.frozen, s.waits, s.mute = false, "", false
	}
}

// crash kills all processes of the browser.
func (b *browser) crash() {
	if b.w.accounts.are() {
		b.device.crash()
		return
	}
	for _, s := range b.slots {
		s.kill()
	}
}

// evict drops the browser's storage.
func (b *browser) evict() {
	if len(b.checker.ops) > 0 {
		b.w.stats.hit("operations evicted")
	}
	if b.w.accounts.are() {
		b.device.evict()
		return
	}
	b.fresh()
	b.crash()
}

// round starts a round of the host's engine.
func (s *slot) round(reason sync.Reason) {
	if !s.hosted() {
		return
	}
	s.begin(Round, func(ctx context.Context) error {
		report, err := s.engine.Round(ctx, reason)
		s.report = report
		if err == nil && s.reads == 0 {
			s.w.stats.hit("round that only events told")
		}
		return err
	})
}
