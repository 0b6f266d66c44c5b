package sim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// epoch is the time at which histories begin.
var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// emailRule stands for a rule beside the thirteen invariants: emails are unique.
const emailRule = 0

// Violation is a broken invariant, by its number in docs/ARCHITECTURE.md.
type Violation struct {
	Invariant int
	Text      string
	Step      int // after which it was noticed
}

// Error implements error.
func (v *Violation) Error() string {
	name := fmt.Sprintf("invariant %d", v.Invariant)
	if v.Invariant == emailRule {
		name = "unique emails"
	}
	return fmt.Sprintf("%s, at step %d: %s", name, v.Step, v.Text)
}

// world is a history while it is played.
type world struct {
	script   *Script
	now      time.Time
	server   *server
	accounts *accounts
	devices  []*device
	browsers []*browser
	inFlight []late            // late requests, to be delivered by a step or never
	origins  map[string]origin // by operation
	created  map[string]int    // number in scripts, by entity
	reader   reader
	running  *slot // now
	storages int
	typed    int
	step     int
	healed   bool
	jitter   *rand.Rand
	stats    *Stats
	failed   error     // of the simulator itself
	log      io.Writer // may be nil
	// The first violation ends the history.
	violation *Violation
}

func newWorld(script *Script, log io.Writer) (*world, error) {
	w := &world{
		script: script, now: epoch, log: log, stats: newStats(), origins: map[string]origin{}, created: map[string]int{}, reader: reader{},
		jitter: rand.New(rand.NewPCG(script.Seed, 1)),
	}
	w.accounts = newAccounts(w)
	var err error
	if w.server, err = newServer(w, script.SQLite); err != nil {
		return nil, err
	}
	if !script.Opened {
		w.accounts.close()
	}
	for i, c := range script.Browsers {
		w.devices = append(w.devices, newDevice(w, i, c))
		w.devices[i].data(nobody)
	}
	return w, nil
}

func (w *world) random() float64 { return w.jitter.Float64() }

// after returns a timer that never fires: nothing in a history waits for real time.
func (w *world) after(time.Duration) <-chan time.Time { return nil }

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) fail(invariant int, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{Invariant: invariant, Text: fmt.Sprintf(format, args...), Step: w.step}
	}
}

// logf writes a line to the log, if there is one.
func (w *world) logf(format string, args ...any) {
	if w.log != nil {
		_, _ = fmt.Fprintf(w.log, "%4d  %s\n", w.step, fmt.Sprintf(format, args...))
	}
}

// must notes an error of the simulator's own.
func (w *world) must(err error) {
	if err != nil && w.failed == nil {
		w.failed = err
	}
}

func (w *world) over() bool { return w.violation != nil || w.failed != nil }

// slotOf returns the slot of a step; nil if there is none.
func (w *world) slotOf(who Who) *slot {
	for _, b := range w.browsers {
		for _, s := range b.slots {
			if s.who == who {
				return s
			}
		}
	}
	return nil
}

// do plays a step.
func (w *world) do(st Step) {
	w.begin(st)
	for _, b := range w.browsers {
		for _, s := range b.slots {
			s.startPending()
			s.follow()
			s.startCalled()
		}
	}
	w.checkWaits()
}

func (w *world) begin(st Step) {
	w.step++
	w.pass(time.Duration(st.Ms) * time.Millisecond)
	if st.Verb != Run && st.Verb != Finish {
		w.logf("%s", st)
	}
	if w.doServer(st) || w.accounts.do(st) {
		return
	}
	s := w.slotOf(st.Who)
	if s == nil {
		return
	}
	switch st.Verb {
	case Run:
		s.run(st.Fault)
	case Finish:
		s.finish()
	case Round:
		if s.who.Kind == host {
			s.round(reasons[int(st.N)%len(reasons)])
		}
	case Kill:
		s.kill()
	case Freeze:
		s.freeze()
	case Thaw:
		s.thaw()
	case Mute:
		s.mute = s.waits != ""
	case Tell:
		s.tell(int(st.N))
	case Follow:
		if s.stale() && !s.frozen {
			w.stats.hit("page followed another account")
			s.b.load(s.who.Index)
		}
	default:
		if w.doBrowser(s.b, st) {
			return
		}
		if s.who.Kind == tab {
			s.act(st)
		}
	}
}

// reasons by number.
var reasons = []sync.Reason{sync.Write, sync.Manual, sync.Timer, sync.Start, sync.Stream, sync.Online, sync.Periodic}

func (w *world) doBrowser(b *browser, st Step) bool {
	switch st.Verb {
	case Crash:
		b.crash()
	case Evict:
		w.stats.hit("evicted")
		b.evict()
	case Jump:
		w.stats.hit("clock jumped")
		b.jump(time.Duration(st.N) * time.Millisecond)
	case Corrupt:
		b.corrupt(st)
	case Offline:
		b.offline, b.oneWay = true, st.N == 1
		for _, b := range b.browsers {
			b.closeStreams()
		}
	case Online:
		b.offline = false
	case SignOut:
		b.signedOut = true
	case SignIn:
		b.signedOut = false
	default:
		return false
	}
	return true
}

func (w *world) doServer(st Step) bool {
	switch st.Verb {
	case Wait:
		w.pass(time.Duration(st.N) * time.Millisecond)
	case Deliver:
		w.deliver(int(st.N))
	case Restart:
		w.stats.hit("server restarted")
		w.must(w.server.restart())
	case Collect:
		w.expire(st, w.server.store.Collect, w.server.model.collect, "tombstones collected")
	case Prune:
		w.expire(st, w.server.store.Prune, w.server.model.prune, "records pruned")
	case Backup:
		w.must(w.server.backup())
	case Restore:
		w.putBack("backup restored", func() error { return w.accounts.keep(false, w.server.restore) })
	case Rollback:
		w.putBack("data went back in time", func() error { return w.accounts.keep(true, w.server.rollBack) })
	default:
		return false
	}
	return true
}

// putBack puts the server's backup in the place of its data, if there is one.
func (w *world) putBack(event string, how func() error) {
	if w.server.saved == nil {
		return
	}
	w.stats.hit(event)
	w.inFlight = nil // they met a server that was down
	for _, b := range w.browsers {
		b.restored = true
	}
	w.must(how())
}

// expire removes what is older than N milliseconds, from the store and from the model.
func (w *world) expire(st Step, remove func(context.Context, time.Time) (int64, error), forget func(time.Time), event string) {
	before := w.now.Add(-time.Duration(st.N) * time.Millisecond)
	n, err := remove(context.Background(), before)
	w.must(err)
	forget(before)
	if n > 0 {
		w.stats.hit(event)
	}
}

// late is a request that its sender has given up.
type late struct {
	request sync.Request
	sent    time.Time
}

// deliver delivers a late request, unless it is too old to have survived.
func (w *world) deliver(n int) {
	if len(w.inFlight) == 0 {
		return
	}
	n %= len(w.inFlight)
	r := w.inFlight[n]
	w.inFlight = append(w.inFlight[:n:n], w.inFlight[n+1:]...)
	if w.now.Sub(r.sent) >= retention*time.Millisecond/2 {
		return
	}
	w.stats.hit("delivered late")
	w.server.answer(r.request)
}
