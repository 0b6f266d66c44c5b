package sim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Result is the result of a history.
type Result struct {
	Script    *Script
	Violation *Violation // nil when all invariants held
	Stats     *Stats
	Trace     uint64 // a hash; equal for equal histories
}

// Play plays a script, ends all faults, lets the browsers sync until they are quiet, and
// checks the final state. An error is the simulator's own. A log that is not nil receives
// a line for each thing that happens.
func Play(script *Script, log io.Writer) (Result, error) {
	return play(script, log, func(w *world) (Step, bool) {
		if w.step < len(script.Steps) {
			return script.Steps[w.step], true
		}
		return Step{}, false
	})
}

func play(script *Script, log io.Writer, next func(*world) (Step, bool)) (Result, error) {
	w, err := newWorld(script, log)
	if err != nil {
		return Result{}, err
	}
	for !w.over() {
		st, ok := next(w)
		if !ok {
			break
		}
		w.do(st)
	}
	if !w.over() {
		w.heal()
	}
	if !w.over() {
		w.checkEnd()
	}
	for _, b := range w.browsers {
		for _, s := range b.slots {
			if s.actor != nil {
				s.actor.kill()
			}
			if s.users != nil {
				s.users.Close()
			}
		}
	}
	w.must(w.server.close())
	w.stats.Histories = 1
	return Result{Script: script, Violation: w.violation, Stats: w.stats, Trace: w.trace()}, w.failed
}

// trace hashes the history.
func (w *world) trace() uint64 {
	h := uint64(14695981039346656037)
	mix := func(n int64) { h = (h ^ uint64(n)) * 1099511628211 }
	mix(int64(w.stats.steps))
	mix(int64(w.stats.requests))
	mix(w.now.UnixMicro())
	for _, id := range w.server.model.ids() {
		e := w.server.model.entities[id]
		mix(e.version)
		mix(e.change)
		for _, c := range e.fields.Name + e.fields.Email + e.fields.Bio {
			mix(int64(c))
		}
	}
	return h
}

const (
	// After the faults end, running actors may take healSteps more steps and browsers
	// healRounds rounds to become quiet.
	healSteps  = 20000
	healRounds = 24
)

// heal ends all faults and runs everything to its end.
func (w *world) heal() {
	w.healed = true
	w.accounts.heal()
	for _, b := range slices.Clone(w.browsers) {
		b.offline, b.signedOut = false, false
		if len(b.corrupted) > 0 {
			b.readAnew()
		}
		if w.script.Reboot {
			w.stats.hit("rebooted before the end")
			b.crash()
		}
		for _, s := range b.slots {
			s.frozen = false
			s.startCalled()
		}
	}
	w.finish()
	w.accounts.settle()
	for len(w.inFlight) > 0 && !w.over() {
		w.deliver(0)
	}
	// Each host in turn must find nothing to do: an old one does not do everything.
	for n, calm := 0, 0; !w.over(); n++ {
		if n == healRounds {
			w.fail(8, "after %d rounds without faults some browser still has work to do", n)
			return
		}
		w.pass(7 * time.Minute)
		calm++
		if !w.quiet(n) {
			calm = 0
		}
		if calm == hosts {
			return
		}
	}
}

// finish runs all actors to their end.
func (w *world) finish() {
	for n, busy := 0, true; busy && !w.over(); {
		busy = false
		for _, b := range w.browsers {
			for _, s := range b.slots {
				if s.actor == nil {
					continue
				}
				busy = true
				s.run(NoFault)
				s.startPending()
				s.startCalled()
				n++
				if n > healSteps {
					w.fail(10, "%s does not finish", s.who)
				}
			}
		}
	}
}

// quiet runs a round in each browser, and reports whether none had anything to do.
func (w *world) quiet(n int) bool {
	quiet := true
	for _, b := range w.browsers {
		s := b.slots[len(b.slots)-1-n%hosts]
		if !b.returns() {
			continue
		}
		s.round(sync.Manual)
		w.finish()
		r := s.report
		if s.err != nil {
			w.fail(8, "%s cannot sync without faults: %v", s.who, s.err)
		}
		if r.Repaired+r.Pushed+r.Pulled+r.Conflict+r.Waiting > 0 || r.More {
			quiet = false
		}
	}
	return quiet
}

// checkEnd checks the final state: every replica equals the server, and every operation
// is accounted for.
func (w *world) checkEnd() {
	ctx := context.Background()
	w.checkServer(ctx)
	for _, b := range w.browsers {
		if b.dropped || b.account == nobody && w.accounts.closed {
			b.checkGone()
			continue
		}
		if drift := b.clock().Sub(w.now) - b.ahead; drift.Abs() >= time.Second {
			w.stats.hit("clock drifted by a second")
		}
		clear(b.corrupted)
		if w.script.Seed%4 == 0 {
			b.checkReplicas(ctx)
		}
		w.checkHealth(ctx, b)
		w.checkOutcomes(ctx, b)
		for _, id := range w.server.model.ids() {
			w.checkReplica(ctx, b, id, w.server.model.entities[id])
		}
		b.checker.checkUntouched("the end")
		b.checkCursor()
		w.checkQueue(ctx, b)
		w.checkRows(ctx, b)
	}
}

// checkServer checks that the server has what its answers said.
func (w *world) checkServer(ctx context.Context) {
	p, err := w.server.store.Changes(ctx, "", api.MaxChanges)
	if err != nil {
		w.fail(8, "read the feed: %v", err)
		return
	}
	live := 0
	for _, c := range p.Changes {
		e := w.server.model.entities[c.EntityID]
		f, _ := w.reader.fieldsOf(c.Document)
		if c.Version != e.version || c.Deleted != e.deleted || f != e.fields {
			w.fail(3, "the server has entity %s as %d %+v; its effects make %d %+v", c.EntityID, c.Version, f, e.version, e.fields)
		}
		if !c.Deleted {
			live++
		}
	}
	for _, e := range w.server.model.entities {
		if !e.deleted {
			live--
		}
	}
	if live != 0 {
		w.fail(3, "the server has %d users more than its effects make", live)
	}
}

func (w *world) checkReplica(ctx context.Context, b *browser, id string, e entity) {
	got, err := b.stored().Entity(ctx, userRef(id))
	if err != nil {
		w.fail(8, "read entity %s: %v", id, err)
		return
	}
	switch {
	case got.Confirmed == nil && !e.deleted:
		w.fail(8, "browser %d lacks entity %s", b.number, id)
	case got.Confirmed != nil && e.deleted:
		w.fail(7, "browser %d still has entity %s, which was deleted", b.number, id)
	case got.Confirmed != nil:
		f, _ := w.reader.fieldsOf(got.Confirmed.Document)
		if f != e.fields || got.Confirmed.Version != e.version {
			w.fail(8, "browser %d has entity %s as %d %+v, the server as %d %+v", b.number, id, got.Confirmed.Version, f, e.version, e.fields)
		}
	}
	b.checkVisible(userRef(id))
}

// checkQueue checks that only operations that wait for the person are left in the queue.
func (w *world) checkQueue(ctx context.Context, b *browser) {
	ops, err := b.stored().Operations(ctx, 0, 1<<20)
	if err != nil {
		w.fail(8, "read the queue: %v", err)
		return
	}
	for _, o := range ops {
		if o.State != queue.Rejected {
			w.fail(8, "browser %d still has operation %s, %s, after all faults ended", b.number, o.ID, o.State)
		}
	}
}

// checkRows checks that a browser shows nothing that is neither on the server nor queued.
func (w *world) checkRows(ctx context.Context, b *browser) {
	rows, err := b.stored().Rows(ctx, repository.Window{Type: api.EntityUser, Limit: 1 << 20})
	if err != nil {
		w.fail(8, "read the list: %v", err)
		return
	}
	for _, v := range rows.Views {
		e, err := b.stored().Entity(ctx, v.Ref)
		if err != nil {
			w.fail(8, "read entity %s: %v", v.Ref.ID, err)
			return
		}
		t, known := w.server.model.entities[v.Ref.ID]
		if len(e.Operations) == 0 && (!known || t.deleted) {
			w.fail(7, "browser %d shows entity %s, which the server does not have", b.number, v.Ref.ID)
		}
	}
}

// checkReplicas checks that each process's replica has what a new one reads.
func (b *browser) checkReplicas(ctx context.Context) {
	want := b.content(ctx, b.open(b.db.Open(), nil))
	all := map[string]*replica.Store{"the witness": b.stored()}
	for _, s := range b.slots {
		if s.replica != nil {
			s.replica.Doubt()
			all[s.who.String()] = s.replica
		}
	}
	for name, r := range all {
		if got := b.content(ctx, r); got != want {
			b.w.fail(11, "the replica of %s has\n%s\nand a new one\n%s", name, got, want)
		}
	}
}

// content is all that a replica has.
func (b *browser) content(ctx context.Context, r *replica.Store) string {
	var out strings.Builder
	rows, err := r.Rows(ctx, repository.Window{Type: api.EntityUser, Limit: 1 << 20})
	counts, err2 := r.Counts(ctx)
	fmt.Fprintln(&out, counts, rows.Total, len(rows.Views))
	for i, v := range rows.Views {
		fmt.Fprintln(&out, rows.Keys[i].Sort, v.Ref.ID, v.Version, v.State, string(v.Document))
	}
	operations, err3 := r.Operations(ctx, 0, 1<<20)
	for _, o := range operations {
		fmt.Fprintln(&out, o.Seq, o.ID, o.Type, o.State, o.BaseVersion, string(o.Data))
	}
	conflicts, err4 := r.Conflicts(ctx, 1<<20)
	for _, c := range conflicts {
		fmt.Fprintln(&out, c.ID, c.Reviewed, string(c.Theirs))
	}
	meta, err5 := r.Meta(ctx, sync.MetaCursor, sync.MetaCheck, queue.MetaOutcomes)
	digest, err6 := r.Digest(ctx, api.EntityUser)
	fmt.Fprintln(&out, meta, digest.Count)
	b.w.must(firstOf(err, err2, err3, err4, err5, err6))
	return out.String()
}
