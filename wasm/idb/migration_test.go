//go:build js && wasm

package idb_test

import (
	_ "embed"
	"errors"
	"fmt"
	"syscall/js"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// version4 is what the last program without a log kept: rows in every state, of which one
// is not as it was saved, operations, conflicts and values.
//
//go:embed testdata/version4.json
var version4 string

// fill makes a database as of an older version.
func fill(t *testing.T, name string, version int) {
	t.Helper()
	run(`globalThis.filled = false;
		const [name, version, text] = arguments;
		const request = rollcallIDB.factory(() => {}).open(name, version);
		request.addEventListener("success", () => {
			const { stores } = JSON.parse(text), db = request.result;
			const tx = db.transaction([...db.objectStoreNames], "readwrite");
			for (const [store, records] of Object.entries(stores)) {
				for (const [key, value] of records) {
					if (version < 3) delete value.standing;
					store === "meta" ? tx.objectStore(store).put(value, key) : tx.objectStore(store).put(value);
				}
			}
			tx.oncomplete = () => {
				db.close();
				globalThis.filled = true;
			};
		});`, name, version, version4)
	awaitTrue(t, "globalThis.filled")
}

// expectFilled checks that a database is what fill has made, at the newest version.
func expectFilled(t *testing.T, s *store) {
	t.Helper()
	expect(t, s, []string{"op-b", "op-nNew", "op-g", "op-r", "op-r2"}, []string{"Ada", "Bee", "Cy\ttab", "Dé😀", "New", "R2"})
	ctx := t.Context()
	e, err := s.Entity(ctx, ref("r"))
	if err != nil || e.Confirmed.Version != 2 || e.Confirmed.SyncedAt.Nanosecond() == 0 || len(e.Operations) != 2 || e.Operations[0].Seq != 4 || e.Operations[0].LastError.Title != "No" {
		t.Fatalf("rejected: %+v, %v", e, err)
	}
	due, err := s.Due(ctx, time.Now(), 10)
	if got := fmt.Sprint(ids(due.Operations)); err != nil || got != "[op-b op-nNew op-g]" {
		t.Fatalf("due: %v, %v", got, err)
	}
	if !due.Operations[0].Unseen || due.Operations[1].Unseen {
		t.Fatalf("what the author of a write had not seen is lost: %+v", due.Operations[:2])
	}
	conflicts, err := s.Conflicts(ctx, 10)
	if err != nil || len(conflicts) != 3 || conflicts[0].ID != "open" || conflicts[2].ID != "seen" {
		t.Fatalf("conflicts: %+v, %v", conflicts, err)
	}
	counts, err := s.Counts(ctx)
	if err != nil || counts != (queue.Counts{Rows: 7, Waiting: 4, Rejected: 1, Conflicts: 2}) {
		t.Fatalf("counts: %+v, %v", counts, err)
	}
	meta, err := s.Meta(ctx, "cursor", "client", queue.MetaOutcomes)
	if outcome, ok := queue.FindOutcome(meta[queue.MetaOutcomes], "left"); err != nil || meta["cursor"] != "c2" || !ok || outcome.Version != 7 {
		t.Fatalf("meta: %v, %v", meta, err)
	}
	found, err := s.Rows(ctx, repository.Window{Type: "user", Search: "dé😀", Limit: 5})
	if err != nil || found.Total != 1 {
		t.Fatalf("search: %+v, %v", found, err)
	}
	digest, err := s.Digest(ctx, "user")
	var want api.Digest
	for id, row := range map[string]struct {
		name    string
		version int64
	}{"a": {"Ada", 1}, "b": {"Bea", 1}, "c": {"Cy\ttab", 7}, "d": {"Dé😀", 3}, "g": {"Gone", 2}, "r": {"Rejected", 2}} {
		want.Add(id, row.version, api.ContentHash(change(id, row.name, row.version).Document))
	}
	if err != nil || digest != want {
		t.Fatalf("the digest is not that of the sound rows: %v", err)
	}
}

func ids(operations []queue.Operation) []string {
	var out []string
	for _, o := range operations {
		out = append(out, o.ID)
	}
	return out
}

func TestMigrationKeepsEverything(t *testing.T) {
	for from := 1; from < newest(); from++ {
		t.Run(fmt.Sprint("from version ", from), func(t *testing.T) {
			fill(t, t.Name(), from)
			s := open(t, idb.Options{Name: t.Name()})
			expectFilled(t, s)
			fence, err := s.BeginRound(t.Context())
			if err != nil || fence <= 1 {
				t.Fatalf("the next fence is %d, %v", fence, err)
			}
			removed, err := s.Sweep(t.Context(), fence, "user", 2)
			if err != nil || len(removed) != 2 {
				t.Fatalf("sweep: %v, %v", removed, err)
			}
			if err := write(t.Context(), s, "later", "Later"); err != nil {
				t.Fatal(err)
			}
			e, err := s.Entity(t.Context(), ref("later"))
			if err != nil || e.Operations[0].Seq <= 5 {
				t.Fatalf("the next operation: %+v, %v", e, err)
			}
		})
	}
}

func newest() int { return js.Global().Get("rollcallIDB").Get("version").Int() }

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
	for from := 1; from < newest(); from++ {
		for _, how := range []string{"aborted", "thrown"} {
			t.Run(fmt.Sprintf("from version %d, %s", from, how), func(t *testing.T) {
				name := t.Name()
				fill(t, name, from)
				for step := 1; ; step++ {
					steps := interruptUpgrades(t, step, how)
					db := idb.NewDatabase(idb.Options{Name: name})
					err := db.Open(t.Context())
					db.Close()
					js.Global().Call("healUpgrades")
					if steps() < step { // the migration has no more
						if err != nil || step == 1 {
							t.Fatalf("uninterrupted, after %d steps: %v", step-1, err)
						}
						break
					}
					if err == nil {
						t.Fatalf("interrupted at step %d, and nobody says so", step)
					}
					if got := version(t, name); got != from {
						t.Fatalf("after step %d the database has version %d", step, got)
					}
				}
				expectFilled(t, open(t, idb.Options{Name: name}))
			})
		}
	}
}

// limitUpgrades has upgrades end as on a disk on which only so many bytes more have room, and
// returns how many the last one has put.
func limitUpgrades(t *testing.T, room int) (put func() int) {
	t.Helper()
	run(`const [room] = arguments, left = new WeakMap(), put = IDBObjectStore.prototype.put;
		globalThis.healUpgrades = () => { IDBObjectStore.prototype.put = put; };
		IDBObjectStore.prototype.put = function (value, ...key) {
			const request = put.call(this, value, ...key), tx = this.transaction;
			if (tx.mode !== "versionchange") return request;
			left.set(tx, (left.get(tx) ?? room) - JSON.stringify(value).length);
			globalThis.putInUpgrade = room - left.get(tx);
			if (left.get(tx) < 0) {
				Object.defineProperty(tx, "error", { value: new DOMException("simulated", "QuotaExceededError") });
				tx.abort();
			}
			return request;
		};`, room)
	t.Cleanup(func() { js.Global().Call("healUpgrades") })
	return func() int { return js.Global().Get("putInUpgrade").Int() }
}

// TestAnUpgradeOnAFullDiskLeavesOutTheRows: what only this device has is kept, and the rest
// is read again from the server. Where not even that has room, the older version stays.
func TestAnUpgradeOnAFullDiskLeavesOutTheRows(t *testing.T) {
	fill(t, t.Name()+" with room", newest()-1)
	put := limitUpgrades(t, 1<<30)
	open(t, idb.Options{Name: t.Name() + " with room"})
	all := put()
	js.Global().Call("healUpgrades")
	name := t.Name()
	fill(t, name, newest()-1)
	limitUpgrades(t, 200)
	db := idb.NewDatabase(idb.Options{Name: name})
	if err := db.Open(t.Context()); !errors.Is(err, queue.ErrQuota) {
		t.Fatalf("got %v, want ErrQuota", err)
	}
	db.Close()
	if got := version(t, name); got != newest()-1 {
		t.Fatalf("the database has version %d", got)
	}
	js.Global().Call("healUpgrades")
	limitUpgrades(t, all-100) // a row has more
	s := open(t, idb.Options{Name: name})
	expect(t, s, []string{"op-b", "op-nNew", "op-g", "op-r", "op-r2"}, []string{"Bee", "Dé😀", "New", "R2"})
	conflicts, err := s.Conflicts(t.Context(), 10)
	if err != nil || len(conflicts) != 3 {
		t.Fatalf("conflicts: %+v, %v", conflicts, err)
	}
	meta, err := s.Meta(t.Context(), sync.MetaCursor, sync.MetaClient, queue.MetaOutcomes)
	if _, ok := queue.FindOutcome(meta[queue.MetaOutcomes], "left"); err != nil || !ok || meta[sync.MetaCursor] != "" || meta[sync.MetaClient] == "" {
		t.Fatalf("meta: %v, %v", meta, err)
	}
}

// olderTab opens a database as of an older version, and creates users one after the other
// until it is told to make way. It counts those that were saved.
const olderTab = `
	const [name, version] = arguments, older = (globalThis.older = { saved: 0, ended: "" });
	rollcallIDB.factory((what) => { if (what === "outdated") older.told = true; }).open(name, version).addEventListener("success", ({ target: { result: db } }) => {
		const write = () => {
			let tx;
			try {
				tx = db.transaction("operations", "readwrite");
			} catch (err) {
				older.ended = err.name;
				return;
			}
			const id = "w" + String(older.saved).padStart(4, "0"), ref = { type: "user", id };
			tx.objectStore("operations").put({ ...ref, state: "queued", nextAttemptAt: "", standing: "", text: JSON.stringify({
				id: "op-" + id, ref, type: "create", data: { name: "Writer" }, baseVersion: 0, createdAt: "2026-03-01T09:00:00Z", stamp: "",
				state: "queued", retryCount: 0, nextAttemptAt: "0001-01-01T00:00:00Z" }) });
			tx.oncomplete = () => {
				older.saved++;
				write();
			};
			tx.onabort = () => { older.ended = "aborted"; };
		};
		write();
	});`

// TestTwoTabsWhileTheDatabaseIsUpgraded has an older tab write all the time while a newer one
// opens the database, from every older version: what the older tab was told is saved is there.
func TestTwoTabsWhileTheDatabaseIsUpgraded(t *testing.T) {
	for from := 1; from < newest(); from++ {
		t.Run(fmt.Sprint("from version ", from), func(t *testing.T) {
			run(olderTab, t.Name(), from)
			awaitTrue(t, "globalThis.older.saved > 0")
			s := open(t, idb.Options{Name: t.Name()})
			awaitTrue(t, `globalThis.older.ended !== "" && globalThis.older.told`)
			operations, _ := held(t, s)
			saved := js.Global().Get("older").Get("saved").Int()
			for i := range saved {
				if want := fmt.Sprintf("op-w%04d", i); i >= len(operations) || operations[i] != want {
					t.Fatalf("of %d saved operations %s is missing: %v", saved, want, operations)
				}
			}
		})
	}
}
