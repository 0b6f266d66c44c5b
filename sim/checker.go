package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// checker follows a browser's queue, transaction by transaction, and knows the only
// reasons for which an operation may leave it.
type checker struct {
	b *browser
	// Rejected and conflicts count what waits for the person.
	rejected, conflicts int
	ops                 map[string]bool
	sent                map[string]string    // payload without stamp, by operation
	seen                map[string]seenState // by operation of a person
	writes              int
	emailWrites         map[string]int // the number of the write of an operation's email
}

// seenState is what a person saw of an entity when they first wrote the fields an
// operation sets, and the era of the server's data at that time.
type seenState struct {
	fields
	era int
}

// origin is the storage an operation was queued in, and its turn there.
type origin struct {
	storage int
	turn    turn
}

func newChecker(b *browser) *checker {
	return &checker{b: b, ops: map[string]bool{}, sent: map[string]string{}, seen: map[string]seenState{}, emailWrites: map[string]int{}}
}

func userRef(id string) queue.Ref { return queue.Ref{Type: api.EntityUser, ID: id} }

func patchOf(data json.RawMessage) (p api.UserPatch, ok bool) {
	if len(data) == 0 {
		return p, true
	}
	return p, json.Unmarshal(data, &p) == nil
}

// checkBatch checks operations as they are sent.
func (c *checker) checkBatch(operations []api.Operation) {
	w := c.b.w
	entities := map[string]bool{}
	for _, o := range operations {
		if entities[o.EntityID] {
			w.fail(4, "two operations of entity %s in one batch", o.EntityID)
		}
		entities[o.EntityID] = true
		from, ok := w.origins[o.ID]
		if !ok || from.storage != c.b.storage && !w.accounts.makers[making{o.ID, c.b.account}] {
			w.fail(3, "operation %s is sent but was never queued here", o.ID)
		}
		o.Stamp = ""
		payload := fmt.Sprintf("%s %s %s %d %v", o.EntityID, o.Type, o.Data, o.BaseVersion, o.CreatedAt)
		if was, ok := c.sent[o.ID]; ok && was != payload {
			w.fail(3, "operation %s is sent as %s after it was sent as %s", o.ID, payload, was)
		}
		c.sent[o.ID] = payload
		c.checkBase(o)
	}
	c.checkEmailOrder(operations)
	w.stats.most("operations in a batch", len(operations))
}

// checkBase checks an operation that would take effect: its base document is the version
// it names.
func (c *checker) checkBase(o api.Operation) {
	w := c.b.w
	now := w.server.model.entities[o.EntityID]
	if c.b.corrupted[o.EntityID] || o.Type != api.Update || o.BaseVersion == 0 || now.deleted || o.BaseVersion != now.version {
		return
	}
	e, err := c.b.stored().Entity(context.Background(), userRef(o.EntityID))
	if err != nil || len(e.Operations) == 0 || e.Operations[0].ID != o.ID {
		return // another round has settled it meanwhile
	}
	data, _ := patchOf(o.Data)
	if saw, ok := c.seen[o.ID]; ok && saw.era == w.server.era {
		replaces := those(data, now.fields, false)
		if masked(now.fields, replaces) != masked(saw.fields, replaces) {
			w.fail(5, "operation %s would replace %+v by %s, but the person saw %+v", o.ID, masked(now.fields, data), o.Data, masked(saw.fields, data))
		}
	}
	lost := e.Confirmed != nil && e.Confirmed.Version > o.BaseVersion
	if w.server.rolledBack && (lost || e.Operations[0].Unseen) {
		return // its version stands for what was seen first; what was seen later may be lost
	}
	saw, _ := fieldsOf(e.Operations[0].Base)
	for _, was := range w.server.model.versions[versionKey{o.EntityID, o.BaseVersion}] {
		if masked(was.fields, data) == masked(saw, data) {
			return
		}
	}
	w.fail(5, "operation %s was made on %+v, which is not version %d of entity %s", o.ID, saw, o.BaseVersion, o.EntityID)
}

// those returns the fields of a patch that f has already, or the others.
func those(p api.UserPatch, f fields, has bool) api.UserPatch {
	for _, field := range []struct {
		set **string
		is  string
	}{{&p.Name, f.Name}, {&p.Email, f.Email}, {&p.Bio, f.Bio}} {
		if *field.set != nil && (**field.set == field.is) != has {
			*field.set = nil
		}
	}
	return p
}

// masked returns f with only the fields the patch sets.
func masked(f fields, p api.UserPatch) fields {
	var out fields
	if p.Name != nil {
		out.Name = f.Name
	}
	if p.Email != nil {
		out.Email = f.Email
	}
	if p.Bio != nil {
		out.Bio = f.Bio
	}
	return out
}

// check compares an entity before and after a transaction.
func (c *checker) check(s *slot, before, after queue.Entity) {
	left, came := difference(before.Operations, after.Operations), difference(after.Operations, before.Operations)
	c.checkUnseen(s, before, after, came)
	c.noteSeen(s, before, left, came)
	c.noteEmails(left, came, s.who.Kind == tab)
	for _, o := range left {
		delete(c.ops, o.ID)
	}
	for _, o := range came {
		c.b.w.accounts.noteMaker(s, o.ID)
		if s.doing == Claim {
			c.checkTaken(o)
		} else {
			c.checkStamp(s, before, o)
		}
		c.ops[o.ID] = true
		c.b.w.origins[o.ID] = origin{c.b.storage, turn(o.Seq)}
	}
	s.added += len(came)
	s.removed += len(left)
	if len(after.Conflicts) > len(before.Conflicts) {
		c.b.w.stats.hit("conflict recorded")
	}
	c.rejected += rejected(after) - rejected(before)
	c.conflicts += unreviewed(after) - unreviewed(before)
	c.checkAttempts(s, before, after)
	c.b.learnAnswer(s, after.Ref.ID, left)
	if after.Confirmed != nil {
		c.b.learn(after.Ref.ID, after.Confirmed.Version)
	}
	c.checkRecorded(s, left, after)
	switch {
	case len(left) == 0 && len(came) == 0:
	case s.who.Kind == host:
		c.checkRound(s, before, after, left)
	default:
		c.checkPerson(s, before, left, came)
	}
}

// checkTaken checks an operation that was taken over from nobody: once it has left the queue, it does
// not come back.
func (c *checker) checkTaken(o queue.Operation) {
	meta, err := c.b.stored().Meta(context.Background(), queue.MetaOutcomes)
	c.b.w.must(err)
	if f, left := queue.FindOutcome(meta[queue.MetaOutcomes], o.ID); left {
		c.b.w.fail(3, "operation %s was taken over again, though it had %s", o.ID, f.Kind)
	}
	c.b.w.stats.hit("operation taken over")
}

// clockError bounds the error of a corrected clock: the server's date has whole seconds,
// the answer may take a few seconds, and the clock drifts.
const clockError = quickAnswer + 4*time.Second

// checkStamp checks that, once the clocks were compared, a write is dated by the server's
// time, whatever the device's clock says.
func (c *checker) checkStamp(s *slot, before queue.Entity, o queue.Operation) {
	if s.who.Kind != tab || s.old() || !c.b.clockCompared || !s.began.After(c.b.clockComparedAt) {
		return
	}
	var prior time.Time
	if before.Confirmed != nil {
		prior = before.Confirmed.Stamp.Time()
	}
	for _, p := range before.Operations {
		prior = later(prior, p.Stamp.Time())
	}
	slack := clockError + c.b.w.now.Sub(epoch)/3000
	at := o.Stamp.Time()
	if at.Before(s.began.Add(-slack)) || at.After(later(c.b.w.now.Add(slack), prior.Add(time.Millisecond))) {
		c.b.w.fail(9, "operation %s is dated %v off, though the clock was compared with the server's", o.ID, at.Sub(c.b.w.now))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// checkUnseen checks that a person's write overwrites nothing that they had not seen. What
// this device has not sent is recorded as a conflict; what came from the server stays a
// conflict for the server to find, since the operation keeps the base that was seen.
func (c *checker) checkUnseen(s *slot, before, after queue.Entity, came []queue.Operation) {
	if s.who.Kind != tab || s.saw == nil || len(came) != 1 || (s.doing != Update && s.doing != Delete) {
		return
	}
	o := came[0]
	now, unsent := queue.Decode(before.Document()), queue.Fields{}
	for _, p := range before.Operations {
		unsent = unsent.With(queue.Decode(p.Data))
	}
	saw, base, told := s.saw.byName(), queue.Decode(o.Base), queue.Fields{}
	for name, value := range saw {
		mine, writes := queue.Decode(o.Data)[name]
		if s.doing == Delete {
			mine, writes = nil, true
		}
		if writes && s.doing == Update && o.Type == api.Update && queue.EqualJSON(mine, value) && !queue.EqualJSON(value, now[name]) {
			c.b.w.fail(14, "operation %s puts %s back to %s, which its author left as they saw it", o.ID, name, value)
		}
		if !writes || queue.EqualJSON(value, now[name]) || queue.EqualJSON(mine, now[name]) {
			continue
		}
		if _, local := unsent[name]; local {
			c.b.w.stats.hit("unsent work overwritten")
			if !recordsLoss(before, after, name, now[name]) {
				c.b.w.fail(14, "operation %s replaces the unsent %s %s, the person saw %s, and no conflict says so", o.ID, name, now[name], value)
			}
			told[name] = now[name] // by the conflict
			continue
		}
		c.b.w.stats.hit("written on what others had changed")
		if before.Confirmed != nil && (!queue.EqualJSON(base[name], value) || o.BaseVersion >= before.Confirmed.Version) {
			c.b.w.fail(14, "operation %s is based on %s %s of version %d, and the person saw %s", o.ID, name, base[name], o.BaseVersion, value)
		}
	}
	if p, ok := patchOf(told.Encode()); ok {
		*s.saw = s.saw.with(p)
	}
}

// recordsLoss reports whether a transaction recorded that a value was overwritten.
func recordsLoss(before, after queue.Entity, name string, lost json.RawMessage) bool {
	for _, conflict := range after.Conflicts[min(len(before.Conflicts), len(after.Conflicts)):] {
		for _, f := range conflict.Fields {
			if f.Name == name && queue.EqualJSON(f.Theirs, lost) {
				return true
			}
		}
	}
	return false
}

// noteSeen notes what a person saw when they wrote. When one operation is merged into
// another, what was seen of its fields moves along, and so does the era it was seen in.
func (c *checker) noteSeen(s *slot, before queue.Entity, left, came []queue.Operation) {
	var now fields
	var there bool
	if before.Confirmed != nil {
		now, there = c.b.w.reader.fieldsOf(before.Confirmed.Document)
	}
	for _, o := range before.Operations {
		now, there = operated(now, there, o)
	}
	if s.who.Kind == tab && s.doing == Claim {
		return // as it was seen where it was made
	}
	if s.who.Kind == tab {
		saw := now
		if s.saw != nil && (s.doing == Update || s.doing == Delete) {
			saw = *s.saw
		}
		for _, o := range came {
			data, _ := patchOf(o.Data) // what it sets to what it is, unseen, replaces nothing
			c.seen[o.ID] = seenState{saw.with(those(data, now, true)), c.b.era()}
		}
	} else if n := len(left); n > 0 && len(before.Operations) > n && len(came) == 0 {
		came = before.Operations[n : n+1]
	}
	for _, into := range came {
		for _, o := range slices.Backward(left) { // the first sight counts
			first, ok := c.seen[o.ID]
			if !ok { // made from a conflict the person was shown
				delete(c.seen, into.ID)
			}
			data, good := patchOf(o.Data)
			if second, both := c.seen[into.ID]; ok && good && both && !c.b.w.server.model.acknowledged[o.ID] {
				second.fields, second.era = second.with(valuesOf(first.fields, data)), min(first.era, second.era)
				if o.Type == api.Delete {
					second.fields = first.fields
				}
				c.seen[into.ID] = second
			}
		}
	}
}

// valuesOf returns a patch that sets the same fields as p, to the values in f.
func valuesOf(f fields, p api.UserPatch) api.UserPatch {
	if p.Name != nil {
		p.Name = &f.Name
	}
	if p.Email != nil {
		p.Email = &f.Email
	}
	if p.Bio != nil {
		p.Bio = &f.Bio
	}
	return p
}

func rejected(e queue.Entity) int {
	if len(e.Operations) > 0 && e.Operations[0].State == queue.Rejected {
		return 1
	}
	return 0
}

func unreviewed(e queue.Entity) (n int) {
	for _, conflict := range e.Conflicts {
		if !conflict.Reviewed {
			n++
		}
	}
	return n
}

// difference returns the operations of a that are not in b, by id.
func difference(a, b []queue.Operation) []queue.Operation {
	var out []queue.Operation
	for _, o := range a {
		if !slices.ContainsFunc(b, func(p queue.Operation) bool { return p.ID == o.ID }) {
			out = append(out, o)
		}
	}
	return out
}

// checkAttempts checks what a round counts as attempts and delays, and what it rejects.
func (c *checker) checkAttempts(s *slot, before, after queue.Entity) {
	now := c.b.clock()
	if s.latest.After(now) {
		now = s.latest
	}
	s.latest = time.Time{}
	for _, o := range after.Operations {
		i := slices.IndexFunc(before.Operations, func(p queue.Operation) bool { return p.ID == o.ID })
		if i < 0 {
			continue
		}
		was := before.Operations[i]
		if o.RetryCount > was.RetryCount {
			c.b.w.stats.hit("answered failure")
			r, answered := s.answer.results[o.ID]
			if !(answered && (r.Status == api.Retry || emailTaken(r))) && s.answer.status != 500 {
				c.b.w.fail(2, "an unanswered attempt of operation %s was counted (status %d)", o.ID, s.answer.status)
			}
		}
		if wait := o.NextAttemptAt.Sub(now); o.NextAttemptAt != was.NextAttemptAt && wait > maxWait {
			c.b.w.fail(12, "operation %s is delayed by %v", o.ID, wait)
		}
		if o.State == queue.Rejected && was.State != queue.Rejected {
			c.checkRejection(s, o)
		}
	}
}

// checkRejection checks that an operation had a reason to become rejected.
func (c *checker) checkRejection(s *slot, o queue.Operation) {
	c.b.w.stats.hit("rejected")
	r, answered := s.answer.results[o.ID]
	refused := s.answer.status >= 400 && s.answer.status != http.StatusUnauthorized && s.answer.status < 500 && len(s.answer.batch) == 1 && s.answer.batch[0].ID == o.ID
	intercepted := s.b.alone[attempts{s.who, o.ID}] >= sync.MaxRefusals
	if !(answered && r.Status == api.Rejected) && !refused && !intercepted && o.RetryCount < queue.MaxServerErrors {
		c.b.w.fail(2, "operation %s became rejected after %d answered failures and status %d", o.ID, o.RetryCount, s.answer.status)
	}
}

// checkRecorded checks that the browser has recorded the outcomes of operations that left.
func (c *checker) checkRecorded(s *slot, left []queue.Operation, after queue.Entity) {
	if len(left) == 0 {
		return
	}
	w := c.b.w
	meta, err := c.b.stored().Meta(context.Background(), queue.MetaOutcomes)
	if err != nil {
		w.fail(2, "read the outcomes: %v", err)
		return
	}
	for _, o := range left {
		f, ok := queue.FindOutcome(meta[queue.MetaOutcomes], o.ID)
		_, byEnded := queue.FindOutcome(meta[queue.MetaOutcomes], f.By)
		byWaits := slices.ContainsFunc(after.Operations, func(p queue.Operation) bool { return p.ID == f.By })
		switch {
		case !ok:
			w.fail(2, "operation %s left the queue without a recorded outcome", o.ID)
		case f.Kind == queue.OutcomeAcknowledged && !w.server.model.acknowledged[o.ID]:
			w.fail(2, "operation %s is recorded as acknowledged, but the server had not taken it", o.ID)
		case f.Kind == queue.OutcomeAcknowledged && f.Version != s.answer.results[o.ID].Version:
			w.fail(2, "operation %s is recorded as version %d, but the answer was %d", o.ID, f.Version, s.answer.results[o.ID].Version)
		case (f.Kind == queue.OutcomeDiscarded) != (s.doing == Discard && s.who.Kind == tab):
			w.fail(13, "operation %s is recorded as %s by a %s", o.ID, f.Kind, s.doing)
		case f.Kind == queue.OutcomeOverruled && !slices.ContainsFunc(after.Conflicts, func(conflict queue.Conflict) bool { return conflict.OperationID == o.ID }):
			w.fail(2, "operation %s is recorded as overruled, but there is no conflict", o.ID)
		case f.Kind == queue.OutcomeSuperseded && (f.By == o.ID || !(byWaits || byEnded)):
			w.fail(2, "operation %s is recorded as superseded by %q, which does not exist", o.ID, f.By)
		default:
			w.stats.hit("outcome: " + string(f.Kind))
		}
	}
}

// checkRound checks operations that left the queue in a round.
func (c *checker) checkRound(s *slot, before, after queue.Entity, left []queue.Operation) {
	w := c.b.w
	if len(before.Operations) == 0 {
		w.fail(3, "a round made operations of entity %s out of nothing", before.Ref.ID)
		return
	}
	head := before.Operations[0]
	r, answered := s.answer.results[head.ID]
	switch {
	case answered && (r.Status == api.Applied || r.Status == api.Duplicate):
		if !w.server.model.acknowledged[head.ID] || len(left) != 1 || left[0].ID != head.ID {
			w.fail(2, "operation %s left the queue, but the server had not taken it", left[len(left)-1].ID)
		}
		if r.Status == api.Applied && len(after.Operations) > 0 && after.Operations[0].BaseVersion != r.Version && !after.Operations[0].Unseen {
			w.fail(5, "operation %s follows one that made version %d, but is based on %d", after.Operations[0].ID, r.Version, after.Operations[0].BaseVersion)
		}
		w.stats.hit("acknowledged")
	case answered && r.Status == api.Conflict:
		c.checkConflict(before, after, left)
	case s.answer.status != 0:
		c.checkFolded(before, after)
	default:
		w.fail(2, "operation %s left the queue in a round without an answer", head.ID)
	}
}

// checkConflict checks a settled conflict: it is recorded, or the operations cancelled
// each other out.
func (c *checker) checkConflict(before, after queue.Entity, left []queue.Operation) {
	for _, conflict := range after.Conflicts {
		if !slices.ContainsFunc(before.Conflicts, func(p queue.Conflict) bool { return p.ID == conflict.ID }) {
			if !c.b.corrupted[before.Ref.ID] {
				c.checkLosses(conflict, before, after)
			}
			return
		}
	}
	if len(after.Operations) == 0 && (cancelOut(before.Operations) || leavesTheirs(before.Operations, after.Confirmed)) {
		return // a deletion undone before it took effect
	}
	c.b.w.fail(2, "operation %s left the queue after a conflict that was not recorded", left[0].ID)
}

// cancelOut reports whether operations delete and together restore what was before them or, if
// the first one creates, what it has created.
func cancelOut(ops []queue.Operation) bool {
	was, _ := fieldsOf(ops[0].Base)
	if ops[0].Type == api.Create && len(ops) > 1 {
		was, _ = operated(fields{}, false, ops[0])
		ops = ops[1:]
	}
	now, there := was, true
	for _, o := range ops {
		now, there = operated(now, there, o)
	}
	deletes := slices.ContainsFunc(ops, func(o queue.Operation) bool { return o.Type == api.Delete })
	return deletes && there && now == was
}

// leavesTheirs reports whether operations delete and restore, and leave no field other than it was or
// than the server has it: nothing of this side's is lost with them.
func leavesTheirs(ops []queue.Operation, theirs *queue.Row) bool {
	was, _ := fieldsOf(ops[0].Base)
	if theirs == nil || !slices.ContainsFunc(ops, func(o queue.Operation) bool { return o.Type == api.Delete }) {
		return false
	}
	have, there := fieldsOf(theirs.Document)
	now := was
	for _, o := range ops {
		now, there = operated(now, there, o)
	}
	for i, value := range now.list() {
		there = there && (value == was.list()[i] || value == have.list()[i])
	}
	return there
}

// checkLosses checks that a conflict in which a side lost a changed value is left for the
// person to review.
func (c *checker) checkLosses(conflict queue.Conflict, before, after queue.Entity) {
	meant := map[string]json.RawMessage{}
	for _, o := range before.Operations {
		maps.Copy(meant, queue.Decode(o.Data))
	}
	base, _ := fieldsOf(conflict.Base)
	mine, mineLives := fieldsOf(conflict.Mine)
	theirs, theirsLive := fieldsOf(conflict.Theirs)
	kept, keptLives := theirs, theirsLive
	if len(after.Operations) > 0 {
		kept, keptLives = operated(kept, keptLives, after.Operations[0])
	}
	lost := !keptLives && (mineLives || theirsLive)
	for i, k := range kept.list() {
		b, m, t := base.list()[i], mine.list()[i], theirs.list()[i]
		if _, set := meant[fieldNames[i]]; !set && mineLives && theirsLive && keptLives && k != t {
			c.b.w.fail(5, "a conflict of entity %s put %s back from %q to %q, though this side had not changed it", conflict.Ref.ID, fieldNames[i], t, k)
		}
		lost = lost || (keptLives && mineLives && theirsLive && ((m != b && m != k) || (t != b && t != k)))
	}
	switch {
	case lost && conflict.Reviewed:
		c.b.w.fail(2, "a conflict of entity %s lost a value (base %+v, mine %+v, theirs %+v, kept %+v) and is not up for review", conflict.Ref.ID, base, mine, theirs, kept)
	case conflict.Reviewed:
		c.b.w.stats.hit("conflict without loss")
	default:
		c.b.w.stats.hit("conflict with a loss")
	}
}

// checkFolded checks what a rejection left of an entity's operations: the last, with the
// others merged into it, or none if they cancelled out.
func (c *checker) checkFolded(before, after queue.Entity) {
	c.b.w.stats.hit("folded")
	n := len(before.Operations)
	switch {
	case n > 1 && len(after.Operations) == 1 && after.Operations[0].ID == before.Operations[n-1].ID:
	case n > 2 && len(after.Operations) == 0 && cancelOut(before.Operations):
	case n > 1 && len(after.Operations) == 0:
		c.checkCancelled(before.Operations[0])
	default:
		c.b.w.fail(2, "an operation of entity %s left the queue with a rejection", before.Ref.ID)
	}
}

// checkCancelled checks an operation that was dropped together with a later one.
func (c *checker) checkCancelled(first queue.Operation) {
	if first.Type == api.Create && c.b.w.server.model.tookEffect(first.ID) {
		c.b.w.fail(2, "operation %s took effect, then was cancelled against a later one, which is lost", first.ID)
	}
}

// checkPerson checks operations that left by what a person did.
func (c *checker) checkPerson(s *slot, before queue.Entity, left, came []queue.Operation) {
	w := c.b.w
	switch s.doing {
	case Discard:
		if len(before.Operations) == 0 || before.Operations[0].State != queue.Rejected || len(came) > 0 {
			w.fail(13, "a discard took operations of entity %s that were not rejected", before.Ref.ID)
		}
		w.stats.hit("discarded")
		return
	case Claim:
		if len(left) > 0 {
			w.fail(13, "taking over nobody's work took operations of entity %s", before.Ref.ID)
		}
		return
	case Create, Update, Delete, Undo, Reverse:
	default:
		w.fail(13, "a %s changed the queue", s.doing)
		return
	}
	if s.added > 1 {
		w.fail(3, "one %s became %d operations", s.doing, s.added)
	}
	for _, o := range left {
		_, sent := c.sent[o.ID]
		switch {
		case o.State == queue.Rejected:
			w.stats.hit("rejected operation edited")
		case sent || o.Frozen():
			w.fail(2, "operation %s was coalesced after it was sent", o.ID)
		default:
			w.stats.hit("coalesced")
		}
		if len(came) == 0 {
			c.checkCancelled(o)
		}
	}
}

// checkUntouched checks that a transaction changed nothing in the queue.
func (c *checker) checkUntouched(by string) {
	ops, err := c.b.stored().Operations(context.Background(), 0, 1<<20)
	if err != nil {
		c.b.w.fail(2, "read the queue: %v", err)
		return
	}
	if len(ops) != len(c.ops) || slices.ContainsFunc(ops, func(o queue.Operation) bool { return !c.ops[o.ID] }) {
		c.b.w.fail(2, "after %s the queue holds %d operations instead of the same %d", by, len(ops), len(c.ops))
	}
}

// reset forgets the queue after an eviction.
func (c *checker) reset() {
	clear(c.ops)
	c.rejected, c.conflicts = 0, 0
}
