//go:build js && wasm

package idb_test

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/storetest"
)

// interruptUpgrades makes the nth step of an upgrade from now on abort it, 0
// for none. Steps are the calls that change something, in whatever migration. It
// returns how many steps were counted since.
func interruptUpgrades(t *testing.T, n int, how string) (steps func() int) {
	t.Helper()
	run(`globalThis.steps = 0;
		const [n, how] = arguments;
		const undo = [];
		globalThis.healUpgrades = () => { while (undo.length > 0) undo.pop()(); };
		const count = (prototype, method, transaction) => {
			const was = prototype[method];
			undo.push(() => { prototype[method] = was; });
			prototype[method] = function (...args) {
				const tx = transaction(this);
				if (tx?.mode !== "versionchange") return was.apply(this, args);
				if (++globalThis.steps !== n) return was.apply(this, args);
				if (how === "thrown") throw new DOMException("simulated", "UnknownError");
				const made = was.apply(this, args);
				tx.abort();
				return made;
			};
		};
		// The upgrade transaction of a database is known to its open request alone.
		const upgrading = new WeakMap();
		const open = IDBFactory.prototype.open;
		undo.push(() => { IDBFactory.prototype.open = open; });
		IDBFactory.prototype.open = function (...args) {
			const request = open.apply(this, args);
			request.addEventListener("upgradeneeded", () => upgrading.set(request.result, request.transaction));
			return request;
		};
		for (const method of ["createObjectStore", "deleteObjectStore"]) count(IDBDatabase.prototype, method, (db) => upgrading.get(db));
		for (const method of ["createIndex", "deleteIndex", "put", "add", "delete", "clear"]) count(IDBObjectStore.prototype, method, (store) => store.transaction);
		for (const method of ["update", "delete"]) count(IDBCursor.prototype, method, (cursor) => (cursor.source.objectStore ?? cursor.source).transaction);`, n, how)
	t.Cleanup(func() { js.Global().Call("healUpgrades") })
	return func() int { return js.Global().Get("steps").Int() }
}

// version is the version that a database has now, without upgrading it.
func version(t *testing.T, name string) int {
	t.Helper()
	run(`globalThis.found = null;
		indexedDB.databases().then((all) => { globalThis.found = all.find((d) => d.name === arguments[0])?.version ?? 0; });`, name)
	awaitTrue(t, "globalThis.found !== null")
	return js.Global().Get("found").Int()
}

// TestAMigrationCutShortIsMadeAgain interrupts the migration from every older
// version at every one of its steps: the older version stays as it was, with its
// queue, and the next start migrates.
func TestAMigrationCutShortIsMadeAgain(t *testing.T) {
	newest := js.Global().Get("rollcallIDB").Get("version").Int()
	for from := 1; from < newest; from++ {
		for _, how := range []string{"aborted", "thrown"} {
			t.Run(fmt.Sprintf("from version %d, %s", from, how), func(t *testing.T) {
				name := t.Name()
				old := open(t, idb.Options{Name: name, Version: uint(from)})
				fill(t, old)
				old.Close()
				interrupted := 0
				for step := 1; ; step++ {
					steps := interruptUpgrades(t, step, how)
					s, err := idb.Open(t.Context(), idb.Options{Name: name, Schemas: storetest.Schemas})
					s.Close()
					js.Global().Call("healUpgrades")
					if steps() < step { // the migration has no more
						if err != nil {
							t.Fatalf("uninterrupted: %v", err)
						}
						break
					}
					if err == nil {
						t.Fatalf("interrupted at step %d, and nobody says so", step)
					}
					interrupted++
					if got := version(t, name); got != from {
						t.Fatalf("after step %d the database has version %d", step, got)
					}
					again := open(t, idb.Options{Name: name, Version: uint(from)})
					expect(t, again, []string{"op-b", "op-nNew"}, []string{"Ada", "Bee", "New"})
					again.Close()
				}
				if interrupted == 0 {
					t.Fatal("the migration has no step to interrupt")
				}
				migrated(t, name, newest)
			})
		}
	}
}

// migrated checks that a database that fill has made is at the newest version, whole.
func migrated(t *testing.T, name string, newest int) {
	t.Helper()
	s, err := idb.Open(t.Context(), idb.Options{Name: name, Schemas: storetest.Schemas})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := version(t, name); got != newest {
		t.Fatalf("the database has version %d, want %d", got, newest)
	}
	expect(t, s, []string{"op-b", "op-nNew"}, []string{"Ada", "Bee", "New"})
	due, err := s.Due(t.Context(), time.Now(), 10)
	if err != nil || len(due.Operations) != 2 {
		t.Fatalf("due: %v, %v", due, err)
	}
}

// TestTwoTabsWhileTheDatabaseIsUpgraded has an older tab write all the time while
// a newer one opens the database, from every older version: what the older tab was
// told is saved is there, and after the upgrade it is told to reload.
func TestTwoTabsWhileTheDatabaseIsUpgraded(t *testing.T) {
	newest := js.Global().Get("rollcallIDB").Get("version").Int()
	for from := 1; from < newest; from++ {
		t.Run(fmt.Sprintf("from version %d", from), func(t *testing.T) {
			old := open(t, idb.Options{Name: t.Name(), Version: uint(from)})
			fill(t, old)
			type end struct {
				saved []string
				err   error
			}
			first, done := make(chan struct{}), make(chan end, 1)
			go func() {
				var e end
				for i := 0; e.err == nil; i++ {
					id := fmt.Sprintf("w%03d", i)
					if e.err = write(context.Background(), old, id, "Writer"); e.err == nil {
						e.saved = append(e.saved, "op-"+id+"Writer")
					}
					if i == 0 {
						close(first)
					}
				}
				done <- e
			}()
			wait(t, first, "the first write")
			s := open(t, idb.Options{Name: t.Name()})
			wrote := <-done
			if !errors.Is(wrote.err, queue.ErrOutdated) {
				t.Fatalf("the older tab was told %v, want ErrOutdated", wrote.err)
			}
			operations, _ := held(t, s)
			if want := append([]string{"op-b", "op-nNew"}, wrote.saved...); fmt.Sprint(operations) != fmt.Sprint(want) {
				t.Fatalf("the queue has %v, want %v", operations, want)
			}
		})
	}
}
