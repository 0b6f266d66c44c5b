//go:build js && wasm

package idb_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"syscall/js"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

//go:embed helper.js
var helper string

// TestMain runs the helper script, which a page loads by its own script element.
func TestMain(m *testing.M) {
	js.Global().Get("Function").New(helper).Invoke()
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, name string) storetest.Store {
		return open(t, idb.Options{Name: t.Name() + " " + name})
	}, func(t *testing.T, s storetest.Store, ref queue.Ref, damage storetest.Damage) bool {
		spoil(t, s.(*idb.Store), ref, damages[damage])
		return true
	})
}

// damages are what the suite's damages are in IndexedDB: a function's body with
// users and confirmed, the records of an entity or undefined, put back as they
// are then left; id and type are the entity's.
var damages = map[storetest.Damage]string{
	storetest.Altered: `const row = confirmed ?? users;
		row.document = JSON.stringify({ ...JSON.parse(row.document), name: "Spoiled" });`,
	storetest.Reversed:  `(confirmed ?? users).version--;`,
	storetest.Lost:      `users = confirmed = undefined;`,
	storetest.Hidden:    `users = undefined;`,
	storetest.Misplaced: `users.sortName = "Zzz"; users.search = "zzz";`,
	storetest.Dated:     `users.sortName = "Zzz"; users.search = "zzz"; delete users.sum;`,
	storetest.Forged: `users = {
		type, id, sortName: "Forged", search: "forged", document: '{"name":"Forged"}', version: 1, stamp: "", generation: 1,
		isDirty: false, state: "", syncedAt: "2026-03-01T09:00:00Z",
	};`,
}

// spoil changes the records of an entity behind the store's back.
func spoil(t *testing.T, s *idb.Store, ref queue.Ref, damage string) {
	t.Helper()
	done := make(chan string, 1)
	then := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- args[0].String()
		return nil
	})
	defer then.Release()
	run(`const [db, type, id, damage, then] = arguments;
		const tx = db.transaction(["users", "confirmed"], "readwrite");
		const key = [type, id];
		const [one, other] = ["users", "confirmed"].map((store) => tx.objectStore(store).get(key));
		other.onsuccess = () => {
			try {
				const after = new Function("type", "id", "users", "confirmed", damage + "; return { users, confirmed };")(type, id, one.result, other.result);
				for (const [store, record] of Object.entries(after)) {
					if (record) tx.objectStore(store).put(record);
					else tx.objectStore(store).delete(key);
				}
			} catch (err) {
				tx.abort();
				then(String(err));
			}
		};
		tx.oncomplete = () => then("");`, s.Raw(), ref.Type, ref.ID, damage, then)
	select {
	case failed := <-done:
		if failed != "" || damage == "" {
			t.Fatalf("spoil %s by %q: %s", ref.ID, damage, failed)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain to spoil %s", ref.ID)
	}
}

// open opens a database until the end of the test, and then deletes it.
func open(t testing.TB, o idb.Options) *idb.Store {
	t.Helper()
	o.Schemas = storetest.Schemas
	s, err := idb.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := idb.Delete(context.Background(), o.Name); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return s
}

func ref(id string) queue.Ref { return queue.Ref{Type: "user", ID: id} }

func change(id, name string, version int64) api.Change {
	document := fmt.Sprintf(`{"id":%q,"name":%q,"text":"Some text about this person"}`, id, name)
	return api.Change{EntityType: "user", EntityID: id, Version: version, Document: []byte(document)}
}

// write queues an operation that creates a user.
func write(ctx context.Context, s *idb.Store, id, name string) error {
	return s.Update(ctx, queue.Txn{Refs: []queue.Ref{ref(id)}}, func(es []*queue.Entity) error {
		return es[0].Enqueue(queue.Write{
			ID: "op-" + id + name, Type: api.Create, At: time.Unix(1772355600, 0),
			Data: []byte(fmt.Sprintf(`{"name":%q}`, name)),
		})
	})
}

// held are the ids of the operations, and the names of the visible rows.
func held(t testing.TB, s *idb.Store) (operations, names []string) {
	t.Helper()
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

func expect(t testing.TB, s *idb.Store, operations, names []string) {
	t.Helper()
	gotOperations, gotNames := held(t, s)
	if fmt.Sprint(gotOperations) != fmt.Sprint(operations) || fmt.Sprint(gotNames) != fmt.Sprint(names) {
		t.Fatalf("got operations %v and rows %v, want %v and %v", gotOperations, gotNames, operations, names)
	}
}

func TestWhatWasSavedIsThereAfterReopening(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	again, err := idb.Open(t.Context(), idb.Options{Name: t.Name(), Schemas: storetest.Schemas})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expect(t, again, []string{"op-aAda"}, []string{"Ada"})
}

// fill makes a database as of an older version: a synced row, one with an
// operation on it, a new one, and a conflict.
func fill(t *testing.T, s *idb.Store) {
	t.Helper()
	_, err := s.ApplyPage(t.Context(), sync.Page{
		Generation: 1, Changes: []api.Change{change("a", "Ada", 1), change("b", "Bea", 1)}, Meta: map[string]string{"cursor": "c1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("b")}}, func(es []*queue.Entity) error {
		es[0].Conflicts = []queue.Conflict{{ID: "k", Ref: ref("b"), At: time.Unix(1, 0), Kept: queue.Mine}}
		return es[0].Enqueue(queue.Write{ID: "op-b", Type: api.Update, Data: []byte(`{"name":"Bee"}`), At: time.Unix(1, 0)})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), s, "n", "New"); err != nil {
		t.Fatal(err)
	}
}

func TestMigrationKeepsTheQueue(t *testing.T) {
	newest := js.Global().Get("rollcallIDB").Get("version").Int()
	for version := 1; version < newest; version++ {
		t.Run(fmt.Sprintf("from version %d", version), func(t *testing.T) {
			outdated := make(chan struct{})
			// The old version's tab stays open: it has to make way by itself.
			old := open(t, idb.Options{Name: t.Name(), Version: uint(version), OnOutdated: func() { close(outdated) }})
			fill(t, old)
			s := open(t, idb.Options{Name: t.Name()})
			wait(t, outdated, "the older version's connection to be closed")
			expect(t, s, []string{"op-b", "op-nNew"}, []string{"Ada", "Bee", "New"})
			due, err := s.Due(t.Context(), time.Now(), 10)
			if err != nil || len(due.Operations) != 2 {
				t.Fatalf("due: %v, %v", due, err)
			}
			meta, err := s.Meta(t.Context(), "cursor")
			if err != nil || meta["cursor"] != "c1" {
				t.Fatalf("meta: %v, %v", meta, err)
			}
			counts, err := s.Counts(t.Context())
			if err != nil || counts != (queue.Counts{Rows: 3, Waiting: 2, Conflicts: 1}) {
				t.Fatalf("counts: %v, %v", counts, err)
			}
			removed, err := s.Sweep(t.Context(), 0, "user", 2)
			if err != nil || len(removed) != 2 {
				t.Fatalf("sweep: %v, %v", removed, err)
			}
			expect(t, s, []string{"op-b", "op-nNew"}, []string{"Bee", "New"})
		})
	}
}

// asBefore takes away from a database what its version did not have yet.
func asBefore(t *testing.T, s *idb.Store) {
	t.Helper()
	done := make(chan struct{})
	then := js.FuncOf(func(js.Value, []js.Value) any {
		close(done)
		return nil
	})
	defer then.Release()
	run(`const [db, then] = arguments;
		const tx = db.transaction(["operations", "conflicts"], "readwrite");
		for (const store of ["operations", "conflicts"]) {
			tx.objectStore(store).openCursor().onsuccess = ({ target: { result: cursor } }) => {
				if (!cursor) return;
				const { standing, ...record } = cursor.value;
				cursor.update(record);
				cursor.continue();
			};
		}
		tx.oncomplete = then;`, s.Raw(), then)
	wait(t, done, "the records to be as before")
}

// TestMigrationIndexesALongQueue checks what the third version goes by: what can
// be sent, what was rejected, and what is to be looked at.
func TestMigrationIndexesALongQueue(t *testing.T) {
	old := open(t, idb.Options{Name: t.Name(), Version: 2})
	late := time.Now().Add(time.Hour).UTC()
	stand := func(id string, change func(*queue.Entity)) {
		t.Helper()
		if err := write(t.Context(), old, id, id); err != nil {
			t.Fatal(err)
		}
		err := old.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref(id)}}, func(es []*queue.Entity) error {
			change(es[0])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stand("queued", func(*queue.Entity) {})
	stand("sent", func(e *queue.Entity) {
		e.Operations[0].State = queue.Sending
		behind := e.Operations[0]
		behind.ID, behind.State, behind.Seq = "behind", queue.Queued, 0
		e.Operations = append(e.Operations, behind)
	})
	stand("waits", func(e *queue.Entity) { e.Operations[0].State, e.Operations[0].NextAttemptAt = queue.Waiting, late })
	stand("refused", func(e *queue.Entity) { e.Operations[0].State = queue.Rejected })
	stand("disputed", func(e *queue.Entity) {
		e.Operations = nil
		e.Conflicts = []queue.Conflict{{ID: "older", At: time.Unix(1, 0)}, {ID: "newer", At: time.Unix(2, 0)}}
	})
	asBefore(t, old)
	s := open(t, idb.Options{Name: t.Name()})
	due, err := s.Due(t.Context(), time.Now(), 10)
	if got := fmt.Sprint(ids(due.Operations)); err != nil || got != "[op-queuedqueued op-sentsent]" || !due.Next.Equal(late) {
		t.Errorf("due: %v, next %v, %v", got, due.Next, err)
	}
	rejected, err := s.Rejected(t.Context(), "user", 10)
	if got := fmt.Sprint(ids(rejected)); err != nil || got != "[op-refusedrefused]" {
		t.Errorf("rejected: %v, %v", got, err)
	}
	counts, err := s.Counts(t.Context())
	if err != nil || counts != (queue.Counts{Rows: 4, Waiting: 4, Rejected: 1, Conflicts: 2}) {
		t.Errorf("counts: %+v, %v", counts, err)
	}
	conflicts, err := s.Conflicts(t.Context(), 10)
	if err != nil || len(conflicts) != 2 || conflicts[0].ID != "newer" {
		t.Errorf("conflicts: %+v, %v", conflicts, err)
	}
}

func ids(operations []queue.Operation) []string {
	var out []string
	for _, o := range operations {
		out = append(out, o.ID)
	}
	return out
}

func wait(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}
