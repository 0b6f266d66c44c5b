//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// faultyStorage injects faults into IndexedDB. With faults.open "never" no database opens.
// With faults.write, transactions that write are "swallowed" (do nothing and never end),
// "unreported" (commit without an event) or "held" (do not end until that changes).
// faults.connections lists all connections; faults.met counts faulty transactions.
const faultyStorage = `(() => {
	const faults = globalThis.faults = { open: "", write: "", connections: [], persists: 0, met: 0 };
	const open = IDBFactory.prototype.open;
	IDBFactory.prototype.open = function (name, ...rest) {
		const never = faults.open === "never";
		const request = open.call(this, never ? name + " that never opens" : name, ...rest);
		for (const type of never ? ["upgradeneeded", "success", "error", "blocked"] : []) {
			request.addEventListener(type, (event) => event.stopImmediatePropagation());
		}
		request.addEventListener("success", () => faults.connections.push(request.result));
		return request;
	};
	const begin = IDBDatabase.prototype.transaction;
	const nothing = new Proxy(function () {}, { get: (_, name) => name === "then" ? undefined : nothing, set: () => true, apply: () => nothing });
	IDBDatabase.prototype.transaction = function (stores, mode, ...rest) {
		const how = mode === "readwrite" ? faults.write : "";
		if (how !== "") faults.met++;
		if (how === "swallowed") return nothing;
		const tx = begin.call(this, stores, mode, ...rest);
		if (how === "unreported") {
			for (const end of ["oncomplete", "onabort"]) Object.defineProperty(tx, end, { set() {} });
		}
		if (how === "held") {
			tx.commit = () => {};
			const again = () => { if (faults.write === "held") tx.objectStore(tx.objectStoreNames[0]).count().onsuccess = again; };
			again();
		}
		return tx;
	};
	const persist = StorageManager.prototype.persist;
	StorageManager.prototype.persist = function () { faults.persists++; return persist.call(this); };
	faults.open = sessionStorage.getItem("open") ?? "";
})();`

const (
	savingIsImpossible = "Changes can't be saved right now."
	textIsKept         = "What you typed is kept."
)

// faultyList is the list of a new site, in a tab whose storage can be made to fail.
type faultyList struct {
	directory
	site   *harness.Site
	b      *harness.Browser
	before counters
}

func openFaulty(t *testing.T, people ...harness.Person) faultyList {
	t.Helper()
	site, b := harness.NewSite(t, binary(t)), harness.OpenBrowser(t)
	var names []string
	for _, p := range people {
		site.Add(p)
		names = append(names, p.Name)
	}
	before := countersOf(site)
	users := openUsersWith(t, b, site.URL(), faultyStorage)
	users.showsSynced(names...)
	return faultyList{users, site, b, before}
}

func (d directory) fault(kind, how string) {
	d.t.Helper()
	harness.Eval[string](d.Page, fmt.Sprintf("faults.%s = %q", kind, how))
}

// formHolds checks that the open form has this text.
func (d directory) formHolds(p harness.Person) {
	d.t.Helper()
	for field, want := range map[string]string{"Name": p.Name, "Email": p.Email, "Bio": p.Bio} {
		if got := d.Value("textbox", field); got != want {
			d.t.Errorf("the field %s holds %q, want %q", field, got, want)
		}
	}
}

// submits fills the form "Add user" and presses Save.
func (d directory) submits(p harness.Person) {
	d.t.Helper()
	d.Click("button", "Add user")
	d.See("dialog", "Add user")
	d.save(p)
}

// saveFails fills the form "Add user", presses Save, and waits for the reason why it was not
// saved. The form keeps its text.
func (d directory) saveFails(p harness.Person, reason string) {
	d.t.Helper()
	d.submits(p)
	d.SeeText(reason)
	d.formHolds(p)
}

// hangsSaving fills the form "Add user", presses Save, and waits until that takes long.
func (d directory) hangsSaving(p harness.Person) {
	d.t.Helper()
	d.submits(p)
	d.SeeText("Still saving.")
}

// savesOnce presses Save, and checks that the list and the server end with these users and
// that each operation was sent once.
func (f faultyList) savesOnce(names ...string) {
	f.t.Helper()
	f.Click("button", "Save")
	f.Gone("dialog", "Add user")
	f.endsWith(names...)
}

// endsWith checks that the list and the server end with these users, and that each operation
// was sent once.
func (f faultyList) endsWith(names ...string) {
	f.t.Helper()
	f.showsSynced(names...)
	f.matchesServer(f.site)
	eachSentOnce(f.t, f.site, f.before)
}

var dora = harness.Person{Name: "Dora Dent", Email: "dora@example.org", Bio: "Drums"}

// helper returns the app's script that opens and migrates the database.
func helper(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../wasm/idb/helper.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(script) + "; 0"
}

// bare opens a tab of the site's origin without the app, but with the app's script for the
// database.
func bare(t *testing.T, b *harness.Browser, origin string) *harness.Page {
	t.Helper()
	p := b.Open(origin + "/healthz")
	harness.Eval[int](p, helper(t))
	harness.Eval[bool](p, `globalThis.settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); }); true`)
	return p
}

// newest returns this build's version of the database.
func newest(p *harness.Page) int { return harness.Eval[int](p, `rollcallIDB.version`) }

func TestFullStorageKeepsTheFormAndTheQueue(t *testing.T) {
	t.Parallel()
	users := openFaulty(t, threePeople...)
	other := bare(t, users.b, users.site.URL())
	users.b.Offline(users.site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.Close()
	other.LimitStorage(1)
	waitStorageFull(t, other)

	users.directory = directory{users.b.Open(users.site.URL() + "/"), t}
	users.hasState("Ann Archer", "Pending")
	users.saveFails(dora, "Not saved. This device has no room left for Rollcall's data. Free some space, then try again. "+textIsKept)
	if n := users.Queued(); n != 1 {
		t.Errorf("the queue has %d operations, want 1", n)
	}
	users.Click("button", "Cancel")
	users.See("region", "Notice")
	users.SeeText("This device has no room left.")
	users.hasState("Ann Archer", "Pending")

	users.submits(dora)
	users.SeeText("Not saved.")
	other.LimitStorage(-1)
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.hasState("Dora Dent", "Pending")
	users.Gone("region", "Notice")
	users.b.Offline(users.site.Proxy, false)
	users.endsWith("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
}

// TestAFullDeviceIsTriedAgain: a sync event on a full device fails, so that the browser fires another one, which sends
// what waits once there is room. Nobody has the app open.
func TestAFullDeviceIsTriedAgain(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	serveWorkerThat(t, site, `{
		const ends = new BroadcastChannel("ends"), wait = ExtendableEvent.prototype.waitUntil;
		ExtendableEvent.prototype.waitUntil = function (work) {
			if (this.type === "sync") work.catch((err) => ends.postMessage(String(err)));
			return wait.call(this, work);
		};
	}`)
	b := harness.OpenBrowser(t)
	registrations := b.Registrations()
	users := openUsers(t, b, site.URL())
	other := bare(t, b, site.URL())
	harness.Eval[bool](other, `(globalThis.ended = [], new BroadcastChannel("ends").onmessage = ({data}) => ended.push(data), true)`)
	users.Front()
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	registered(t, users)
	users.Close()
	b.WaitWorkers(site.URL(), 0)
	other.LimitStorage(1)
	waitStorageFull(t, other)
	b.Offline(site.Proxy, false)
	registrations.Sync(site.URL(), syncTag)
	harness.EventuallyWithin(t, retries, "the event fails", func() error {
		return harness.Equal("why", harness.Eval[bool](other, `ended.some((why) => why.includes("no storage space left"))`), true)
	})
	other.LimitStorage(-1)
	harness.EventuallyWithin(t, retries, "the service worker delivers", func() error {
		registrations.Sync(site.URL(), syncTag)
		return harness.Equal("Ann's bio", mustRow(t, site, "Ann Archer").Bio, "Draws")
	})
}

// waitStorageFull waits until the browser enforces the quota, which it caches for half a
// minute.
func waitStorageFull(t *testing.T, p *harness.Page) {
	t.Helper()
	const write = `new Promise((resolve) => {
		const opening = indexedDB.open("room", 1);
		opening.onupgradeneeded = () => opening.result.createObjectStore("room", { autoIncrement: true });
		opening.onerror = () => resolve(opening.error.name);
		opening.onsuccess = () => {
			const tx = opening.result.transaction("room", "readwrite");
			const end = (how) => { opening.result.close(); resolve(how); };
			tx.oncomplete = () => end("saved");
			tx.onabort = () => end(tx.error?.name ?? "aborted");
			tx.objectStore("room").put("x".repeat(1000));
		};
	})`
	harness.Patiently(t, func() {
		harness.Eventually(t, "the browser enforces the quota", func() error {
			return harness.Equal("a write", harness.Eval[string](p, write), "QuotaExceededError")
		})
	})
}

func TestUnresponsiveStorageIsReportedAndRecovers(t *testing.T) {
	t.Parallel()
	users := openFaulty(t, threePeople...)
	harness.Eval[bool](users.Page, `sessionStorage.setItem("open", "never"), true`)
	users.Go("/")
	harness.Patiently(t, func() { users.SeeText("The list can't be shown") })
	users.See("region", "Notice")
	users.SeeText(savingIsImpossible)
	harness.Patiently(t, func() { users.saveFails(dora, "Not saved. The browser's storage did not answer in time.") })

	users.fault("open", "")
	harness.Eval[bool](users.Page, `sessionStorage.clear(), true`)
	users.Gone("region", "Notice")
	users.formHolds(dora)
	users.savesOnce("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
}

func TestClosedConnectionIsReopenedUnnoticed(t *testing.T) {
	t.Parallel()
	users := openFaulty(t)
	users.Click("button", "Add user")
	harness.Eval[bool](users.Page, `faults.connections.forEach((db) => { db.close(); db.dispatchEvent(new Event("close")); }), true`)
	users.save(dora)
	users.Gone("dialog", "Add user")
	harness.Eval[bool](users.Page, `faults.connections.forEach((db) => db.close()), true`)
	users.hasState("Dora Dent", "")
	users.edit("Dora Dent", harness.Person{Bio: "Sings"})
	users.matchesServer(users.site)
	if users.Has("region", "Notice") {
		t.Errorf("there is a notice: %s", users.Text())
	}
	eachSentOnce(t, users.site, users.before)
}

func TestHangingTransactionIsReported(t *testing.T) {
	t.Parallel()
	users := openFaulty(t)
	users.fault("write", "swallowed")
	users.hangsSaving(dora)
	harness.Patiently(t, func() { users.SeeText("Not saved. The browser's storage did not answer in time.") })
	users.formHolds(dora)
	users.Click("button", "Cancel")
	users.See("region", "Notice")
	users.SeeText(savingIsImpossible)
	if got := len(users.site.Rows()); got != 0 {
		t.Errorf("the server has %d users", got)
	}
	users.hangsSaving(dora)
	users.fault("write", "")
	harness.Patiently(t, func() { users.SeeText("Not saved.") })
	users.Gone("region", "Notice")
	users.savesOnce("Dora Dent")
}

func TestUnreportedCommitIsDetected(t *testing.T) {
	t.Parallel()
	users := openFaulty(t)
	users.fault("write", "unreported")
	users.hangsSaving(dora)
	// The app looks whether the write was saved, and finds it.
	harness.Patiently(t, func() { users.Gone("dialog", "Add user") })
	users.showsSynced("Dora Dent")
	users.fault("write", "")
	users.Gone("region", "Notice")
	users.matchesServer(users.site)
	if n := len(users.site.Rows()); n != 1 {
		t.Errorf("the server has %d users, want 1", n)
	}
	eachSentOnce(t, users.site, users.before)
}

// TestSavingAgainAfterAnUncertainWriteSavesOnce: if the app cannot look whether a write was
// saved, it asks the person to save again, and nothing is saved twice.
func TestSavingAgainAfterAnUncertainWriteSavesOnce(t *testing.T) {
	t.Parallel()
	users := openFaulty(t)
	users.fault("write", "unreported")
	users.hangsSaving(dora)
	users.fault("open", "never") // the app drops the connection, and gets no other
	harness.Patiently(t, func() {
		users.SeeText("The browser did not confirm that this was saved. " + textIsKept + " Press Save again: nothing is saved twice.")
	})
	users.formHolds(dora)
	users.fault("open", "")
	users.fault("write", "")
	users.Fill("textbox", "Bio", "Drums and sings")
	users.savesOnce("Dora Dent")
	rows := users.site.Rows()
	if len(rows) != 1 || rows[0].Bio != "Drums and sings" {
		t.Errorf("the server has %+v", rows)
	}
}

func TestUpgradeByANewerVersionKeepsTheForm(t *testing.T) {
	t.Parallel()
	users := openFaulty(t)
	users.b.Offline(users.site.Proxy, true)
	users.isOffline()
	users.b.Offline(users.site.Proxy, false)
	other := bare(t, users.b, users.site.URL())
	users.b.Offline(users.site.Proxy, true)
	version := newest(other)

	// The newer version comes during a write, which still completes.
	users.fault("write", "held")
	users.hangsSaving(dora) // else the newer version would come first
	harness.Eval[bool](other, fmt.Sprintf(`(globalThis.upgrade = settle(indexedDB.open("rollcall", %d)).then((db) => { db.close(); return db.version; }), true)`, version+1))
	users.fault("write", "")
	users.Gone("dialog", "Add user")
	if got := harness.Eval[int](other, `upgrade`); got != version+1 {
		t.Fatalf("the database has version %d", got)
	}
	users.See("region", "Notice")
	users.SeeText("A newer version of Rollcall is in use.")
	if n := users.Queued(); n != 1 {
		t.Errorf("the queue has %d operations, want 1", n)
	}
	users.Allow("has upgraded the database") // the reloaded page's worker can't open it either
	users.b.Allow("has upgraded the database")
	emil := harness.Person{Name: "Emil Egg", Email: "emil@example.org", Bio: "Eats"}
	users.saveFails(emil, "Not saved. A newer version of Rollcall has updated the data on this device. Reload to continue. "+textIsKept)
	users.Click("button", "Reload")
	users.See("dialog", "Add user")
	users.formHolds(emil)
	if strings.Contains(users.Text(), "Not saved") {
		t.Errorf("the form shows an error before a save: %s", users.Text())
	}
}
