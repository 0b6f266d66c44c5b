//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// downgrade recreates the database in an older version, with its contents.
var downgrade = `(` + remake + `)(%d, ` + harness.Stored + `)`

// upgrade brings it to a newer version, as the app does.
const upgrade = `settle(rollcallIDB.factory(() => {}).open("rollcall", %d)).then((db) => { db.close(); return db.version; })`

const remake = `async (version, stored) => {
	const open = (v) => settle(rollcallIDB.factory(() => {}).open("rollcall", v));
	const db = await open(rollcallIDB.version);
	const held = await stored(db);
	db.close();
	await settle(indexedDB.deleteDatabase("rollcall"));
	const old = await open(version);
	const tx = old.transaction(old.objectStoreNames, "readwrite");
	for (const name of old.objectStoreNames) {
		for (const record of held[name]) name === "meta" ? tx.objectStore(name).put(record[1], record[0]) : tx.objectStore(name).put(record);
	}
	await new Promise((ok, no) => { tx.oncomplete = ok; tx.onabort = () => no(tx.error); });
	old.close();
	return old.version;
}`

// leaveWork leaves two operations in the queue and closes the tab.
func leaveWork(t *testing.T, b *harness.Browser, site *harness.Site) {
	t.Helper()
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.add(dora)
	users.Close()
	b.WaitWorkers(site.URL(), 0)
}

func TestOlderTabBlockingAnUpgradeIsReported(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	other := bare(t, b, site.URL())
	leaveWork(t, b, site)
	older := newest(other) - 1
	harness.Eval[int](other, fmt.Sprintf(downgrade, older))
	harness.Eval[bool](other, fmt.Sprintf(`settle(indexedDB.open("rollcall", %d)).then((db) => { globalThis.held = db; return true; })`, older))

	users := directory{b.Open(site.URL() + "/"), t}
	users.See("region", "Notice")
	users.SeeText("Close other tabs of Rollcall to finish the update.")
	emil := harness.Person{Name: "Emil Egg", Email: "emil@example.org", Bio: "Eats"}
	users.saveFails(emil, "Not saved. Another tab still has an older version of Rollcall open. Close the other tabs of Rollcall, then try again. "+textIsKept)
	other.Close() // as the notice asked
	users.Gone("region", "Notice")
	users.formHolds(emil)
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Ann Archer": "Pending", "Bob Baker": "", "Carl Cole": "", "Dora Dent": "Pending", "Emil Egg": "Pending"})
	b.Offline(site.Proxy, false)
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent", "Emil Egg")
	users.matchesServer(site)
	eachSentOnce(t, site, before)
}

// stuckUpgrade keeps the transaction of an upgrade open after the migrations.
const stuckUpgrade = `(() => {
	const open = IDBFactory.prototype.open;
	IDBFactory.prototype.open = function (...args) {
		const request = open.apply(this, args);
		queueMicrotask(() => request.addEventListener("upgradeneeded", () => {
			const tx = request.transaction;
			const again = () => { tx.objectStore(tx.objectStoreNames[0]).count().onsuccess = again; };
			again();
			globalThis.upgrading = true;
		}));
		return request;
	};
})();`

func TestUpgradeInterruptedByAKillLosesNothing(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	other := bare(t, b, site.URL())
	leaveWork(t, b, site)
	if got := harness.Eval[int](other, fmt.Sprintf(downgrade, 1)); got != 1 {
		t.Fatalf("the database has version %d", got)
	}
	other.Close()
	stuck := b.OpenWithScript(site.URL()+"/", stuckUpgrade)
	harness.Eventually(t, "the upgrade is under way", func() error {
		return harness.Equal("it", harness.Eval[bool](stuck, `globalThis.upgrading === true`), true)
	})
	b = harness.OpenProfile(t, b.Kill())
	site.Proxy.Accept()
	users := openUsers(t, b, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	users.matchesServer(site)
	eachSentOnce(t, site, before)
	other = bare(t, b, site.URL())
	if got := harness.Eval[int](other, `indexedDB.databases().then((all) => all.find((d) => d.name === "rollcall").version)`); got != newest(other) {
		t.Errorf("the database has version %d, want %d", got, newest(other))
	}
}
