package sim

import (
	"context"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// device is an installation of a browser. It has the data of nobody, and of each account that has
// signed in, which are a browser each: they share what all tabs of a real one do. Each tab shows
// the data of one of them, those of whom the device took note when the tab was loaded.
type device struct {
	world    *world
	place    int // among the script's browsers
	config   Browser
	browsers []*browser // by account; nil if it was never here

	account int    // whose data a page loads: what localStorage has
	role    string // of that account
	cookie  string // the secret of a session; "" for none
	left    []left // data that the next page deletes

	databases map[string]*memdb.Database
	channels  map[string]*memory.Channel
	locksOf   map[string]*locks // by suffix

	ahead     time.Duration // of its clock, which also drifts
	driftPPM  int64
	offline   bool
	oneWay    bool // offline, but requests still arrive
	signedOut bool // a proxy answers 401
}

func newDevice(w *world, place int, c Browser) *device {
	return &device{
		world: w, place: place, config: c, browsers: make([]*browser, 1+w.script.Accounts),
		databases: map[string]*memdb.Database{}, channels: map[string]*memory.Channel{}, locksOf: map[string]*locks{},
		ahead: time.Duration(c.SkewMs) * time.Millisecond, driftPPM: c.DriftPPM,
	}
}

// data are an account's data on this device, which may be none yet.
func (d *device) data(number int) *browser {
	if d.browsers[number] == nil {
		d.browsers[number] = newBrowser(d, number)
		d.world.browsers = append(d.world.browsers, d.browsers[number])
	}
	return d.browsers[number]
}

// shown are the data that a page shows which is loaded now.
func (d *device) shown() *browser { return d.data(d.account) }

// accountStride is how far the numbers of one device's browsers are apart in scripts.
const accountStride = 8

// channel returns what a name stands for on this device, as locks does.
func (d *device) channel(names directory.Names) *memory.Channel {
	if d.channels[names.Channel] == nil {
		d.channels[names.Channel] = memory.NewChannel()
	}
	return d.channels[names.Channel]
}

func (d *device) locksFor(names directory.Names) *locks {
	if d.locksOf[names.Suffix] == nil {
		d.locksOf[names.Suffix] = &locks{held: map[string]*hold{}}
	}
	return d.locksOf[names.Suffix]
}

// load loads the tab number i: with the data of whom the device has taken note.
func (d *device) load(i int) {
	for _, b := range d.browsers {
		if b != nil {
			b.slots[i].close()
		}
	}
	given := d.left
	d.left = nil
	for _, l := range given {
		d.data(l.account).delete(l.told)
	}
	b := d.shown()
	b.dropped = false
	t := b.slots[i]
	t.closed, t.role = false, d.role
	t.boot()
	for _, b := range d.browsers {
		if b != nil {
			b.staffed()
		}
	}
	t.backgroundSlot.pending = append(t.backgroundSlot.pending, t.greet)
}

// staffed has the worker of an account's data run as long as a tab shows them. The service worker
// has been installed by then.
func (b *browser) staffed() {
	open := false
	for _, s := range b.slots[:b.config.Tabs] {
		open = open || !s.closed
	}
	for _, s := range b.slots {
		switch worker := s.who.Kind == host && s.who.Index == 0; {
		case open && s.who.Kind == host && s.closed:
			s.closed = false
			s.boot()
		case !open && worker && !s.closed:
			s.close()
		}
	}
}

// close ends a process for good: its tab shows other data.
func (s *slot) close() {
	if s.closed {
		return
	}
	s.end()
	s.closed, s.leaves, s.claim, s.form, s.replica, s.stream = true, false, nil, nil, nil, stream{}
	if s.users != nil {
		s.users.Close()
		s.users = nil
	}
	if s.backgroundSlot != nil {
		s.backgroundSlot.pending = nil
	}
}

// left are an account's data that a person has left, with the unsent work that they have given up.
type left struct {
	account int
	told    map[string]bool
}

// delete deletes an account's data, and so the connections of all that have them open. Unsent work
// goes along only if its person was told of it.
func (b *browser) delete(told map[string]bool) {
	b.w.stats.hit("data deleted")
	for id := range b.queued() {
		if !told[id] {
			b.w.fail(13, "operation %s was deleted with the data of account %d, which nobody has decided", id, b.account)
		}
	}
	for _, s := range b.slots {
		s.end()
	}
	b.fresh()
	b.dropped = true
	for i, s := range b.slots {
		switch {
		case s.who.Kind == host:
			s.close()
		case s.who.Kind == tab && !s.closed:
			b.load(i)
		}
	}
}

// stale reports whether a tab shows other data than a page that is loaded now.
func (s *slot) stale() bool {
	return s.who.Kind == tab && !s.closed && s.b.account != s.b.device.account
}

// crash ends all processes of the device, and starts those that show data.
func (d *device) crash() {
	for _, b := range d.browsers {
		for i := 0; b != nil && i < len(b.slots); i++ {
			if s := b.slots[i]; !s.closed {
				s.end()
				s.close()
			}
		}
	}
	for i := range d.config.Tabs {
		d.load(i)
	}
}

// evict drops all that the device has stored. The cookie stays.
func (d *device) evict() {
	d.account, d.role, d.left = nobody, "", nil
	for _, b := range d.browsers {
		if b != nil {
			b.fresh()
			b.dropped = true
		}
	}
	d.crash()
}

// hosted returns a host that works with the data, though no tab shows them: the service worker.
func (s *slot) hosted() bool {
	if s.closed && s.who.Kind == host && s.who.Index > 0 && !s.b.dropped {
		s.closed = false
		s.boot()
	}
	return !s.closed
}

// ownerHeader says whose data a request is about, whatever it says itself. Only checks read it.
const ownerHeader = "Sim-Owner"

// dressed is a request as a browser sends it. If it is about data, it says whose.
func (s *slot) dressed(r sync.Request, data bool) sync.Request {
	if !s.w.accounts.are() {
		return r
	}
	header := map[string]string{}
	for k, v := range r.Header {
		header[k] = v
	}
	if s.b.cookie != "" {
		header["Cookie"] = sessionCookie + "=" + s.b.cookie
	}
	if data {
		header[ownerHeader] = strconv.Itoa(s.b.account)
		owner := s.b.account
		if brokenDevice("account-of-the-cookie") {
			owner = s.w.accounts.admitted(s.b.cookie)
		}
		if !s.mum() {
			header[api.HeaderAccount] = api.ForAccount(idOf(owner))
		}
	}
	r.Header = header
	return r
}

// jump moves the device's clock.
func (d *device) jump(by time.Duration) {
	d.ahead += by
	for _, b := range d.browsers {
		if b == nil {
			continue
		}
		b.clockCompared = false
		for _, s := range b.slots {
			s.clockMeasured = false
			s.clockJumped = s.clockJumped || (s.actor != nil && (s.at == sending || s.at == answering))
		}
	}
}

// enter signs in without the network, and loads all tabs.
func (d *device) enter(number int) {
	d.cookie, d.account, d.role = d.world.accounts.sessionFor(number), number, string(account.Editor)
	for i := range d.config.Tabs {
		d.load(i)
		d.shown().slots[i].startPending()
	}
	d.world.finish()
}

// settle has nobody's work taken over.
func (d *device) settle() {
	from, number := d.data(nobody), 1
	for _, b := range d.browsers[1:] {
		if b != nil && !b.dropped {
			number = b.account
		}
	}
	if taker, _, err := repository.Taking(context.Background(), from.stored()); err == nil && taker != "" && !brokenDevice("nobodys-taken-twice") {
		number, err = strconv.Atoi(taker)
		d.world.must(err)
	}
	for n := range 8 {
		if from.dropped || len(from.queued()) == 0 || d.world.over() {
			return
		}
		d.enter(number)
		b := d.data(number)
		b.returns()
		b.slots[len(b.slots)-1].round(sync.Manual)
		d.world.finish()
		discard := n > 5 && b.checker.rejected > 0 // whose users have to wait for the person
		t := b.slots[0]
		t.begin(Claim, func(ctx context.Context) error { return t.answerClaim(ctx, discard) })
		d.world.finish()
	}
	d.world.fail(2, "nobody's work on device %d is still nobody's", d.place)
}

// returns signs in as the account whose data these are, if there are any, and reports whether it
// could.
func (b *browser) returns() bool {
	if !b.w.accounts.are() {
		return true
	}
	if b.dropped || b.account == nobody && b.w.accounts.closed {
		return false
	}
	b.cookie = ""
	if b.account != nobody {
		b.cookie = b.w.accounts.sessionFor(b.account)
	}
	for _, s := range b.slots {
		if s.who.Kind == host && s.closed {
			s.closed = false
			s.boot()
		}
	}
	return true
}

// checkGone checks that nothing is left of data that were given up.
func (b *browser) checkGone() {
	if n := len(b.queued()); n > 0 {
		b.w.fail(2, "%d operations of account %d on device %d are in data that nobody opens any more", n, b.account, b.place)
	}
}
