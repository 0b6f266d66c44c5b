// Package storetest is the conformance suite of the device's store. It checks, case by
// case, the contract of queue.Store, sync.Store and repository.Store. It runs natively
// against package memory, and in a browser against IndexedDB.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Store is the whole contract.
type Store interface {
	sync.Store
	repository.Store
}

// Open opens a store for Schemas. Opening the same name again within a test, even while
// the first is in use, returns another handle of the same data. Tests do not share names.
type Open func(t *testing.T, name string) Store

// Types of the suite's entities.
const (
	person = "user"
	note   = "note"
)

// Schemas describe the entities of the suite. The sort text is the name; the search text is that,
// and name and text in lower case. A deep search looks in the deep text.
var Schemas = []queue.Schema{
	{
		Type: person, Fields: []string{"name", "text", "deep"}, Unique: []string{"text"}, Index: index,
		Changed: func(d json.RawMessage) string { return fields(d).At }, Deep: func(d json.RawMessage) string { return fields(d).Deep },
		Orders: map[string]func(search, changed string) string{
			"":      func(search, _ string) string { name, _, _ := strings.Cut(search, "\n"); return name },
			byLower: func(search, _ string) string { _, lower, _ := strings.Cut(search, "\n"); return lower },
			byTime:  func(_, changed string) string { return changed },
		},
	},
	{Type: note, Fields: []string{"name", "text"}, Index: index},
}

// The orders of the suite's people.
const (
	byLower = "lower"
	byTime  = "time"
)

type texts struct{ Name, Text, Deep, At string }

func fields(document json.RawMessage) (d texts) {
	if json.Unmarshal(document, &d) != nil {
		return texts{}
	}
	return d
}

func index(document json.RawMessage) (sort, search string) {
	d := fields(document)
	if d == (texts{}) {
		return "", ""
	}
	return d.Name, d.Name + "\n" + strings.ToLower(d.Name+" "+d.Text)
}

// Damage is what Corrupt does to the rows of an entity behind the store's back. It leaves
// operations and conflicts alone.
type Damage string

const (
	Altered   Damage = "the server's row has another document"
	Reversed  Damage = "the server's row has another version"
	Lost      Damage = "its rows are gone"
	Hidden    Damage = "its visible row is gone"
	Misplaced Damage = "its visible row is listed under another text"
	Dated     Damage = "its visible row is listed by an older rule, and as it was saved"
	Forged    Damage = "there are rows of an entity that does not exist"
)

// Corrupt damages an entity of a store that Open returned. Lost requires an entity with
// rows, Forged one without. It reports false where the store keeps nothing that this could
// happen to: one that makes visible rows whenever they are read loses none.
type Corrupt func(t *testing.T, s Store, ref queue.Ref, damage Damage) bool

// Run runs the suite. Stores must date the rows of the feed with a clock that does not
// return the zero time.
func Run(t *testing.T, open Open, corrupt Corrupt) {
	for _, group := range []map[string]func(*fixture){updateCases, queueCases, outcomeCases, feedCases, sweepCases, repairCases, listCases, sharedCases} {
		names := make([]string, 0, len(group))
		for name := range group {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				group[name](&fixture{T: t, Store: open(t, "main"), ctx: ctx, open: open, corrupt: corrupt})
			})
		}
	}
}

// fixture is the store of one case, with what the cases share.
type fixture struct {
	*testing.T
	Store
	ctx     context.Context
	open    Open
	corrupt Corrupt
}

// day is the time that cases count from. Its nanoseconds must not be lost.
var day = time.Date(2026, 3, 1, 9, 0, 0, 123456789, time.UTC)

func ref(id string) queue.Ref { return queue.Ref{Type: person, ID: id} }

func document(id, name string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"id":%q,"name":%q,"text":""}`, id, name))
}

func row(id, name string, version int64) *queue.Row {
	return &queue.Row{
		Version: version, Stamp: api.NewStamp(day, "", "server00"), Document: document(id, name), SyncedAt: day,
	}
}

func change(id, name string, version int64) api.Change {
	return api.Change{
		EntityType: person, EntityID: id, Version: version,
		Stamp: api.NewStamp(day, "", "server00"), Document: document(id, name),
	}
}

func tombstone(id string, version int64) api.Change {
	return api.Change{EntityType: person, EntityID: id, Version: version, Deleted: true}
}

// operation is a queued update of a name, with every field set.
func operation(id string, name string) queue.Operation {
	return queue.Operation{
		ID: "op-" + id + "-" + name, Ref: ref(id), Type: api.Update, State: queue.Queued,
		Data: json.RawMessage(fmt.Sprintf(`{"name":%q}`, name)), Base: document(id, "before"),
		BaseVersion: 1, CreatedAt: day, Stamp: api.NewStamp(day, "", "client00"),
	}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// update changes one entity.
func (f *fixture) update(id string, decide func(*queue.Entity)) {
	f.Helper()
	f.must(f.Update(f.ctx, queue.Txn{Refs: []queue.Ref{ref(id)}}, func(es []*queue.Entity) error {
		decide(es[0])
		return nil
	}))
}

// enqueue appends operations to an entity.
func (f *fixture) enqueue(id string, operations ...queue.Operation) {
	f.Helper()
	f.update(id, func(e *queue.Entity) { e.Operations = append(e.Operations, operations...) })
}

// pull applies a page and returns the ids it reports as changed.
func (f *fixture) pull(page sync.Page) []string {
	f.Helper()
	if page.Generation == 0 {
		page.Generation = 1
	}
	changed, err := f.ApplyPage(f.ctx, page)
	f.must(err)
	return ids(changed)
}

func ids(refs []queue.Ref) []string {
	out := []string{}
	for _, r := range refs {
		out = append(out, r.ID)
	}
	slices.Sort(out)
	return out
}

func (f *fixture) entity(id string) queue.Entity {
	f.Helper()
	e, err := f.Entity(f.ctx, ref(id))
	f.must(err)
	return e
}

func (f *fixture) rows(w repository.Window) repository.Rows {
	f.Helper()
	if w.Type == "" {
		w.Type = person
	}
	rows, err := f.Rows(f.ctx, w)
	f.must(err)
	return rows
}

// list returns the visible rows as "name", or "name:state" if they have a state.
func (f *fixture) list() []string {
	f.Helper()
	return names(f.rows(repository.Window{Limit: 1000}))
}

func names(rows repository.Rows) []string {
	out := []string{}
	for _, v := range rows.Views {
		name, _ := index(v.Document)
		if v.State != queue.Synced {
			name += ":" + string(v.State)
		}
		out = append(out, name)
	}
	return out
}

func (f *fixture) counts() queue.Counts {
	f.Helper()
	c, err := f.Counts(f.ctx)
	f.must(err)
	return c
}

// same compares values by their JSON.
func (f *fixture) same(what string, got, want any) {
	f.Helper()
	g, err := json.Marshal(got)
	f.must(err)
	w, err := json.Marshal(want)
	f.must(err)
	if !bytes.Equal(g, w) {
		f.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}
