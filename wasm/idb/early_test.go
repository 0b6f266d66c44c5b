//go:build js && wasm

package idb_test

import (
	"errors"
	"syscall/js"
	"testing"

	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
)

// countOpens counts what the program and the shell open.
func countOpens(t *testing.T) (opens func() int) {
	counter := run(`
		const open = IDBFactory.prototype.open, counter = { opens: 0 };
		IDBFactory.prototype.open = function (...args) {
			counter.opens++;
			return open.apply(this, args);
		};
		counter.end = () => { IDBFactory.prototype.open = open; };
		return counter;`)
	t.Cleanup(func() { counter.Call("end") })
	return func() int { return counter.Get("opens").Int() }
}

// openEarly has the shell open a database before a program has opened any.
func openEarly(t *testing.T, name string) {
	t.Helper()
	run(helper) // a program that has opened something never takes anything early
	run(`globalThis.earlyDone = false;
		rollcallIDB.openEarly(arguments[0]).then(() => { globalThis.earlyDone = true; });`, name)
	awaitTrue(t, "globalThis.earlyDone")
}

func TestTheProgramTakesWhatWasOpenedEarly(t *testing.T) {
	opens := countOpens(t)
	for _, visit := range []string{"first", "second"} {
		before := opens()
		openEarly(t, t.Name())
		s := newStore(idb.Options{Name: t.Name()})
		if err := write(t.Context(), s, visit, visit); err != nil {
			t.Fatal(err)
		}
		if n := opens() - before; n != 1 {
			t.Errorf("%s visit: opened %d times", visit, n)
		}
		s.db.Close()
	}
	expect(t, open(t, idb.Options{Name: t.Name()}), []string{"op-firstfirst", "op-secondsecond"}, []string{"first", "second"})
}

// TestTheProgramWaitsForWhatIsBeingMade: an upgrade's request is "done" before the database is there.
func TestTheProgramWaitsForWhatIsBeingMade(t *testing.T) {
	run(helper)
	opens := countOpens(t)
	run(`const name = arguments[0], put = IDBObjectStore.prototype.put;
		globalThis.usable = null;
		IDBObjectStore.prototype.put = function (...args) {
			IDBObjectStore.prototype.put = put;
			rollcallIDB.factory((what, db) => {
				if (what !== "open") return;
				try {
					globalThis.usable ??= Boolean(db.transaction("log"));
				} catch {
					globalThis.usable = false;
				}
				db.close();
			}).open(name, rollcallIDB.version);
			return put.apply(this, args);
		};
		rollcallIDB.openEarly(name);`, t.Name())
	awaitTrue(t, "globalThis.usable !== null")
	if !js.Global().Get("usable").Bool() {
		t.Error("the program was given a database that was not there yet")
	}
	if n := opens(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestAnUpgradeWaitsForTheProgram(t *testing.T) {
	fill(t, t.Name(), 1)
	before := countOpens(t)
	openEarly(t, t.Name())
	if n := before(); n != 0 {
		t.Fatalf("an older database was opened %d times", n)
	}
	expectFilled(t, open(t, idb.Options{Name: t.Name()}))
}

// TestWhatWasOpenedEarlyGivesWay: a program that never starts holds up nobody.
func TestWhatWasOpenedEarlyGivesWay(t *testing.T) {
	openEarly(t, t.Name())
	if err := idb.Delete(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
	expect(t, open(t, idb.Options{Name: t.Name()}), nil, nil)
}

// TestAnotherDatabaseIsNotTakenForTheEarlyOne: the program may open one of another name.
func TestAnotherDatabaseIsNotTakenForTheEarlyOne(t *testing.T) {
	openEarly(t, t.Name()+" early")
	s := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	if name := s.db.Raw().Get("name").String(); name != t.Name() {
		t.Errorf("it opened %s", name)
	}
	if err := idb.Delete(t.Context(), t.Name()+" early"); err != nil {
		t.Fatal(err)
	}
}

// TestWhatWasDeletedIsNotMadeAnew: by the service worker of an account that has signed out.
func TestWhatWasDeletedIsNotMadeAnew(t *testing.T) {
	run(helper)
	exists := func() bool {
		run(`globalThis.found = undefined; indexedDB.databases().then((all) => { globalThis.found = all.some(({ name }) => name === arguments[0]); });`, t.Name())
		awaitTrue(t, "globalThis.found !== undefined")
		return run(`return globalThis.found;`).Bool()
	}
	s := newStore(idb.Options{Name: t.Name(), MustExist: true})
	if err := write(t.Context(), s, "a", "a"); !errors.Is(err, queue.ErrDeleted) || exists() {
		t.Errorf("a database was made (%v)", err)
	}
	other := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), other, "a", "a"); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), s, "b", "b"); err != nil {
		t.Errorf("it is there now: %v", err)
	}
	if err := idb.Delete(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), s, "c", "c"); err == nil || exists() {
		t.Errorf("a deleted database was made anew (%v)", err)
	}
}
