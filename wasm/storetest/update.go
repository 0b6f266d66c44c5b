package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

var updateCases = map[string]func(*fixture){
	"update: an entity that does not exist has only its ref": func(f *fixture) {
		f.update("a", func(e *queue.Entity) { f.same("entity", *e, queue.Entity{Ref: ref("a")}) })
		f.same("after", f.entity("a"), queue.Entity{Ref: ref("a")})
		f.same("counts", f.counts(), queue.Counts{})
	},

	"update: everything is read as it was saved": func(f *fixture) {
		o := operation("a", "b")
		o.State, o.RetryCount, o.NextAttemptAt = queue.Waiting, 3, day.Add(time.Hour)
		o.LastError = &api.Problem{
			Title: "No", Status: 503, Detail: "not now", Code: api.CodeUnavailable,
			Errors: []api.FieldError{{Field: "name", Detail: "is odd"}},
		}
		// A document keeps the server's numbers, escapes and order of fields.
		confirmed := row("a", "x", 7)
		confirmed.Document = json.RawMessage(`{"z":12345678901234567890, "id":"a","name":"<é\u2028😀\"\\>","text":null}`)
		want := queue.Entity{Ref: ref("a"), Confirmed: confirmed, Operations: []queue.Operation{o}, Conflicts: []queue.Conflict{aConflict("k", "a", day)}}
		f.update("a", func(e *queue.Entity) { *e = want })
		want.Operations[0].Seq = f.entity("a").Operations[0].Seq
		got := f.entity("a")
		f.same("entity", got, want)
		if string(got.Confirmed.Document) != string(confirmed.Document) {
			f.Fatalf("document: got %s, want %s", got.Confirmed.Document, confirmed.Document)
		}
		if !got.Operations[0].NextAttemptAt.Equal(o.NextAttemptAt) || !got.Confirmed.SyncedAt.Equal(day) {
			f.Fatal("times lost precision")
		}
		f.update("a", func(e *queue.Entity) { f.same("inside the next transaction", *e, want) })
	},

	"update: a missing document stays missing": func(f *fixture) {
		o := operation("a", "b")
		o.Type, o.Base, o.Data = api.Delete, nil, nil
		k := aConflict("k", "a", day)
		k.Base, k.Mine = nil, json.RawMessage("null")
		f.update("a", func(e *queue.Entity) {
			e.Confirmed, e.Operations, e.Conflicts = row("a", "x", 1), []queue.Operation{o}, []queue.Conflict{k}
		})
		e := f.entity("a")
		if e.Operations[0].Base != nil || e.Operations[0].Data != nil || !queue.IsNull(e.Conflicts[0].Base) || !queue.IsNull(e.Conflicts[0].Mine) {
			f.Fatalf("got %+v", e)
		}
	},

	"update: an error of decide saves nothing": func(f *fixture) {
		f.update("a", func(e *queue.Entity) { e.Confirmed = row("a", "kept", 1) })
		no := errors.New("no")
		err := f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a"), ref("b")}}, func(es []*queue.Entity) error {
			es[0].Confirmed = nil
			es[0].Operations = append(es[0].Operations, operation("a", "lost"))
			es[1].Operations = append(es[1].Operations, operation("b", "lost"))
			es[1].Conflicts = append(es[1].Conflicts, aConflict("k", "b", day))
			return no
		})
		if !errors.Is(err, no) {
			f.Fatalf("got error %v, want decide's", err)
		}
		f.same("list", f.list(), []string{"kept"})
		f.same("counts", f.counts(), queue.Counts{Rows: 1})
		f.same("b", f.entity("b"), queue.Entity{Ref: ref("b")})
	},

	"update: several entities in the order asked for, all saved": func(f *fixture) {
		refs := []queue.Ref{ref("b"), {Type: note, ID: "b"}, ref("a")}
		f.must(f.Update(f.ctx, queue.Txn{Refs: refs}, func(es []*queue.Entity) error {
			for i, e := range es {
				if e.Ref != refs[i] {
					f.Fatalf("entity %d is %v, want %v", i, e.Ref, refs[i])
				}
				o := operation(e.Ref.ID, "new "+e.Ref.Type)
				o.Ref = e.Ref
				e.Operations = append(e.Operations, o)
			}
			return nil
		}))
		operations, err := f.Operations(f.ctx, 0, 10)
		f.must(err)
		var got []queue.Ref
		for _, o := range operations {
			got = append(got, o.Ref)
		}
		f.same("order of the new operations", got, refs)
		f.same("counts", f.counts(), queue.Counts{Rows: 3, Waiting: 3})
	},

	"update: without entities": func(f *fixture) {
		f.must(f.Update(f.ctx, queue.Txn{}, func(es []*queue.Entity) error {
			if len(es) != 0 {
				f.Fatalf("got %d entities", len(es))
			}
			return nil
		}))
	},

	"update: new operations get increasing Seqs, never used before": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		f.enqueue("b", operation("b", "1"))
		f.enqueue("a", operation("a", "2"))
		a, b := f.entity("a"), f.entity("b")
		first, second, third := a.Operations[0].Seq, b.Operations[0].Seq, a.Operations[1].Seq
		if first < 1 || second <= first || third <= second {
			f.Fatalf("got %d, %d, %d", first, second, third)
		}
		f.update("a", func(e *queue.Entity) { e.Operations = nil })
		f.enqueue("c", operation("c", "1"))
		if seq := f.entity("c").Operations[0].Seq; seq <= third {
			f.Fatalf("Seq %d was assigned again as %d", third, seq)
		}
	},

	"update: a replacement keeps the Seq": func(f *fixture) {
		f.enqueue("a", operation("a", "1"))
		f.enqueue("b", operation("b", "1"))
		seq := f.entity("a").Operations[0].Seq
		f.update("a", func(e *queue.Entity) {
			next := operation("a", "2")
			next.Seq = e.Operations[0].Seq
			e.Operations = []queue.Operation{next}
		})
		operations, err := f.Operations(f.ctx, 0, 10)
		f.must(err)
		if len(operations) != 2 || operations[0].Seq != seq || operations[0].ID != "op-a-2" || operations[1].ID != "op-b-1" {
			f.Fatalf("got %+v", operations)
		}
	},

	"update: operations that free and take a unique value keep their order": func(f *fixture) {
		for _, id := range []string{"a", "b"} {
			f.update(id, func(e *queue.Entity) { e.Confirmed = row(id, id, 1) })
		}
		write := func(id, operation, data string) {
			f.update(id, func(e *queue.Entity) {
				f.must(e.Enqueue(queue.Write{ID: operation, Type: api.Update, Data: json.RawMessage(data), At: day}))
			})
		}
		queued := func() []string {
			all, err := f.Operations(f.ctx, 0, 10)
			f.must(err)
			return operationIDs(all)
		}
		write("a", "1", `{"text":"x"}`)
		write("a", "2", `{"text":"y"}`)
		f.same("nothing in between", queued(), []string{"2"})
		write("b", "3", `{"name":"new"}`)
		write("a", "4", `{"text":"z"}`)
		f.same("another entity in between", queued(), []string{"2", "3", "4"})
		f.same("an entity that is read", f.entity("a").Operations[1].ID, "4")
		write("b", "5", `{"text":"x"}`)
		f.same("one that only takes goes behind", queued(), []string{"2", "4", "5"})
		f.update("a", func(e *queue.Entity) { e.Operations = nil })
		write("b", "6", `{"text":"w"}`)
		f.same("what has left the queue does not count", queued(), []string{"6"})
	},

	"update: the visible row is the view of the entity": func(f *fixture) {
		f.update("a", func(e *queue.Entity) { e.Confirmed = row("a", "server", 4) })
		v := f.rows(repositoryAll).Views[0]
		f.same("synced", v, queue.View{Ref: ref("a"), Document: document("a", "server"), Version: 4, SyncedAt: day})
		f.enqueue("a", operation("a", "mine"))
		e := f.entity("a")
		want, _ := e.View()
		f.same("pending", f.rows(repositoryAll).Views, []queue.View{want})
		f.same("named", f.list(), []string{"mine:pending"})
		f.update("a", func(e *queue.Entity) { e.Operations[0].State = queue.Rejected })
		f.same("rejected", f.list(), []string{"mine:attention"})
		f.update("a", func(e *queue.Entity) {
			e.Operations, e.Conflicts = nil, []queue.Conflict{aConflict("k", "a", day)}
		})
		f.same("conflict", f.list(), []string{"server:conflict"})
		f.update("a", func(e *queue.Entity) { e.Conflicts[0].Reviewed = true })
		f.same("reviewed", f.list(), []string{"server"})
		f.enqueue("a", queue.Operation{ID: "d", Ref: ref("a"), Type: api.Delete, State: queue.Queued, CreatedAt: day})
		f.same("deleted", f.list(), []string{})
		f.same("still confirmed", f.entity("a").Confirmed, row("a", "server", 4))
		f.update("a", func(e *queue.Entity) { e.Operations[0].State = queue.Rejected })
		f.same("a rejected delete shows the row again", f.list(), []string{"server:attention"})
		f.update("a", func(e *queue.Entity) { e.Operations, e.Confirmed = nil, nil })
		f.same("gone", f.entity("a"), queue.Entity{Ref: ref("a")})
		f.same("counts", f.counts(), queue.Counts{})
	},

	"update: values are copied": func(f *fixture) {
		o := operation("a", "1")
		o.LastError = &api.Problem{Title: "t"}
		kept := row("a", "x", 1)
		f.update("a", func(e *queue.Entity) { e.Confirmed, e.Operations = kept, []queue.Operation{o} })
		before := f.entity("a")
		kept.Document[2], o.Data[2], o.LastError.Title = 'Z', 'Z', "Z"
		mine := f.entity("a")
		mine.Confirmed.Document[2], mine.Operations[0].Data[2], mine.Operations[0].LastError.Title = 'Y', 'Y', "Y"
		view := f.rows(repositoryAll).Views[0]
		view.Document[2] = 'X'
		f.same("entity", f.entity("a"), before)
		f.same("list", f.list(), []string{"1:pending"})
	},

	"update: a type without a schema is refused": func(f *fixture) {
		err := f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{{Type: "ghost", ID: "a"}}}, func([]*queue.Entity) error { return nil })
		if err == nil {
			f.Fatal("got no error")
		}
	},

	"update: nothing is saved once the context has ended": func(f *fixture) {
		ctx, cancel := context.WithCancelCause(f.ctx)
		stop := errors.New("stop")
		cancel(stop)
		err := f.Update(ctx, queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
			es[0].Confirmed = row("a", "x", 1)
			return nil
		})
		if !errors.Is(err, stop) {
			f.Fatalf("got %v, want the context's cause", err)
		}
		f.same("list", f.list(), []string{})
		endedContext(ctx, f, stop)
	},
}

// endedContext checks every method with a context that has ended.
func endedContext(ctx context.Context, f *fixture, stop error) {
	calls := map[string]func() error{
		"Entity":     func() error { _, err := f.Entity(ctx, ref("a")); return err },
		"Due":        func() error { _, err := f.Due(ctx, day, 1); return err },
		"Operations": func() error { _, err := f.Operations(ctx, 0, 1); return err },
		"Rejected":   func() error { _, err := f.Rejected(ctx, person, 1); return err },
		"Conflicts":  func() error { _, err := f.Conflicts(ctx, 1); return err },
		"Counts":     func() error { _, err := f.Counts(ctx); return err },
		"Rows":       func() error { _, err := f.Rows(ctx, repositoryAll); return err },
		"Meta":       func() error { _, err := f.Meta(ctx, "a"); return err },
		"SetMeta":    func() error { return f.SetMeta(ctx, map[string]string{"a": "b"}) },
		"BeginRound": func() error { _, err := f.BeginRound(ctx); return err },
		"ApplyPage":  func() error { _, err := f.ApplyPage(ctx, pageOf(change("a", "x", 1))); return err },
		"Digest":     func() error { _, err := f.Digest(ctx, person); return err },
		"Repair":     func() error { _, err := f.Repair(ctx, sync.Repair{Type: person}); return err },
		"Sweep":      func() error { _, err := f.Sweep(ctx, 0, person, 9); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, stop) {
			f.Errorf("%s: got %v, want the context's cause", name, err)
		}
	}
}

func aConflict(id, entity string, at time.Time) queue.Conflict {
	return queue.Conflict{
		ID: id, Ref: ref(entity), OperationID: "o" + id, At: at, Strategy: "merge",
		Base: document(entity, "base"), Mine: document(entity, "mine"), Theirs: document(entity, "theirs"),
		TheirsVersion: 5, Kept: queue.Both,
		Fields: []queue.Field{{
			Name: "name", Base: json.RawMessage(`"base"`), Mine: json.RawMessage(`"mine"`),
			Theirs: json.RawMessage(`12345678901234567890`), Kept: queue.Theirs,
		}},
	}
}
