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

var repositoryAll = repository.Window{Type: person, Limit: 1000}

// fill puts rows with these names into the list; ids are "0", "1" and so on.
func (f *fixture) fill(names ...string) {
	f.Helper()
	var page sync.Page
	for i, name := range names {
		page.Changes = append(page.Changes, change(fmt.Sprint(i), name, 1))
	}
	f.pull(page)
}

// fillDated is fill with rows that were changed an hour after each other, from day on.
func (f *fixture) fillDated(names ...string) {
	f.Helper()
	var page sync.Page
	for i, name := range names {
		c := change(fmt.Sprint(i), name, 1)
		c.Document = fmt.Appendf(nil, `{"id":"%d","name":%q,"text":"","at":%q}`, i, name, queue.TimeText(day.Add(time.Duration(i)*time.Hour)))
		page.Changes = append(page.Changes, c)
	}
	f.pull(page)
}

// deepChange is change with a deep text.
func deepChange(id, name, deep string, version int64) api.Change {
	c := change(id, name, version)
	c.Document = fmt.Appendf(nil, `{"id":%q,"name":%q,"text":"","deep":%q}`, id, name, deep)
	return c
}

var listCases = map[string]func(*fixture){
	"rows: empty": func(f *fixture) {
		f.same("rows", f.rows(repositoryAll), repository.Rows{Views: []queue.View{}, Keys: []queue.Key{}})
	},

	"rows: ordered by UTF-16 code units, then by id": func(f *fixture) {
		// U+1F600 is D83D DE00 in UTF-16: above U+D7FF, below U+E000 and U+FF5E,
		// while its UTF-8 bytes are above all of them.
		f.fill("～", "😀", "\ue000", "\ud7ff", "é", "z", "Z", "", "a", "a", "ab", "😀a", "😁")
		f.same("list", f.list(), []string{"", "Z", "a", "a", "ab", "z", "é", "\ud7ff", "😀", "😀a", "😁", "\ue000", "～"})
		keys := f.rows(repositoryAll).Keys
		f.same("ties by id", keys[2:4], []queue.Key{{Sort: "a", ID: "8"}, {Sort: "a", ID: "9"}})
	},

	"rows: windows by key": func(f *fixture) {
		f.fill("b", "d", "a", "c", "b")
		rows := f.rows(repository.Window{Limit: 2})
		f.same("first", rows.Keys, []queue.Key{{Sort: "a", ID: "2"}, {Sort: "b", ID: "0"}})
		f.same("total", rows.Total, 5)
		f.same("at the key", names(f.rows(repository.Window{From: rows.Keys[1], Limit: 2})), []string{"b", "b"})
		f.same("behind it", names(f.rows(repository.Window{From: rows.Keys[1], Skip: 1, Limit: 9})), []string{"b", "c", "d"})
		f.same("a key between", names(f.rows(repository.Window{From: queue.Key{Sort: "bb"}, Limit: 9})), []string{"c", "d"})
		f.same("skip from the start", names(f.rows(repository.Window{Skip: 3, Limit: 1})), []string{"c"})
		past := f.rows(repository.Window{Skip: 9, Limit: 1})
		f.same("past the end", []int{len(past.Views), past.Total}, []int{0, 5})
		past = f.rows(repository.Window{From: queue.Key{Sort: "x"}, Limit: 3})
		f.same("past the last", []int{len(past.Views), past.Total}, []int{0, 5})
		none := f.rows(repository.Window{})
		f.same("no limit is no rows", []int{len(none.Views), none.Total}, []int{0, 5})
	},

	"rows: search": func(f *fixture) {
		f.fill("Ada Lovelace", "Alan Turing", "Grace Hopper", "ada two", "100% (a.c) [x]*", "É 😀")
		rows := f.rows(repository.Window{Search: "ada", Limit: 9})
		f.same("found", names(rows), []string{"Ada Lovelace", "ada two"})
		f.same("total", rows.Total, 2)
		f.same("with skip", names(f.rows(repository.Window{Search: "a", Skip: 1, Limit: 2})), []string{"Ada Lovelace", "Alan Turing"})
		second := f.rows(repository.Window{Search: "ada", From: rows.Keys[1], Limit: 9})
		f.same("from a key", names(second), []string{"ada two"})
		f.same("total counts all that match", second.Total, 2)
		f.same("text, not a pattern", names(f.rows(repository.Window{Search: "(a.c) [x]*", Limit: 9})), []string{"100% (a.c) [x]*"})
		f.same("beyond ASCII", names(f.rows(repository.Window{Search: "é 😀", Limit: 9})), []string{"É 😀"})
		f.same("words in any order", names(f.rows(repository.Window{Search: "love ada", Limit: 9})), []string{"Ada Lovelace"})
		f.same("each of them", f.rows(repository.Window{Search: "ada hopper", Limit: 9}).Total, 0)
		f.same("none", f.rows(repository.Window{Search: "zzz", Limit: 9}).Total, 0)
	},

	"rows: other orders": func(f *fixture) {
		f.fillDated("b", "C", "a", "D")
		for of, want := range map[repository.Window][]string{
			{}:                              {"C", "D", "a", "b"},
			{Reverse: true}:                 {"b", "a", "D", "C"},
			{Order: byLower}:                {"a", "b", "C", "D"},
			{Order: byLower, Reverse: true}: {"D", "C", "b", "a"},
			{Order: byTime}:                 {"b", "C", "a", "D"},
			{Order: byTime, Reverse: true}:  {"D", "a", "C", "b"},
			{Order: "nobody's"}:             {"C", "D", "a", "b"},
		} {
			of.Limit = 9
			f.same(fmt.Sprintf("%+v", of), names(f.rows(of)), want)
			of.Skip, of.Limit = 1, 2
			rows := f.rows(of)
			f.same("a part", names(rows), want[1:3])
			f.same("what lies around it", []int{rows.First, rows.Total}, []int{1, 4})
			of.Skip, of.From = 0, rows.Keys[1]
			rows = f.rows(of)
			f.same("from a key", names(rows), want[2:4])
			f.same("what lies before it", rows.First, 2)
		}
	},

	"rows: an order follows changes": func(f *fixture) {
		f.fillDated("b", "C", "a", "D")
		byLower := repository.Window{Order: byLower, Limit: 9}
		f.same("before", names(f.rows(byLower)), []string{"a", "b", "C", "D"})
		f.enqueue("2", operation("2", "x"))
		f.same("changed here", names(f.rows(byLower)), []string{"b", "C", "D", "x:pending"})
		f.pull(sync.Page{Changes: []api.Change{tombstone("0", 2), change("9", "Aa", 1), change("2", "y", 2)}})
		f.same("changed there", names(f.rows(byLower)), []string{"Aa", "C", "D", "x:pending"})
		f.update("2", func(e *queue.Entity) { e.Operations = nil })
		f.same("discarded", names(f.rows(byLower)), []string{"Aa", "C", "D", "y"})
	},

	"rows: in a state": func(f *fixture) {
		f.fillDated("a", "b", "c")
		f.enqueue("1", operation("1", "z"))
		pending := repository.Window{State: queue.Pending, Limit: 9}
		f.same("pending", names(f.rows(pending)), []string{"z:pending"})
		f.enqueue("0", operation("0", "a2"))
		f.same("two", names(f.rows(pending)), []string{"a2:pending", "z:pending"})
		pending.Search = "z"
		f.same("with a search", names(f.rows(pending)), []string{"z:pending"})
		pending.State = queue.NeedsAttention
		f.same("in no state", f.rows(pending).Total, 0)
	},

	"rows: changed since": func(f *fixture) {
		f.fillDated("a", "b", "c")
		since := repository.Window{Since: day.Add(time.Hour), Limit: 9}
		f.same("at that time and later", names(f.rows(since)), []string{"b", "c"})
		f.enqueue("0", operation("0", "d")) // made at day
		f.same("an operation that is older", names(f.rows(since)), []string{"b", "c"})
		o := operation("1", "e")
		o.Stamp = api.NewStamp(day.Add(9*time.Hour), "", "client00")
		f.enqueue("1", o)
		f.same("one that is newer", names(f.rows(repository.Window{Since: day.Add(8 * time.Hour), Limit: 9})), []string{"e:pending"})
		f.same("in order", names(f.rows(repository.Window{Order: byTime, Limit: 9})), []string{"d:pending", "c", "e:pending"})
	},

	"rows: deep search": func(f *fixture) {
		f.fillDated("anna", "bob", "carl")
		deep := repository.Window{Search: "ann", Deep: true, Limit: 9}
		f.same("nothing in the depth", names(f.rows(deep)), []string{"anna"})
		f.pull(sync.Page{Changes: []api.Change{deepChange("2", "carl", "sings with joanna", 2)}})
		f.same("found", names(f.rows(deep)), []string{"anna", "carl"})
		f.same("without depth", f.rows(repository.Window{Search: "ann", Limit: 9}).Total, 1)
		f.same("words in either text", names(f.rows(repository.Window{Search: "ann carl", Deep: true, Limit: 9})), []string{"carl"})
		f.same("ordered", names(f.rows(repository.Window{Search: "ann", Deep: true, Reverse: true, Limit: 9})), []string{"carl", "anna"})
	},

	"rows: a changed name moves, and leaves no trace": func(f *fixture) {
		f.fill("a", "b", "c")
		f.enqueue("0", operation("0", "z"))
		f.same("list", f.list(), []string{"b", "c", "z:pending"})
		f.same("old text", f.rows(repository.Window{Search: "a", Limit: 9}).Total, 0)
		f.same("new text", f.rows(repository.Window{Search: "z", Limit: 9}).Total, 1)
	},

	"reindex: rows of an older rule are listed anew, and otherwise as they were": func(f *fixture) {
		f.fill("a", "b", "c")
		f.enqueue("1", operation("1", "B"))
		before, err := f.Digest(f.ctx, person)
		f.must(err)
		saved := []queue.Entity{f.entity("0"), f.entity("1"), f.entity("2")}
		f.corrupt(f.T, f.Store, ref("0"), Dated)
		dated, older := 2, []string{"a", "B:pending", "c"}
		if !f.corrupt(f.T, f.Store, ref("1"), Dated) {
			dated, older = 1, []string{"B:pending", "a", "c"}
		}
		f.same("by the older rule", f.list(), older)
		f.same("text of the older rule", f.rows(repository.Window{Search: "zzz", Limit: 9}).Total, dated)
		fence, err := f.BeginRound(f.ctx)
		f.must(err)
		for range 2 {
			for from, more := "", true; more; more = from != "" {
				from, err = f.Reindex(f.ctx, fence, person, from)
				f.must(err)
			}
			f.same("list", f.list(), []string{"B:pending", "a", "c"})
			f.same("old text", f.rows(repository.Window{Search: "zzz", Limit: 9}).Total, 0)
			f.same("new text", f.rows(repository.Window{Search: "a", Limit: 9}).Total, 1)
		}
		after, err := f.Digest(f.ctx, person)
		f.must(err)
		f.same("digest", after, before)
		f.same("entities", []queue.Entity{f.entity("0"), f.entity("1"), f.entity("2")}, saved)
		_, err = f.BeginRound(f.ctx)
		f.must(err)
		if _, err := f.Reindex(f.ctx, fence, person, ""); !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("of an overtaken round: %v", err)
		}
	},

	"reindex: a corrupt row stays corrupt": func(f *fixture) {
		f.fill("a", "b")
		f.corrupt(f.T, f.Store, ref("0"), Altered)
		fence, err := f.BeginRound(f.ctx)
		f.must(err)
		before, err := f.Digest(f.ctx, person)
		f.must(err)
		_, err = f.Reindex(f.ctx, fence, person, "")
		f.must(err)
		after, err := f.Digest(f.ctx, person)
		f.must(err)
		f.same("digest", after, before)
	},

	"rows: an unknown type has none": func(f *fixture) {
		f.fill("a")
		f.same("rows", f.rows(repository.Window{Type: "ghost", Limit: 9}).Total, 0)
	},
}
