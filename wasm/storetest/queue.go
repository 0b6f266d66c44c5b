package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// due returns the ids of the operations that are due.
func (f *fixture) due(now time.Time, limit int) []string {
	f.Helper()
	d, err := f.Due(f.ctx, now, limit)
	f.must(err)
	return operationIDs(d.Operations)
}

func operationIDs(operations []queue.Operation) []string {
	out := []string{}
	for _, o := range operations {
		out = append(out, o.ID)
	}
	return out
}

// setState puts an entity's first operation into a state.
func (f *fixture) setState(id string, state queue.State, next time.Time) {
	f.Helper()
	f.update(id, func(e *queue.Entity) { e.Operations[0].State, e.Operations[0].NextAttemptAt = state, next })
}

var queueCases = map[string]func(*fixture){
	"due: the first of each entity, by Seq, up to a limit": func(f *fixture) {
		f.enqueue("c", operation("c", "1"))
		f.enqueue("a", operation("a", "1"), operation("a", "2"))
		f.enqueue("b", operation("b", "1"))
		f.same("all", f.due(day, 10), []string{"op-c-1", "op-a-1", "op-b-1"})
		f.same("two", f.due(day, 2), []string{"op-c-1", "op-a-1"})
		f.same("none", f.due(day, 0), []string{})
		f.update("a", func(e *queue.Entity) { e.Operations = e.Operations[1:] })
		f.same("the second is the first now", f.due(day, 10), []string{"op-c-1", "op-a-2", "op-b-1"})
		f.update("a", func(e *queue.Entity) { e.Operations = nil })
		f.same("none left of it", f.due(day, 10), []string{"op-c-1", "op-b-1"})
	},

	"due: complete operations": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		d, err := f.Due(f.ctx, day, 10)
		f.must(err)
		f.same("due", d, queue.Due{Operations: f.entity("a").Operations})
	},

	"due: not before its time, to the nanosecond": func(f *fixture) {
		for _, id := range []string{"a", "b", "c"} {
			f.enqueue(id, operation(id, "1"), operation(id, "2"))
		}
		f.setState("a", queue.Waiting, day)
		f.setState("b", queue.Waiting, day.Add(1))
		f.setState("c", queue.Waiting, day.Add(time.Hour))
		d, err := f.Due(f.ctx, day, 10)
		f.must(err)
		f.same("now", operationIDs(d.Operations), []string{"op-a-1"})
		if !d.Next.Equal(day.Add(1)) {
			f.Fatalf("next: got %v, want a nanosecond later", d.Next)
		}
		d, err = f.Due(f.ctx, day.Add(1), 10)
		f.must(err)
		f.same("a nanosecond later", operationIDs(d.Operations), []string{"op-a-1", "op-b-1"})
		if !d.Next.Equal(day.Add(time.Hour)) {
			f.Fatalf("next: got %v, want an hour later", d.Next)
		}
		d, err = f.Due(f.ctx, day.Add(time.Hour), 1)
		f.must(err)
		f.same("limited", operationIDs(d.Operations), []string{"op-a-1"})
		if !d.Next.IsZero() {
			f.Fatalf("next: got %v, want none", d.Next)
		}
	},

	"due: a time in another zone": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		f.setState("a", queue.Waiting, day.In(time.FixedZone("east", 5*3600)))
		f.same("too early", f.due(day.Add(-1), 10), []string{})
		f.same("due", f.due(day.In(time.FixedZone("west", -5*3600)), 10), []string{"op-a-1"})
	},

	"due: an entity whose first is rejected has none": func(f *fixture) {
		f.enqueue("a", operation("a", "1"), operation("a", "2"))
		f.setState("a", queue.Rejected, time.Time{})
		d, err := f.Due(f.ctx, day.Add(100*time.Hour), 10)
		f.must(err)
		f.same("due", d, queue.Due{})
		f.setState("a", queue.Waiting, time.Time{})
		f.same("tried again", f.due(day, 10), []string{"op-a-1"})
		f.setState("a", queue.Sending, time.Time{})
		f.same("one being sent is due, too", f.due(day, 10), []string{"op-a-1"})
	},

	"due: by Seq even if many wait": func(f *fixture) {
		// The later an operation, the earlier its next attempt.
		const many = 1200
		var want []string
		for start := 0; start < many; start += 100 {
			var txn queue.Txn
			for i := start; i < start+100; i++ {
				txn.Refs = append(txn.Refs, ref(fmt.Sprintf("e%04d", i)))
			}
			f.must(f.Update(f.ctx, txn, func(es []*queue.Entity) error {
				for i, e := range es {
					o := operation(e.Ref.ID, "1")
					o.State, o.NextAttemptAt = queue.Waiting, day.Add(-time.Duration(start+i)*time.Second)
					e.Operations = append(e.Operations, o)
				}
				return nil
			}))
		}
		for i := range 10 {
			want = append(want, fmt.Sprintf("op-e%04d-1", i))
		}
		f.same("all due", f.due(day, 10), want)
		d, err := f.Due(f.ctx, day.Add(-(many-2)*time.Second), 10)
		f.must(err)
		f.same("two are due", operationIDs(d.Operations), []string{"op-e1198-1", "op-e1199-1"})
		if next := day.Add(-(many - 3) * time.Second); !d.Next.Equal(next) {
			f.Fatalf("next: got %v, want %v", d.Next, next)
		}
		// Far down the queue.
		d, err = f.Due(f.ctx, day.Add(-(many-250)*time.Second), 100)
		f.must(err)
		if n := len(d.Operations); n != 100 || d.Operations[0].ID != "op-e0950-1" || d.Operations[99].ID != "op-e1049-1" {
			f.Fatalf("%d of the last 250: %v", n, operationIDs(d.Operations))
		}
		f.same("none", f.due(day.Add(-many*time.Second), 10), []string{})
		f.same("counts", f.counts(), queue.Counts{Rows: many, Waiting: many})
	},

	"rejected: by Seq, of a type, up to a limit": func(f *fixture) {
		for _, id := range []string{"c", "a", "b"} {
			f.enqueue(id, operation(id, "1"), operation(id, "2"))
		}
		list := func(entityType string, limit int) []string {
			found, err := f.Rejected(f.ctx, entityType, limit)
			f.must(err)
			return operationIDs(found)
		}
		f.same("none", list(person, 9), []string{})
		f.setState("b", queue.Rejected, time.Time{})
		f.setState("c", queue.Rejected, time.Time{})
		f.must(f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{{Type: note, ID: "n"}}}, func(es []*queue.Entity) error {
			o := operation("n", "1")
			o.State = queue.Rejected
			es[0].Operations = append(es[0].Operations, o)
			return nil
		}))
		f.same("two", list(person, 9), []string{"op-c-1", "op-b-1"})
		f.same("the first", list(person, 1), []string{"op-c-1"})
		f.same("nothing", list(person, 0), []string{})
		f.same("the other type", list(note, 9), []string{"op-n-1"})
		found, err := f.Rejected(f.ctx, person, 1)
		f.must(err)
		f.same("whole", found, f.entity("c").Operations[:1])
		f.setState("c", queue.Waiting, time.Time{})
		f.same("tried again", list(person, 9), []string{"op-b-1"})
	},

	"operations: by Seq, after one, up to a limit": func(f *fixture) {
		f.enqueue("b", operation("b", "1"), operation("b", "2"))
		f.enqueue("a", operation("a", "1"))
		f.setState("b", queue.Rejected, time.Time{})
		all, err := f.Operations(f.ctx, 0, 10)
		f.must(err)
		f.same("all", operationIDs(all), []string{"op-b-1", "op-b-2", "op-a-1"})
		some, err := f.Operations(f.ctx, all[0].Seq, 1)
		f.must(err)
		f.same("the second", some, all[1:2])
		some, err = f.Operations(f.ctx, all[2].Seq, 5)
		f.must(err)
		f.same("after the last", len(some), 0)
	},

	"counts": func(f *fixture) {
		f.update("a", func(e *queue.Entity) { e.Confirmed = row("a", "x", 1) })
		f.enqueue("b", operation("b", "1"), operation("b", "2"))
		f.enqueue("c", operation("c", "1"))
		f.setState("c", queue.Rejected, time.Time{})
		f.setState("b", queue.Sending, time.Time{})
		reviewed := aConflict("k2", "a", day)
		reviewed.Reviewed = true
		f.update("a", func(e *queue.Entity) { e.Conflicts = []queue.Conflict{aConflict("k1", "a", day), reviewed} })
		f.same("counts", f.counts(), queue.Counts{Rows: 3, Waiting: 2, Rejected: 1, Conflicts: 1})
	},

	"conflicts: unreviewed first, then the newest": func(f *fixture) {
		for i, id := range []string{"a", "b", "c", "d"} {
			k := aConflict("k"+id, id, day.Add(time.Duration(i)))
			k.Reviewed = id == "c" || id == "b"
			f.update(id, func(e *queue.Entity) { e.Confirmed, e.Conflicts = row(id, id, 1), []queue.Conflict{k} })
		}
		f.same("all", f.conflicts(10), []string{"kd", "ka", "kc", "kb"})
		f.same("three", f.conflicts(3), []string{"kd", "ka", "kc"})
		all, err := f.Conflicts(f.ctx, 1)
		f.must(err)
		f.same("whole", all[0], aConflict("kd", "d", day.Add(3)))
	},

	"conflicts: of the reviewed ones the newest are kept": func(f *fixture) {
		const spare = 3
		record := func(from, to int, reviewed bool) {
			f.update("a", func(e *queue.Entity) {
				e.Confirmed = row("a", "x", 1)
				for i := from; i < to; i++ {
					k := aConflict(fmt.Sprintf("k%04d", i), "a", day.Add(time.Duration(i)*time.Second))
					k.Reviewed = reviewed
					e.Conflicts = append(e.Conflicts, k)
				}
			})
		}
		all := func() []string { return f.conflicts(2 * queue.MaxReviewed) }
		record(0, spare, false) // the oldest of all, and still to be looked at
		record(spare, spare+queue.MaxReviewed, true)
		f.same("as many as are kept", len(all()), spare+queue.MaxReviewed)
		record(spare+queue.MaxReviewed, 2*spare+queue.MaxReviewed, true)
		kept := all()
		f.same("how many", len(kept), spare+queue.MaxReviewed)
		f.same("those to look at", kept[:spare], []string{"k0002", "k0001", "k0000"})
		f.same("the newest", kept[spare], fmt.Sprintf("k%04d", 2*spare+queue.MaxReviewed-1))
		f.same("the oldest kept", kept[len(kept)-1], fmt.Sprintf("k%04d", 2*spare))
		f.update("a", func(e *queue.Entity) { e.Conflicts[0].Reviewed = true })
		kept = all()
		f.same("one that was looked at, and is the oldest, goes", kept[:spare-1], []string{"k0002", "k0001"})
		f.same("how many then", len(kept), spare-1+queue.MaxReviewed)
		f.same("counts", f.counts().Conflicts, spare-1)
	},

	"conflicts: an entity carries its unreviewed ones": func(f *fixture) {
		f.update("a", func(e *queue.Entity) {
			e.Confirmed = row("a", "x", 1)
			for i := range 3 {
				e.Conflicts = append(e.Conflicts, aConflict(fmt.Sprint("k", i), "a", day.Add(time.Duration(i)*time.Second)))
			}
		})
		f.update("a", func(e *queue.Entity) { e.Conflicts[1].Reviewed = true })
		e := f.entity("a")
		if len(e.Conflicts) != 2 || e.Conflicts[0].ID != "k0" || e.Conflicts[1].ID != "k2" {
			f.Fatalf("got %+v", e.Conflicts)
		}
		f.update("a", func(e *queue.Entity) { e.Conflicts = append(e.Conflicts, aConflict("k9", "a", day)) })
		f.same("all are kept", f.conflicts(10), []string{"k2", "k9", "k0", "k1"})
		f.same("counts", f.counts(), queue.Counts{Rows: 1, Conflicts: 3})
	},

	"conflicts: one that an update leaves out is gone": func(f *fixture) {
		f.update("a", func(e *queue.Entity) {
			e.Confirmed, e.Conflicts = row("a", "x", 1), []queue.Conflict{aConflict("k1", "a", day), aConflict("k2", "a", day)}
		})
		f.update("a", func(e *queue.Entity) { e.Conflicts = e.Conflicts[1:] })
		f.same("left", f.conflicts(9), []string{"k2"})
		f.update("a", func(e *queue.Entity) { e.Conflicts = nil })
		f.same("list", f.list(), []string{"x"})
	},

	"conflicts: one of an entity that is gone": func(f *fixture) {
		f.update("a", func(e *queue.Entity) { e.Conflicts = []queue.Conflict{aConflict("k", "a", day)} })
		f.same("list", f.list(), []string{})
		f.same("kept", len(f.entity("a").Conflicts), 1)
		f.pull(pageOf(change("a", "back", 9)))
		f.same("it still shows when the row comes back", f.list(), []string{"back:conflict"})
		f.update("a", func(e *queue.Entity) { e.Conflicts[0].Reviewed = true })
		f.same("reviewed", f.list(), []string{"back"})
	},
}

func (f *fixture) conflicts(limit int) []string {
	f.Helper()
	all, err := f.Conflicts(f.ctx, limit)
	f.must(err)
	out := []string{}
	for _, k := range all {
		out = append(out, k.ID)
	}
	return out
}
