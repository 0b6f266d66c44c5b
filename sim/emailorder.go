package sim

import (
	"context"
	"math"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// noteEmails numbers the writes that take or free an email by when they were made. What
// sets the same email since keeps the number, unless the operation was rejected: that one
// has lost its place. So does what a round puts in the place of operations: of several, the
// one that set its email decides, and a create keeps its place.
//
// What is taken over from nobody is made, as far as this queue knows, when it comes into it, in the
// order in which it was made there. A tab of the account may take an email meanwhile that nobody's
// operation frees: its person has not seen that one, which was not in their data. The server refuses
// such a change, and it waits for the person, with the reason; nothing is lost. To have it wait in the
// queue instead, for whatever may still come from elsewhere, would hold up what nothing ever frees.
func (c *checker) noteEmails(left, came []queue.Operation, byPerson bool) {
	for _, o := range came {
		c.writes++
		c.emailWrites[o.ID] = c.writes
		for _, was := range left {
			kept := setEmailOf(was) != "" && setEmailOf(was) == setEmailOf(o) || !byPerson && o.Type == api.Create
			if o.Type != api.Delete && was.State != queue.Rejected && kept {
				c.emailWrites[o.ID] = min(c.emailWrites[o.ID], c.emailWrites[was.ID])
			}
		}
	}
}

// setEmailOf returns the key of the email that an operation sets, "" for none.
func setEmailOf(o queue.Operation) string {
	p, _ := patchOf(o.Data)
	if p.Email == nil {
		return ""
	}
	return api.EmailKey(*p.Email)
}

// checkEmailOrder checks that no operation of a batch takes an email that another one frees
// which was made earlier, has never been sent, and is not held up.
func (c *checker) checkEmailOrder(batch []api.Operation) {
	queued, err := c.b.stored().Operations(context.Background(), 0, math.MaxInt32)
	if err != nil {
		return
	}
	heads := map[queue.Ref]queue.Operation{}
	for _, o := range queued {
		if _, ok := heads[o.Ref]; !ok {
			heads[o.Ref] = o
		}
		head := heads[o.Ref]
		held, ok := c.b.w.reader.fieldsOf(o.Base)
		inBatch := slices.ContainsFunc(batch, func(b api.Operation) bool { return b.ID == head.ID })
		heldUp := head.State == queue.Rejected || !inBatch && c.sent[head.ID] != ""
		if o.Type == api.Create || !ok || o.ID == head.ID && c.sent[o.ID] != "" || heldUp {
			continue
		}
		c.checkFreed(o, api.EmailKey(held.Email), batch)
	}
}

// checkFreed checks that nothing in a batch takes the email which an operation frees.
func (c *checker) checkFreed(frees queue.Operation, email string, batch []api.Operation) {
	if frees.Type == api.Update && (setEmailOf(frees) == "" || setEmailOf(frees) == email) {
		return
	}
	for _, b := range batch {
		takes := queue.Operation{ID: b.ID, Type: b.Type, Data: b.Data}
		if b.EntityID == frees.Ref.ID || setEmailOf(takes) != email {
			continue
		}
		c.b.w.stats.hit("an email is passed on")
		if c.emailWrites[frees.ID] < c.emailWrites[b.ID] {
			c.b.w.fail(emailRule, "operation %s takes the email of entity %s before %s frees it, which was made earlier", b.ID, frees.Ref.ID, frees.ID)
		}
	}
}

// emailTaken reports whether a result refuses an email that another entity has. That is an
// attempt, and no rejection yet, while an operation that may free the email waits.
func emailTaken(r api.Result) bool {
	return r.Status == api.Rejected && r.Problem != nil && r.Problem.Code == api.CodeEmailTaken
}
