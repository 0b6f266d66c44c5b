//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// faultyStorage runs before the page's scripts. faults.open = "never" makes no
// database open any more; faults.write makes transactions that write silent:
// "swallowed", they do nothing and do not end; "untold", they do all and don't say
// so; "held", they don't end until it is another. faults.connections are all that were opened,
// and met counts the transactions that were made silent.
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
		if (how === "untold") {
			for (const end of ["oncomplete", "onabort"]) Object.defineProperty(tx, end, { set() {} });
		}
		if (how === "held") {
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
	savingIsImpossible = "Saving is not possible just now."
	textIsKept         = "What you typed is kept."
)

// openFaulty opens the list in a tab whose storage can be made to fail.
func openFaulty(t *testing.T, b *harness.Browser, origin string) directory {
	t.Helper()
	d := directory{b.OpenWithScript(origin+"/", faultyStorage), t}
	d.See("heading", "Users")
	d.isOnline()
	d.WaitOfflineReady()
	return d
}

func (d directory) fault(kind, how string) {
	d.t.Helper()
	harness.Eval[string](d.Page, fmt.Sprintf("faults.%s = %q", kind, how))
}

// holds checks that the open form still has what was typed.
func (d directory) formHolds(p harness.Person) {
	d.t.Helper()
	for field, want := range map[string]string{"Name": p.Name, "Email": p.Email, "Bio": p.Bio} {
		if got := d.Value("textbox", field); got != want {
			d.t.Errorf("the field %s holds %q, want %q", field, got, want)
		}
	}
}

// tries fills the form "Add user" and presses Save.
func (d directory) submits(p harness.Person) {
	d.t.Helper()
	d.Click("button", "Add user")
	d.See("dialog", "Add user")
	d.save(p)
}

var dora = harness.Person{Name: "Dora Dent", Email: "dora@example.org", Bio: "Drums"}

// helper is the script that opens and migrates the database, for pages of the
// site that are not the app.
func helper(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../wasm/idb/helper.js")
	if err != nil {
		t.Fatal(err)
	}
	return string(script) + "; 0"
}

// bare opens a tab of the site's origin without the app, where a test can work on
// the database by the app's own script.
func bare(t *testing.T, b *harness.Browser, origin string) *harness.Page {
	t.Helper()
	p := b.Open(origin + "/healthz")
	harness.Eval[int](p, helper(t))
	harness.Eval[bool](p, `globalThis.settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); }); true`)
	return p
}

// newest is the version of the database that this build makes.
func newest(p *harness.Page) int { return harness.Eval[int](p, `rollcallIDB.version`) }

func TestFullStorageKeepsTheFormAndTheQueue(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.hasState("Ann Archer", "")
	other := bare(t, b, site.URL())
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.Close()
	other.LimitStorage(1)
	waitStorageFull(t, other)

	users = directory{b.Open(site.URL() + "/"), t}
	users.hasState("Ann Archer", "Pending")
	users.submits(dora)
	users.SeeText("Not saved. This device has no room left for Rollcall's data. Free some space, then try again. " + textIsKept)
	users.formHolds(dora)
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
	b.Offline(site.Proxy, false)
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": "", "Dora Dent": ""})
	users.matchesServer(site)
	eachSentOnce(t, site, before, site.Proxy)
}

// waitStorageFull waits until the browser refuses to store anything for the page's site:
// it remembers for half a minute how much room there was.
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
	harness.Eventually(t, "the browser notices that there is no room", func() error {
		return harness.Equal("a write", harness.Eval[string](p, write), "QuotaExceededError")
	})
}

func TestUnresponsiveStorageIsReportedAndRecovers(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.hasState("Ann Archer", "")
	harness.Eval[bool](users.Page, `sessionStorage.setItem("open", "never"), true`)
	users.Go("/")
	users.SeeText("The list can't be shown")
	users.See("region", "Notice")
	users.SeeText(savingIsImpossible)
	users.submits(dora)
	users.SeeText("Not saved. The browser's storage did not answer in time.")
	users.formHolds(dora)

	users.fault("open", "")
	harness.Eval[bool](users.Page, `sessionStorage.clear(), true`)
	users.Gone("region", "Notice")
	users.formHolds(dora)
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": "", "Dora Dent": ""})
	users.matchesServer(site)
	eachSentOnce(t, site, before, site.Proxy)
}

func TestClosedConnectionIsReopenedUnnoticed(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.Click("button", "Add user")
	harness.Eval[bool](users.Page, `faults.connections.forEach((db) => { db.close(); db.dispatchEvent(new Event("close")); }), true`)
	users.save(dora)
	users.Gone("dialog", "Add user")
	harness.Eval[bool](users.Page, `faults.connections.forEach((db) => db.close()), true`)
	users.hasState("Dora Dent", "")
	users.edit("Dora Dent", harness.Person{Bio: "Sings"})
	users.matchesServer(site)
	if users.Has("region", "Notice") {
		t.Errorf("there is a notice: %s", users.Text())
	}
	eachSentOnce(t, site, before, site.Proxy)
}

func TestHangingTransactionIsReported(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.fault("write", "swallowed")
	users.submits(dora)
	users.SeeText("Still saving.")
	users.SeeText("Not saved. The browser's storage did not answer in time.")
	users.formHolds(dora)
	users.Click("button", "Cancel")
	users.See("region", "Notice")
	users.SeeText(savingIsImpossible)
	if got := len(site.Rows()); got != 0 {
		t.Errorf("the server has %d users", got)
	}
	users.submits(dora)
	users.SeeText("Still saving.")
	users.fault("write", "")
	users.SeeText("Not saved.")
	users.Gone("region", "Notice")
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Dora Dent": ""})
	users.matchesServer(site)
	eachSentOnce(t, site, before, site.Proxy)
}

func TestUnreportedCommitIsDetected(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.fault("write", "untold")
	users.submits(dora)
	users.SeeText("Still saving.")
	// It screens, finds that the write was saved, and says so.
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Dora Dent": ""})
	users.fault("write", "")
	users.Gone("region", "Notice")
	users.matchesServer(site)
	if n := len(site.Rows()); n != 1 {
		t.Errorf("the server has %d users, want 1", n)
	}
	eachSentOnce(t, site, before, site.Proxy)
}

// Where it can't look either, the person is told to save again, and nothing is
// saved twice.
func TestSavingAgainAfterAnUncertainWriteSavesOnce(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	users.fault("write", "untold")
	users.submits(dora)
	users.SeeText("Still saving.")
	users.fault("open", "never") // the connection is given up, and no other one opens
	users.SeeText("The browser did not say whether this was saved. " + textIsKept + " Press Save again: nothing is saved twice.")
	users.formHolds(dora)
	users.fault("open", "")
	users.fault("write", "")
	users.Fill("textbox", "Bio", "Drums and sings")
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Dora Dent": ""})
	users.matchesServer(site)
	rows := site.Rows()
	if len(rows) != 1 || rows[0].Bio != "Drums and sings" {
		t.Errorf("the server has %+v", rows)
	}
	eachSentOnce(t, site, before, site.Proxy)
}

func TestUpgradeByANewerVersionKeepsTheForm(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := openFaulty(t, b, site.URL())
	b.Offline(site.Proxy, true)
	users.isOffline()
	b.Offline(site.Proxy, false)
	other := bare(t, b, site.URL())
	b.Offline(site.Proxy, true)
	version := newest(other)

	// The newer version comes in the middle of a write, which is still finished.
	users.fault("write", "held")
	users.submits(dora)
	users.SeeText("Still saving.") // so the write has begun: before that, the newer version would win
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
	emil := harness.Person{Name: "Emil Egg", Email: "emil@example.org", Bio: "Eats"}
	users.submits(emil)
	users.SeeText("Not saved. A newer version of Rollcall has updated the data on this device. Reload to go on. " + textIsKept)
	users.formHolds(emil)
	users.Click("button", "Reload")
	users.See("dialog", "Add user")
	users.formHolds(emil)
	if strings.Contains(users.Text(), "Not saved") {
		t.Errorf("the form blames what has not been tried: %s", users.Text())
	}
}
