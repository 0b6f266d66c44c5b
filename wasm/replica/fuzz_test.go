package replica_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

// FuzzStored puts anything in the place of what is stored. Each line may be sealed, as one
// of a newer or broken program would be. Nothing may panic, or hang.
func FuzzStored(f *testing.F) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	fill(f, s)
	base, log := b.Texts()
	unsealed := func(text string) string {
		var out strings.Builder
		for line := range strings.Lines(text) {
			out.WriteString(line[:max(0, len(line)-10)] + "\n")
		}
		return out.String()
	}
	var last string
	for _, text := range log {
		last = text
	}
	f.Add(unsealed(base["state/a"]), unsealed(base["list/user"]), unsealed(base["ids/user"]), unsealed(base["list/user/1"]), unsealed(base["ids/user/1"]), unsealed(base["text/user/1"]), unsealed(last), true)
	f.Add(base["state/a"], base["list/user"], base["ids/user"], base["list/user/1"], base["ids/user/1"], base["text/user/1"], last, false)
	f.Fuzz(func(t *testing.T, state, list, ids, leaf, id, text, record string, seal bool) {
		b := newBrowser()
		s := b.open(storetest.Schemas, nil)
		fill(t, s)
		put := func(key, text string) { b.Damage(key, func(string) string { return sealed(text, seal) }) }
		put("state/a", state)
		put("state/b", state)
		put("list/user", list)
		put("ids/user", ids)
		put("list/user/1", leaf)
		put("ids/user/1", id)
		put("text/user/1", text)
		_, log := b.Texts()
		for seq := range log {
			b.DamageLog(seq, func(string) string { return sealed(record, seal) })
		}
		s.Forget()
		if err := use(t, s); errors.Is(err, queue.ErrOutdated) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	})
}

func sealed(text string, seal bool) string {
	if !seal {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			out.WriteString(replicatest.Sealed(line))
		}
	}
	return out.String()
}

// fill stores a few rows, of which one has an operation, in the base and in the log.
func fill(t testing.TB, s *tab) {
	t.Helper()
	page := sync.Page{Generation: 1, Meta: map[string]string{"cursor": "c"}}
	for _, id := range []string{"a", "b", "c"} {
		page.Changes = append(page.Changes, api.Change{EntityType: "user", EntityID: id, Version: 1, Document: []byte(`{"name":"` + id + `"}`)})
	}
	if _, err := s.ApplyPage(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	write(t, s, "b", "x")
	compact(t, s.Store)
	write(t, s, "c", "y")
}

// write queues an operation that gives a row a name, or creates it.
func write(t testing.TB, s *tab, id, name string) {
	t.Helper()
	err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: id}}}, func(es []*queue.Entity) error {
		w := queue.Write{ID: "op-" + name, Type: api.Update, Data: []byte(`{"name":"` + name + `"}`), At: fixedNow()}
		if _, visible := es[0].View(); !visible {
			w.Type = api.Create
		}
		return es[0].Enqueue(w)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// use calls everything once.
func use(t *testing.T, s *tab) error {
	ctx := t.Context()
	ref := queue.Ref{Type: "user", ID: "b"}
	_, err := s.Rows(ctx, repository.Window{Type: "user", Limit: 10, Skip: 1})
	_, err2 := s.Rows(ctx, repository.Window{Type: "user", Limit: 10, Search: "a"})
	_, err3 := s.Entity(ctx, ref)
	_, err4 := s.Digest(ctx, "user")
	_, err5 := s.Reindex(ctx, 0, "user", "")
	_, err6 := s.Repair(ctx, sync.Repair{Type: "user", Changes: []api.Change{{EntityType: "user", EntityID: "b", Version: 2, Document: []byte(`{}`)}}})
	err7 := s.Update(ctx, queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error { es[0].Operations = nil; return nil })
	_, err8 := s.Compact(ctx)
	_, err9 := s.Sweep(ctx, 0, "user", 9)
	_, err10 := s.Counts(ctx)
	return errors.Join(err, err2, err3, err4, err5, err6, err7, err8, err9, err10)
}

func FuzzFields(f *testing.F) {
	f.Add("a", "b\tc\nd\x1be", "é😀\xff")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		got := replica.ReadLine(replica.WriteLine(a, b, c))
		for i, want := range []string{a, b, c} {
			if want = string([]rune(want)); got[i] != want { // what is no UTF-8 has no place in a database
				t.Fatalf("field %d: got %q, want %q", i, got[i], want)
			}
		}
	})
}
