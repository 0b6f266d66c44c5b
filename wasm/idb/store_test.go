//go:build js && wasm

package idb_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
)

//go:embed helper.js
var helper string

// TestMain runs the helper script, which a page loads by its own script element.
func TestMain(m *testing.M) {
	js.Global().Get("Function").New(helper).Invoke()
	os.Exit(m.Run())
}

// store is a replica over a database in the browser.
type store struct {
	*replica.Store
	db *idb.Database
}

// tabs are the replicas of each database, by its name. They hear of each other at once.
var tabs = map[string][]*store{}

func newStore(o idb.Options) *store { return newStoreFor(o, storetest.Schemas) }

func newStoreFor(o idb.Options, schemas []queue.Schema) *store {
	s := &store{db: idb.NewDatabase(o)}
	s.Store = replica.New(replica.Options{
		Database: s.db, Schemas: schemas, Now: time.Now, NewID: uuid.NewString,
		Publish: func(m replica.Message) {
			for _, other := range tabs[o.Name] {
				if other != s {
					other.Receive(m)
				}
			}
		},
	})
	tabs[o.Name] = append(tabs[o.Name], s)
	return s
}

// open opens a database until the end of the test, and then deletes it.
func open(t testing.TB, o idb.Options) *store {
	t.Helper()
	s := newStore(o)
	if err := s.db.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.db.Close()
		if err := idb.Delete(context.Background(), o.Name); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, name string) storetest.Store {
		return open(t, idb.Options{Name: t.Name() + " " + name})
	}, func(t *testing.T, s storetest.Store, ref queue.Ref, damage storetest.Damage) bool {
		t.Helper()
		return device(t, s.(*store)).Corrupt(t, s.(*store).Store, ref, damage)
	})
}

// device is a database to package replicatest.
func device(t *testing.T, s *store) replicatest.Device {
	name := s.db.Raw().Get("name").String()
	d := replicatest.Device{
		Open: func(schemas []queue.Schema) *replica.Store {
			other := newStoreFor(idb.Options{Name: name}, schemas)
			t.Cleanup(other.db.Close)
			return other.Store
		},
		Base: func() (texts map[string]string) {
			text := inBase(t, s, `const keys = base.getAllKeys(), all = base.getAll();
				all.onsuccess = () => { result = JSON.stringify(Object.fromEntries(all.result.map((text, i) => [keys.result[i], text]))); };`)
			if err := json.Unmarshal([]byte(text), &texts); err != nil {
				t.Fatal(err)
			}
			return texts
		},
		Put: func(key, text string) { inBase(t, s, `base.put(rest[1], rest[0]);`, key, text) },
	}
	for _, tab := range tabs[name] {
		d.Stores = append(d.Stores, tab.Store)
	}
	return d
}

// inBase runs a function's body in a transaction on the base, and returns its result.
func inBase(t *testing.T, s *store, body string, rest ...any) string {
	t.Helper()
	done := make(chan string, 1)
	then := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- args[0].String()
		return nil
	})
	defer then.Release()
	run(`const [db, then, ...rest] = arguments;
		const tx = db.transaction("base", "readwrite"), base = tx.objectStore("base");
		let result = "";
		tx.oncomplete = () => then(result);
		`+body, append([]any{s.db.Raw(), then}, rest...)...)
	select {
	case text := <-done:
		return text
	case <-time.After(10 * time.Second):
		t.Fatal("waited in vain for the base")
		return ""
	}
}

func ref(id string) queue.Ref { return queue.Ref{Type: "user", ID: id} }

func change(id, name string, version int64) api.Change {
	document := fmt.Sprintf(`{"id":%q,"name":%q,"text":"Some text about this person"}`, id, name)
	return api.Change{EntityType: "user", EntityID: id, Version: version, Document: []byte(document)}
}

// write queues an operation that creates a user.
func write(ctx context.Context, s *store, id, name string) error {
	return s.Update(ctx, queue.Txn{Refs: []queue.Ref{ref(id)}}, func(es []*queue.Entity) error {
		return es[0].Enqueue(queue.Write{
			ID: "op-" + id + name, Type: api.Create, At: time.Unix(1772355600, 0),
			Data: []byte(fmt.Sprintf(`{"name":%q}`, name)),
		})
	})
}

// held are the ids of the operations, and the names of the visible rows.
func held(t testing.TB, s *store) (operations, names []string) {
	t.Helper()
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := s.Operations(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range found {
		operations = append(operations, o.ID)
	}
	rows, err := s.Rows(t.Context(), repository.Window{Type: "user", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range rows.Keys {
		names = append(names, k.Sort)
	}
	return operations, names
}

func expect(t testing.TB, s *store, operations, names []string) {
	t.Helper()
	gotOperations, gotNames := held(t, s)
	if fmt.Sprint(gotOperations) != fmt.Sprint(operations) || fmt.Sprint(gotNames) != fmt.Sprint(names) {
		t.Fatalf("got operations %v and rows %v, want %v and %v", gotOperations, gotNames, operations, names)
	}
}

// TestAWriteOnAnOldStateIsDecidedAnew: another tab has written what this one has not heard of.
// Its record may have gone into the base, so that the log has none of the next number.
func TestAWriteOnAnOldStateIsDecidedAnew(t *testing.T) {
	for _, compacted := range []bool{false, true} {
		t.Run(fmt.Sprint("compacted ", compacted), func(t *testing.T) {
			name := t.Name()
			s := open(t, idb.Options{Name: name})
			if err := write(t.Context(), s, "a", "Ada"); err != nil {
				t.Fatal(err)
			}
			other := newStore(idb.Options{Name: name})
			defer other.db.Close()
			for _, id := range []string{"b", "c", "d"} {
				if err := write(t.Context(), other, id, "Others"); err != nil {
					t.Fatal(err)
				}
			}
			for more := compacted; more; {
				var err error
				if more, err = other.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var seen []int
			err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("b")}}, func(es []*queue.Entity) error {
				seen = append(seen, len(es[0].Operations))
				return es[0].Enqueue(queue.Write{ID: "mine", Type: api.Update, At: time.Unix(1772355600, 0), Data: []byte(`{"name":"Mine"}`)})
			})
			if err != nil || seen[len(seen)-1] != 1 {
				t.Fatalf("decided on %v operations, %v", seen, err)
			}
			for _, tab := range []*store{s, other} {
				expect(t, tab, []string{"op-aAda", "mine", "op-cOthers", "op-dOthers"}, []string{"Ada", "Mine", "Others", "Others"})
			}
		})
	}
}

func TestWhatWasSavedIsThereAfterReopening(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	s.db.Close()
	again := newStore(idb.Options{Name: t.Name()})
	defer again.db.Close()
	expect(t, again, []string{"op-aAda"}, []string{"Ada"})
}

func wait(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

// TestNamesArePartByPart: there are too many to read at once, and others wait meanwhile.
func TestNamesArePartByPart(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	put := map[string]string{}
	for n := range replica.NamesPart + 200 {
		put[fmt.Sprintf("kept/%04d", n)] = "x"
	}
	err := s.db.Run(t.Context(), replica.Query{Write: true}, func(replica.Found) (replica.Step, error) { return replica.Step{Put: put}, nil })
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(put))
	for behind, names := range map[string][]string{"kept/": want[:replica.NamesPart], want[0]: want[1 : replica.NamesPart+1], want[900]: want[901:]} {
		var got []string
		err := s.db.Run(t.Context(), replica.Query{Read: replica.Read{Keys: []string{replica.NamesBehind(behind)}}}, func(found replica.Found) (replica.Step, error) {
			got = strings.Split(found.Base[replica.NamesBehind(behind)], "\n")
			return replica.Step{}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got = slices.DeleteFunc(got, func(name string) bool { return !strings.HasPrefix(name, "kept/") })
		if !slices.Equal(got, names) {
			t.Errorf("%d names behind %s, %q to %q; want %d", len(got), behind, got[0], got[len(got)-1], len(names))
		}
	}
}

// TestTextsComeWhole: they come to Go together, as UTF-8, which is longer than their letters are many.
func TestTextsComeWhole(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	want := map[string]string{
		"empty": "", "plain": "Ada\tLovelace\n", "latin": strings.Repeat("é", 3000), "kana": strings.Repeat("あ", 3000), "faces": strings.Repeat("😀", 3000), "last": "z",
	}
	keys := slices.Sorted(maps.Keys(want))
	write := replica.Step{Put: want}
	if err := s.db.Run(t.Context(), replica.Query{Write: true}, func(replica.Found) (replica.Step, error) { return write, nil }); err != nil {
		t.Fatal(err)
	}
	var got replica.Found
	query := replica.Query{Read: replica.Read{Keys: append(keys, "absent"), After: 1 << 40}}
	if err := s.db.Run(t.Context(), query, func(found replica.Found) (replica.Step, error) {
		got = found
		return replica.Step{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	want["absent"] = ""
	for key, text := range want {
		if got.Base[key] != text {
			t.Errorf("%s has %d bytes, want %d", key, len(got.Base[key]), len(text))
		}
	}
}
