//go:build js && wasm

package idb_test

import (
	"context"
	"errors"
	"syscall/js"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// run evaluates a function of JavaScript with arguments.
func run(body string, args ...any) js.Value {
	return js.Global().Get("Function").New(body).Invoke(args...)
}

// awaitTrue waits until a JavaScript expression is true.
func awaitTrue(t *testing.T, expression string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !js.Global().Call("eval", expression).Truthy() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", expression)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// waits waits until n waits have a deadline.
func waits(t *testing.T, deadlines *idb.Deadlines, n int) {
	t.Helper()
	late := time.After(10 * time.Second)
	for deadlines.Waits() != n {
		select {
		case <-late:
			t.Fatalf("%d waits have a deadline, want %d", deadlines.Waits(), n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestConnectionClosedUnderneathIsReopened(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	s.db.Raw().Call("close")
	if err := write(t.Context(), s, "b", "Bea"); err != nil {
		t.Fatalf("write on a connection that had died: %v", err)
	}
	expect(t, s, []string{"op-aAda", "op-bBea"}, []string{"Ada", "Bea"})
}

func TestCloseEventOfTheBrowser(t *testing.T) {
	closed := make(chan struct{})
	s := open(t, idb.Options{Name: t.Name(), OnClosed: func() { close(closed) }})
	before := s.db.Raw()
	run(`arguments[0].dispatchEvent(new Event("close"))`, before)
	wait(t, closed, "OnClosed")
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	if s.db.Raw().Equal(before) {
		t.Fatal("the dead connection is still in use")
	}
}

func TestTransactionAbortedByTheBrowserIsTriedAgainOnce(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	decided := 0
	abortFirst := func(es []*queue.Entity) error {
		if decided++; decided == 1 {
			run(`const put = IDBObjectStore.prototype.add;
				IDBObjectStore.prototype.add = function (...args) {
					IDBObjectStore.prototype.add = put;
					const request = put.apply(this, args);
					this.transaction.abort();
					return request;
				};`)
		}
		return es[0].Enqueue(queue.Write{ID: "op", Type: "create", Data: []byte(`{"name":"Ada"}`), At: time.Unix(1, 0)})
	}
	if err := s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("a")}}, abortFirst); err != nil {
		t.Fatal(err)
	}
	if decided != 2 {
		t.Fatalf("decided %d times, want 2", decided)
	}
	expect(t, s, []string{"op"}, []string{"Ada"})
}

// fail makes the nth call from now on of a method of object stores, every one for 0, throw a
// DOMException of that name.
func fail(t *testing.T, method string, n int, name string) {
	t.Helper()
	run(`const [method, n, name] = arguments, was = IDBObjectStore.prototype[method];
		let left = n;
		globalThis.healStores = () => { IDBObjectStore.prototype[method] = was; };
		IDBObjectStore.prototype[method] = function (...args) {
			if (n === 0 || --left === 0) throw new DOMException("simulated", name);
			return was.apply(this, args);
		};`, method, n, name)
	t.Cleanup(func() { js.Global().Call("healStores") })
}

func TestFullDiskSavesNothingAndSaysSo(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	fail(t, "add", 0, "QuotaExceededError")
	err := write(t.Context(), s, "b", "Bea")
	js.Global().Call("healStores")
	if !errors.Is(err, queue.ErrQuota) {
		t.Fatalf("got %v, want ErrQuota", err)
	}
	expect(t, s, []string{"op-aAda"}, []string{"Ada"})
	if err := write(t.Context(), s, "b", "Bea"); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	expect(t, s, []string{"op-aAda", "op-bBea"}, []string{"Ada", "Bea"})
}

// TestThrownPutUndoesThoseBefore cuts a step of compaction short at every put: neither
// half of it may stay.
func TestThrownPutUndoesThoseBefore(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	if _, err := s.ApplyPage(t.Context(), sync.Page{Changes: []api.Change{change("b", "Bea", 1)}}); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		fail(t, "put", n, "DataError")
		_, err := s.Compact(t.Context())
		js.Global().Call("healStores")
		again := newStore(idb.Options{Name: t.Name()})
		expect(t, again, []string{"op-aAda"}, []string{"Ada", "Bea"})
		expect(t, s, []string{"op-aAda"}, []string{"Ada", "Bea"})
		again.db.Close()
		if err == nil {
			if n < 5 {
				t.Fatalf("compaction has only %d puts", n-1)
			}
			return
		}
	}
}

// silence makes transactions never end, and the deadline of whoever waits for one pass; it
// returns the cure.
func silence(t *testing.T, deadlines *idb.Deadlines) (cure func()) {
	t.Helper()
	helper := js.Global().Get("rollcallIDB")
	was := helper.Get("run")
	called := js.FuncOf(func(js.Value, []js.Value) any {
		deadlines.Pass()
		return nil
	})
	helper.Set("run", run(`const [called] = arguments;
		return () => (called(), { abort: () => true });`, called))
	cure = func() { helper.Set("run", was) }
	t.Cleanup(func() {
		cure()
		called.Release()
	})
	return cure
}

func TestSilenceEndsAtTheDeadline(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	deadlines := s.db.Deadlines()
	before := s.db.Raw()
	cure := silence(t, deadlines)
	_, err := s.Rows(t.Context(), repository.Window{Type: "user", Limit: 5})
	if !errors.Is(err, queue.ErrTimeout) || errors.Is(err, queue.ErrUncertain) {
		t.Fatalf("a read: got %v, want ErrTimeout alone", err)
	}
	cure()
	cure = silence(t, deadlines)
	if err := write(t.Context(), s, "a", "Ada"); !errors.Is(err, queue.ErrUncertain) || !errors.Is(err, queue.ErrTimeout) {
		t.Fatalf("a write: got %v, want ErrUncertain and ErrTimeout", err)
	}
	cure()
	s2 := open(t, idb.Options{Name: t.Name()})
	expect(t, s2, nil, nil)
	if _, err := s.Counts(t.Context()); err != nil || s.db.Raw().Equal(before) {
		t.Fatalf("after a silence there is no new connection: %v", err)
	}
}

// TestGivingUpIsTold gives up while the transaction runs: it is saved and told
// so, or it is not.
func TestGivingUpIsTold(t *testing.T) {
	s := open(t, idb.Options{Name: t.Name()})
	for range 30 {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the person left")
		err := s.Update(ctx, queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
			go cancel(why)
			es[0].Operations = nil
			return es[0].Enqueue(queue.Write{ID: "op", Type: "create", Data: []byte(`{"name":"Ada"}`), At: time.Unix(1, 0)})
		})
		if err != nil && !errors.Is(err, why) {
			t.Fatalf("got %v, want the context's cause", err)
		}
		if operations, _ := held(t, s); (len(operations) == 1) != (err == nil) {
			t.Fatalf("error %v, but the queue holds %v", err, operations)
		}
		err = s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
			es[0].Operations = nil
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// holdOpen opens a database by hand and does not make way for anybody.
func holdOpen(t *testing.T, name string, version int) (letGo func()) {
	t.Helper()
	run(`globalThis.held = null;
		indexedDB.open(arguments[0], arguments[1]).onsuccess = (event) => { globalThis.held = event.target.result; };`, name, version)
	awaitTrue(t, "globalThis.held")
	db := js.Global().Get("held")
	letGo = func() { db.Call("close") }
	t.Cleanup(letGo)
	return letGo
}

func TestOpeningBlockedByAnOlderTab(t *testing.T) {
	fill(t, t.Name(), 1)
	letGo := holdOpen(t, t.Name(), 1)
	blocked := make(chan struct{}, 1)
	s := newStore(idb.Options{Name: t.Name(), OnBlocked: func() { blocked <- struct{}{} }})
	defer s.db.Close()
	deadlines := s.db.Deadlines()
	ends := make(chan error, 5)
	count := func() {
		_, err := s.Counts(t.Context())
		ends <- err
	}
	go count()
	wait(t, blocked, "OnBlocked")
	deadlines.Pass()
	if err := <-ends; !errors.Is(err, queue.ErrBlocked) {
		t.Fatalf("got %v, want ErrBlocked", err)
	}
	// Only the first opening hears that it is blocked; the next one waits behind it,
	// and so do all at once, for one deadline together.
	for range cap(ends) {
		go count()
	}
	waits(t, deadlines, cap(ends))
	deadlines.Pass()
	for range cap(ends) {
		if err := <-ends; !errors.Is(err, queue.ErrBlocked) {
			t.Fatalf("behind the first opening: got %v, want ErrBlocked", err)
		}
	}
	letGo()
	expectFilled(t, open(t, idb.Options{Name: t.Name()}))
	if _, err := s.Counts(t.Context()); err != nil {
		t.Fatalf("once it was let go: %v", err)
	}
}

func TestOpeningThatNeverSettles(t *testing.T) {
	run(`const open = IDBFactory.prototype.open;
		globalThis.healOpen = () => { IDBFactory.prototype.open = open; };
		IDBFactory.prototype.open = function (name, version) {
			const request = open.call(this, name + " wedged", version);
			request.addEventListener("upgradeneeded", (event) => event.stopImmediatePropagation());
			request.addEventListener("success", (event) => {
				event.stopImmediatePropagation();
				request.result.close();
			});
			return request;
		};`)
	defer js.Global().Call("healOpen")
	s := newStore(idb.Options{Name: t.Name()})
	deadlines := s.db.Deadlines()
	ended := make(chan error, 1)
	go func() {
		_, err := s.Counts(t.Context())
		ended <- err
	}()
	waits(t, deadlines, 1)
	deadlines.Pass()
	if err := <-ended; !errors.Is(err, queue.ErrTimeout) {
		t.Fatalf("got %v, want ErrTimeout", err)
	}
	js.Global().Call("healOpen")
	healed := open(t, idb.Options{Name: t.Name()})
	expect(t, healed, nil, nil)
	if _, err := s.Counts(t.Context()); err != nil {
		t.Fatalf("once it opens again: %v", err)
	}
	s.db.Close()
	if err := idb.Delete(t.Context(), t.Name()+" wedged"); err != nil {
		t.Fatal(err)
	}
}

func TestFailedMigrationLeavesTheOldVersion(t *testing.T) {
	run(`globalThis.made = false;
		const request = indexedDB.open(arguments[0], 1);
		request.onupgradeneeded = () => request.result.createObjectStore("meta").put("kept", "client");
		request.onsuccess = () => {
			request.result.close();
			globalThis.made = true;
		};`, t.Name())
	awaitTrue(t, "globalThis.made")
	err := idb.NewDatabase(idb.Options{Name: t.Name()}).Open(t.Context())
	if err == nil {
		t.Fatal("got no error")
	}
	run(`globalThis.kept = null;
		indexedDB.open(arguments[0]).onsuccess = ({ target: { result: db } }) => {
			db.transaction("meta").objectStore("meta").get("client").onsuccess = ({ target }) => {
				globalThis.kept = target.result + " at " + db.version;
				db.close();
			};
		};`, t.Name())
	awaitTrue(t, "globalThis.kept")
	if got := js.Global().Get("kept").String(); got != "kept at 1" {
		t.Fatalf("got %s", got)
	}
	if err := idb.Delete(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
}

func TestNewerDatabaseAsksForAReload(t *testing.T) {
	letGo := holdOpen(t, t.Name(), 99)
	err := idb.NewDatabase(idb.Options{Name: t.Name()}).Open(t.Context())
	if !errors.Is(err, queue.ErrOutdated) {
		t.Fatalf("got %v, want ErrOutdated", err)
	}
	letGo()
	if err := idb.Delete(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
}

func TestBrowserWithoutIndexedDB(t *testing.T) {
	run(`const was = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
		globalThis.healIndexedDB = () => Object.defineProperty(globalThis, "indexedDB", was);
		Object.defineProperty(globalThis, "indexedDB", {
			configurable: true, get() { throw new DOMException("not here", "SecurityError"); },
		});`)
	defer js.Global().Call("healIndexedDB")
	s := newStore(idb.Options{Name: t.Name()})
	if _, err := s.Counts(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
}

func TestDeletedDatabaseStartsAfresh(t *testing.T) {
	outdated := make(chan struct{}, 1)
	s := open(t, idb.Options{Name: t.Name(), OnOutdated: func() { outdated <- struct{}{} }})
	if err := write(t.Context(), s, "a", "Ada"); err != nil {
		t.Fatal(err)
	}
	fence, err := s.BeginRound(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := idb.Delete(t.Context(), t.Name()); err != nil {
		t.Fatal(err)
	}
	wait(t, outdated, "OnOutdated")
	expect(t, s, nil, nil)
	// The cursor of a round from before would skip all that is gone.
	_, err = s.ApplyPage(t.Context(), sync.Page{Fence: fence, Meta: map[string]string{"cursor": "late"}})
	if !errors.Is(err, queue.ErrFenced) {
		t.Fatalf("got %v, want ErrFenced", err)
	}
}

// sleep is a way in which the browser tells a page that it is not to run for a while, and that it
// runs again: scripts.
type sleep struct{ begin, end string }

// whileAsleep runs a test for each of them.
func whileAsleep(t *testing.T, test func(*testing.T, sleep)) {
	for name, s := range map[string]sleep{
		"frozen": {`document.dispatchEvent(new Event("freeze"))`, `document.dispatchEvent(new Event("resume"))`},
		"cached": {
			`dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))`,
			`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { run(s.end) })
			test(t, s)
		})
	}
}

// countWrites counts the transactions that begin to write.
func countWrites(t *testing.T) (begun func() int) {
	counter := run(`
		const begin = IDBDatabase.prototype.transaction, counter = { begun: 0 };
		IDBDatabase.prototype.transaction = function (stores, mode, ...rest) {
			if (mode === "readwrite") counter.begun++;
			return begin.call(this, stores, mode, ...rest);
		};
		counter.end = () => { IDBDatabase.prototype.transaction = begin; };
		return counter;`)
	t.Cleanup(func() { counter.Call("end") })
	return func() int { return counter.Get("begun").Int() }
}

func TestASleepingPageBeginsNoTransaction(t *testing.T) {
	whileAsleep(t, func(t *testing.T, sleep sleep) {
		s := open(t, idb.Options{Name: t.Name()})
		deadlines := s.db.Deadlines()
		begun := countWrites(t)
		run(sleep.begin)
		done := make(chan error, 1)
		go func() { done <- write(t.Context(), s, "a", "Ada") }()
		waits(t, deadlines, 1)
		deadlines.Pass() // what a sleeping page waits for does not count against it
		select {
		case err := <-done:
			t.Fatalf("the write ended while the page was asleep: %v", err)
		case <-time.After(1500 * time.Millisecond): // longer than the grace of one that is late
		}
		if n := begun(); n != 0 {
			t.Errorf("%d transactions were begun in a sleeping page", n)
		}
		run(sleep.end)
		if err := <-done; err != nil {
			t.Fatalf("the write after the page went on: %v", err)
		}
		expect(t, s, []string{"op-aAda"}, []string{"Ada"})
	})
}

func TestFallingAsleepEndsATransaction(t *testing.T) {
	whileAsleep(t, func(t *testing.T, sleep sleep) {
		s := open(t, idb.Options{Name: t.Name()})
		begun := countWrites(t)
		done := make(chan error, 1)
		asleep := false
		go func() {
			done <- s.Update(t.Context(), queue.Txn{Refs: []queue.Ref{ref("a")}}, func(es []*queue.Entity) error {
				if !asleep { // in the middle of it
					asleep = true
					run(sleep.begin)
				}
				return es[0].Enqueue(queue.Write{ID: "op-a", Type: api.Create, At: time.Unix(1772355600, 0), Data: []byte(`{"name":"Ada"}`)})
			})
		}()
		select {
		case err := <-done:
			t.Fatalf("the write ended while the page was asleep: %v", err)
		case <-time.After(500 * time.Millisecond):
		}
		if n := begun(); n != 1 {
			t.Errorf("%d transactions were begun", n)
		}
		run(sleep.end)
		if err := <-done; err != nil {
			t.Fatalf("the write after the page went on: %v", err)
		}
		if n := begun(); n != 2 {
			t.Errorf("%d transactions were begun, want the one that was given up and another", n)
		}
		expect(t, s, []string{"op-a"}, []string{"Ada"})
	})
}

// TestWhatIsKeptBesideTheDataWaitsForThePage: a draft's copy, which is written when the page is left.
func TestWhatIsKeptBesideTheDataWaitsForThePage(t *testing.T) {
	whileAsleep(t, func(t *testing.T, sleep sleep) {
		openEarly(t, t.Name())
		s := open(t, idb.Options{Name: t.Name()})
		begun := countWrites(t)
		run(`globalThis.copied = null;
			const copy = (text) => rollcallIDB.beside([], [], ["draft/x"], [text]);
			const first = copy("begun before");
			(0, eval)(arguments[0]);
			Promise.all([first, copy("begun after")]).then(() => rollcallIDB.beside(["draft/x"])).then(([text]) => { globalThis.copied = text; });`, sleep.begin)
		// What is begun behind them would end behind them.
		run(`globalThis.behind = undefined;
			indexedDB.open(arguments[0]).onsuccess = ({ target: { result: db } }) => {
				db.transaction(["log", "base"]).objectStore("base").get("draft/x").onsuccess = ({ target: { result: text = null } }) => {
					globalThis.behind = text;
					db.close();
				};
			};`, t.Name())
		awaitTrue(t, "globalThis.behind !== undefined")
		if n := begun(); n != 0 || !js.Global().Get("behind").IsNull() || !js.Global().Get("copied").IsNull() {
			t.Errorf("%d transactions were begun in a sleeping page", n)
		}
		run(sleep.end)
		awaitTrue(t, "globalThis.copied !== null")
		if text := js.Global().Get("copied").String(); text != "begun after" {
			t.Errorf("the copy is %q", text)
		}
		s.db.Close()
	})
}

// TestFallingAsleepEndsAnUpgrade: the next page's opening would wait for it, without end.
func TestFallingAsleepEndsAnUpgrade(t *testing.T) {
	whileAsleep(t, func(t *testing.T, sleep sleep) {
		fill(t, t.Name(), 4)
		run(`const put = IDBObjectStore.prototype.put;
			IDBObjectStore.prototype.put = function (...args) {
				const made = put.apply(this, args);
				if (this.transaction.mode === "versionchange") upgraded();
				return made;
			};
			globalThis.upgraded = () => {};
			globalThis.putAsBefore = () => { IDBObjectStore.prototype.put = put; };`)
		t.Cleanup(func() { js.Global().Call("putAsBefore") })
		s := newStore(idb.Options{Name: t.Name()})
		run(sleep.begin)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // it would wait for the page
		defer cancel()
		if err := write(ctx, s, "z", "Zed"); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("what needs an upgrade, in a sleeping page: %v", err)
		}
		run(sleep.end)
		if n := version(t, t.Name()); n != 4 {
			t.Errorf("a sleeping page has upgraded to version %d", n)
		}
		run("globalThis.slept = 0; globalThis.upgraded = () => { if (slept++ === 0) (0, eval)(`" + sleep.begin + ";" + sleep.end + "`); }")
		if err := write(t.Context(), s, "z", "Zed"); err != nil {
			t.Fatalf("the write after the page went on: %v", err)
		}
		if n := js.Global().Get("slept").Int(); n < 2 {
			t.Errorf("the upgrade went on while the page slept")
		}
		s.db.Close()
	})
}
