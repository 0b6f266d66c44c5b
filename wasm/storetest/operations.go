package storetest

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// due returns the ids of what is due.
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

// stand puts an entity's first operation into a state.
func (f *fixture) stand(id string, state queue.State, next time.Time) {
	f.Helper()
	f.update(id, func(e *queue.Entity) { e.Operations[0].State, e.Operations[0].NextAttemptAt = state, next })
}

var queueCases = map[string]func(*fixture){
	"due: the first of each entity, by number, up to a limit": func(f *fixture) {
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

	"due: whole operations": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		d, err := f.Due(f.ctx, day, 10)
		f.must(err)
		f.same("due", d, queue.Due{Operations: f.entity("a").Operations})
	},

	"due: not before its time, to the nanosecond": func(f *fixture) {
		for _, id := range []string{"a", "b", "c"} {
			f.enqueue(id, operation(id, "1"), operation(id, "2"))
		}
		f.stand("a", queue.Waiting, day)
		f.stand("b", queue.Waiting, day.Add(1))
		f.stand("c", queue.Waiting, day.Add(time.Hour))
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
		f.stand("a", queue.Waiting, day.In(time.FixedZone("east", 5*3600)))
		f.same("too early", f.due(day.Add(-1), 10), []string{})
		f.same("due", f.due(day.In(time.FixedZone("west", -5*3600)), 10), []string{"op-a-1"})
	},

	"due: an entity whose first is rejected has none": func(f *fixture) {
		f.enqueue("a", operation("a", "1"), operation("a", "2"))
		f.stand("a", queue.Rejected, time.Time{})
		d, err := f.Due(f.ctx, day.Add(100*time.Hour), 10)
		f.must(err)
		f.same("due", d, queue.Due{})
		f.stand("a", queue.Waiting, time.Time{})
		f.same("tried again", f.due(day, 10), []string{"op-a-1"})
		f.stand("a", queue.Sending, time.Time{})
		f.same("one being sent is due, too", f.due(day, 10), []string{"op-a-1"})
	},

	"operations: by number, after one, up to a limit": func(f *fixture) {
		f.enqueue("b", operation("b", "1"), operation("b", "2"))
		f.enqueue("a", operation("a", "1"))
		f.stand("b", queue.Rejected, time.Time{})
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
		f.stand("c", queue.Rejected, time.Time{})
		f.stand("b", queue.Sending, time.Time{})
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
