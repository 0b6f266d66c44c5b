package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

func pageOf(changes ...api.Change) sync.Page { return sync.Page{Changes: changes, Generation: 1} }

var feedCases = map[string]func(*fixture){
	"page: rows, meta and changed refs": func(f *fixture) {
		page := pageOf(change("b", "Bea", 2), change("a", "Ada", 1), tombstone("never", 3))
		page.Meta = map[string]string{"cursor": "c1", "other": "é😀"}
		f.same("changed", f.pull(page), []string{"a", "b"})
		f.same("list", f.list(), []string{"Ada", "Bea"})
		meta, err := f.Meta(f.ctx, "cursor", "other", "missing")
		f.must(err)
		f.same("meta", meta, map[string]string{"cursor": "c1", "other": "é😀", "missing": ""})
		e := f.entity("b")
		if e.Confirmed.SyncedAt.IsZero() {
			f.Fatal("the row does not say when it was synced")
		}
		want := row("b", "Bea", 2)
		want.SyncedAt = e.Confirmed.SyncedAt
		f.same("row", e.Confirmed, want)
	},

	"page: empty, with meta alone": func(f *fixture) {
		f.same("changed", f.pull(sync.Page{Meta: map[string]string{"cursor": "c2"}}), []string{})
		meta, err := f.Meta(f.ctx, "cursor")
		f.must(err)
		f.same("meta", meta["cursor"], "c2")
	},

	"page: only newer versions are saved": func(f *fixture) {
		f.pull(pageOf(change("a", "five", 5), change("b", "five", 5), change("c", "five", 5)))
		f.same("changed", f.pull(pageOf(change("a", "four", 4), change("b", "five", 5), change("c", "six", 6))), []string{"c"})
		f.same("list", f.list(), []string{"five", "five", "six"})
		f.same("a tombstone, too", f.pull(pageOf(tombstone("a", 5), tombstone("c", 7))), []string{"c"})
		f.same("list", f.list(), []string{"five", "five"})
		f.same("gone", f.entity("c"), queue.Entity{Ref: ref("c")})
	},

	"page: of equal versions the content decides": func(f *fixture) {
		f.pull(pageOf(change("a", "one", 5), change("b", "one", 5)))
		f.enqueue("b", operation("b", "mine"))
		f.same("changed", f.pull(pageOf(change("a", "two", 5))), []string{"a"})
		f.pull(pageOf(change("b", "two", 5)))
		f.same("list", f.list(), []string{"mine:pending", "two"})
		f.same("under an operation, too", f.entity("b").Confirmed.Document, document("b", "two"))
		f.same("the same again", f.pull(pageOf(change("a", "two", 5), change("b", "two", 5))), []string{})
	},

	"page: a resync saves lower versions, too": func(f *fixture) {
		f.pull(pageOf(change("a", "five", 5), change("b", "five", 5)))
		f.enqueue("b", operation("b", "mine"))
		page := pageOf(change("a", "two", 2), change("b", "two", 2))
		page.Resync = true
		f.same("changed", f.pull(page), []string{"a", "b"})
		f.same("list", f.list(), []string{"mine:pending", "two"})
		f.same("version", f.entity("b").Confirmed.Version, 2)
		page = pageOf(tombstone("a", 1))
		page.Resync = true
		f.same("changed", f.pull(page), []string{"a"})
	},

	"page: an entity with operations is rebased and keeps them": func(f *fixture) {
		f.pull(pageOf(api.Change{EntityType: person, EntityID: "a", Version: 1, Document: []byte(`{"name":"Ada","text":"one"}`)}))
		f.enqueue("a", operation("a", "Mine"))
		before := f.entity("a").Operations
		f.same("changed", f.pull(pageOf(api.Change{EntityType: person, EntityID: "a", Version: 2, Document: []byte(`{"name":"Theirs","text":"two"}`)})), []string{"a"})
		rows := f.rows(repositoryAll)
		f.same("visible", rows.Views[0].Document, queue.Fields{"name": []byte(`"Mine"`), "text": []byte(`"two"`)}.Encode())
		f.same("listed", f.list(), []string{"Mine:pending"})
		e := f.entity("a")
		f.same("operations", e.Operations, before)
		f.same("confirmed", e.Confirmed.Version, 2)
		f.same("an older one", f.pull(pageOf(change("a", "old", 1))), []string{})
		f.same("due", f.due(day, 5), []string{"op-a-Mine"})
	},

	"page: a tombstone under an unsent update": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1)))
		f.enqueue("a", operation("a", "Mine"))
		f.same("changed", f.pull(pageOf(tombstone("a", 2))), []string{"a"})
		e := f.entity("a")
		if e.Confirmed != nil || len(e.Operations) != 1 {
			f.Fatalf("got %+v", e)
		}
		f.same("the person's edit stays visible", f.list(), []string{"Mine:pending"})
		f.pull(pageOf(change("a", "Back", 3)))
		f.same("confirmed again", f.entity("a").Confirmed.Version, 3)
	},

	"page: under an unsent delete nothing visible changes": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1)))
		f.enqueue("a", queue.Operation{ID: "d", Ref: ref("a"), Type: api.Delete, State: queue.Queued, CreatedAt: day})
		f.same("newer", f.pull(pageOf(change("a", "Newer", 2))), []string{})
		f.same("tombstone", f.pull(pageOf(tombstone("a", 3))), []string{})
		f.same("back", f.pull(pageOf(change("a", "Back", 4))), []string{})
		f.same("list", f.list(), []string{})
		f.same("confirmed", f.entity("a").Confirmed.Version, 4)
		f.update("a", func(e *queue.Entity) { e.Operations = nil })
		f.same("list", f.list(), []string{"Back"})
	},

	"page: a row of an unsent create": func(f *fixture) {
		o := operation("a", "Mine")
		o.Type, o.Base, o.BaseVersion = api.Create, nil, 0
		f.enqueue("a", o)
		f.same("changed", f.pull(pageOf(change("a", "Theirs", 1))), []string{"a"})
		f.same("list", f.list(), []string{"Mine:pending"})
		f.same("confirmed", f.entity("a").Confirmed.Version, 1)
	},

	"page: a conflict stays until it is reviewed": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1)))
		f.update("a", func(e *queue.Entity) { e.Conflicts = []queue.Conflict{aConflict("k", "a", day)} })
		f.pull(pageOf(change("a", "Newer", 2)))
		f.same("list", f.list(), []string{"Newer:conflict"})
		f.pull(pageOf(tombstone("a", 3)))
		f.same("list", f.list(), []string{})
		f.same("conflicts", f.conflicts(5), []string{"k"})
	},

	"page: an unknown type does not block the others": func(f *fixture) {
		odd := change("x", "x", 1)
		odd.EntityType = "ghost"
		n := change("n", "Note", 1)
		n.EntityType = note
		f.same("changed", f.pull(pageOf(odd, n, change("a", "Ada", 1))), []string{"a", "n"})
		f.same("people", f.list(), []string{"Ada"})
		f.same("notes", names(f.rows(repository.Window{Type: note, Limit: 9})), []string{"Note"})
		f.same("counts", f.counts().Rows, 2)
	},

	"page: ten thousand rows in pages of five hundred": func(f *fixture) {
		for start := 0; start < 10000; start += 500 {
			page := sync.Page{Generation: 1, Meta: map[string]string{"cursor": fmt.Sprint(start)}}
			for i := start; i < start+500; i++ {
				page.Changes = append(page.Changes, change(fmt.Sprintf("id-%05d", i), fmt.Sprintf("Name %05d", (i*7919)%10000), 1))
			}
			if got := len(f.pull(page)); got != 500 {
				f.Fatalf("%d rows changed, want 500", got)
			}
		}
		rows := f.rows(repository.Window{From: queue.Key{Sort: "Name 05000"}, Limit: 3})
		f.same("window", names(rows), []string{"Name 05000", "Name 05001", "Name 05002"})
		f.same("total", rows.Total, 10000)
		rows = f.rows(repository.Window{Search: "name 0999", Limit: 50})
		f.same("found", []int{rows.Total, len(rows.Views)}, []int{11, 11}) // with 00999
	},

	"fence: a later round invalidates it": func(f *fixture) {
		first, err := f.BeginRound(f.ctx)
		f.must(err)
		page := pageOf(change("a", "Ada", 1))
		page.Fence = first
		f.pull(page)
		second, err := f.BeginRound(f.ctx)
		f.must(err)
		if first < 1 || second <= first {
			f.Fatalf("fences %d, %d", first, second)
		}
		page.Changes[0].Version, page.Meta = 2, map[string]string{"cursor": "bad"}
		page.Changes[0].Document = document("a", "Bad")
		if _, err := f.ApplyPage(f.ctx, page); !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("ApplyPage: got %v", err)
		}
		err = f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a")}, Fence: first}, func(es []*queue.Entity) error {
			es[0].Confirmed = nil
			return nil
		})
		if !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("Update: got %v", err)
		}
		if _, err := f.Sweep(f.ctx, first, person, 99); !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("Sweep: got %v", err)
		}
		f.same("list", f.list(), []string{"Ada"})
		meta, err := f.Meta(f.ctx, "cursor")
		f.must(err)
		f.same("cursor", meta["cursor"], "")
		f.must(f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a")}, Fence: second, Relaxed: true}, func(es []*queue.Entity) error {
			es[0].Confirmed = row("a", "Good", 3)
			return nil
		}))
		f.same("the newest round may", f.list(), []string{"Good"})
		f.enqueue("a", operation("a", "person"))
		f.same("a person needs no fence", f.list(), []string{"person:pending"})
	},

	"given: an update saves only if the values are as expected": func(f *fixture) {
		f.must(f.SetMeta(f.ctx, map[string]string{"cursor": "c1"}))
		save := func(name string, given map[string]string) error {
			return f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref("a")}, Given: given}, func(es []*queue.Entity) error {
				es[0].Confirmed = row("a", name, 1)
				return nil
			})
		}
		f.must(save("First", map[string]string{"cursor": "c1", "missing": ""}))
		page := pageOf(change("b", "Bob", 1))
		page.Meta = map[string]string{"cursor": "c2"}
		f.pull(page)
		if err := save("Second", map[string]string{"cursor": "c1"}); !errors.Is(err, queue.ErrStale) {
			f.Fatalf("got %v", err)
		}
		f.same("list", f.list(), []string{"Bob", "First"})
	},

	"set: values are saved with an update, or not at all": func(f *fixture) {
		f.must(f.SetMeta(f.ctx, map[string]string{"cursor": "c1"}))
		set := func(value string, given map[string]string, err error) error {
			txn := queue.Txn{Refs: []queue.Ref{ref("a")}, Given: given, Set: map[string]string{"cursor": value}}
			return f.Update(f.ctx, txn, func([]*queue.Entity) error { return err })
		}
		refused := errors.New("refused")
		if err := set("c2", nil, refused); !errors.Is(err, refused) {
			f.Fatalf("got %v", err)
		}
		if err := set("c2", map[string]string{"cursor": ""}, nil); !errors.Is(err, queue.ErrStale) {
			f.Fatalf("got %v", err)
		}
		f.must(set("c3", map[string]string{"cursor": "c1"}, nil))
		meta, err := f.Meta(f.ctx, "cursor")
		f.must(err)
		f.same("cursor", meta["cursor"], "c3")
	},

	"meta: set, changed, missing": func(f *fixture) {
		f.must(f.SetMeta(f.ctx, map[string]string{"a": "1", "b": ""}))
		f.must(f.SetMeta(f.ctx, map[string]string{"b": "2", "strategy:user": "merge"}))
		meta, err := f.Meta(f.ctx, "a", "b", "strategy:user", "none")
		f.must(err)
		f.same("meta", meta, map[string]string{"a": "1", "b": "2", "strategy:user": "merge", "none": ""})
		none, err := f.Meta(f.ctx)
		f.must(err)
		f.same("nothing asked", len(none), 0)
		f.must(f.SetMeta(f.ctx, nil))
	},
}

var sweepCases = map[string]func(*fixture){
	"sweep: rows that a resync did not mention": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1), change("b", "Bea", 1), change("c", "Cy", 1)))
		n := change("n", "Note", 1)
		n.EntityType = note
		f.pull(pageOf(n))
		page := sync.Page{Generation: 2, Changes: []api.Change{change("b", "Bea", 1), change("d", "Dot", 1)}}
		f.same("only the new row changed", f.pull(page), []string{"d"})
		f.same("nothing is gone yet", f.list(), []string{"Ada", "Bea", "Cy", "Dot"})
		f.same("removed", f.sweep(2), []string{"a", "c"})
		f.same("list", f.list(), []string{"Bea", "Dot"})
		f.same("other types stay", len(f.rows(repository.Window{Type: note, Limit: 9}).Views), 1)
		f.same("again", f.sweep(2), []string{})
	},

	"sweep: operations stay": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1), change("b", "Bea", 1), change("c", "Cy", 1), change("s", "Seen", 1)))
		f.enqueue("a", operation("a", "Mine"))
		f.enqueue("b", queue.Operation{ID: "d", Ref: ref("b"), Type: api.Delete, State: queue.Queued, CreatedAt: day})
		f.enqueue("s", operation("s", "SeenMine"))
		f.same("seen", f.pull(sync.Page{Generation: 2, Changes: []api.Change{change("s", "Seen", 1)}}), []string{})
		f.same("removed", f.sweep(2), []string{"a", "b", "c"})
		f.same("list", f.list(), []string{"Mine:pending", "SeenMine:pending"})
		a := f.entity("a")
		if a.Confirmed != nil || len(a.Operations) != 1 || len(f.entity("b").Operations) != 1 {
			f.Fatalf("got %+v", a)
		}
		f.same("the seen one keeps its row", f.entity("s").Confirmed.Version, 1)
		f.same("due", f.due(day.Add(time.Hour), 9), []string{"op-a-Mine", "d", "op-s-SeenMine"})
	},

	"sweep: the generation is kept while there are operations, and after": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1), change("b", "Bea", 1)))
		f.enqueue("a", operation("a", "Mine"))
		f.pull(sync.Page{Generation: 2, Changes: []api.Change{change("a", "Ada", 1)}})
		f.update("a", func(e *queue.Entity) { e.Operations = nil })
		f.enqueue("b", operation("b", "Mine"))
		f.update("b", func(e *queue.Entity) { e.Operations = nil })
		f.same("removed", f.sweep(2), []string{"b"})
		f.same("list", f.list(), []string{"Ada"})
	},

	"sweep: a row confirmed during the resync stays": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1)))
		f.pull(sync.Page{Generation: 2})
		f.update("a", func(e *queue.Entity) { e.Confirmed = row("a", "Acknowledged", 2) })
		f.update("n", func(e *queue.Entity) { e.Confirmed = row("n", "New", 1) })
		f.enqueue("m", operation("m", "Mine"))
		f.update("m", func(e *queue.Entity) { e.Confirmed = row("m", "Confirmed", 1) })
		f.same("removed", f.sweep(2), []string{})
		f.same("list", f.list(), []string{"Acknowledged", "Mine:pending", "New"})
	},

	"sweep: many unsent creates do not hide the rows to remove": func(f *fixture) {
		var refs []queue.Ref
		for i := range 600 {
			refs = append(refs, ref(fmt.Sprintf("a-%03d", i)))
		}
		f.must(f.Update(f.ctx, queue.Txn{Refs: refs, Relaxed: true}, func(es []*queue.Entity) error {
			for _, e := range es {
				o := operation(e.Ref.ID, "new")
				o.Type, o.Base, o.BaseVersion = api.Create, nil, 0
				e.Operations = append(e.Operations, o)
			}
			return nil
		}))
		f.pull(pageOf(change("z", "Zoe", 1)))
		f.same("removed", f.sweep(2), []string{"z"})
		f.same("counts", f.counts(), queue.Counts{Rows: 600, Waiting: 600})
	},

	"sweep: a row that an update changed in place stays, too": func(f *fixture) {
		f.pull(pageOf(change("a", "Ada", 1)))
		f.pull(sync.Page{Generation: 2})
		f.update("a", func(e *queue.Entity) { e.Confirmed.Version++ })
		f.same("removed", f.sweep(2), []string{})
	},

	"sweep: more than one transaction's worth": func(f *fixture) {
		var page sync.Page
		for i := range 1203 {
			page.Changes = append(page.Changes, change(fmt.Sprintf("id-%04d", i), fmt.Sprint("Name ", i), 1))
		}
		f.pull(page)
		f.same("removed", len(f.sweep(5)), 1203)
		f.same("counts", f.counts(), queue.Counts{})
	},
}

func (f *fixture) sweep(generation int64) []string {
	f.Helper()
	removed, err := f.Sweep(f.ctx, 0, person, generation)
	f.must(err)
	return ids(removed)
}
