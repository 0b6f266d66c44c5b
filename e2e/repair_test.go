//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/e2e/harness"
)

// corruptRows changes, deletes and adds rows in the page's IndexedDB, as a person with
// the browser's tools might: the one of the first id gets another name, that
// of the second goes away, and a copy of the first is put under the third.
const corruptRows = `(async ([changed, deleted, added]) => {
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await settle(indexedDB.open("rollcall"));
	try {
		const users = db.transaction("users", "readwrite").objectStore("users");
		const row = await settle(users.get(["user", changed]));
		const document = JSON.stringify({ ...JSON.parse(row.document), name: "Mallory" });
		await settle(users.put({ ...row, document, sortName: "mallory", search: "mallory" }));
		await settle(users.delete(["user", deleted]));
		await settle(users.put({ ...row, id: added, document: document.replace("Mallory", "Nobody"), sortName: "nobody", search: "nobody" }));
		const channel = new BroadcastChannel("rollcall"); // the page need not be loaded again to show it
		channel.postMessage(JSON.stringify({ kind: "rows" }));
		channel.close();
		return true;
	} finally {
		db.close();
	}
})([%q, %q, %q])`

// TestCorruptRowsAreRepairedBySync: rows changed, deleted and added behind the
// engine's back are as the server has them after "Sync now", what is unsent stays,
// only the buckets that differ are read again, and Diagnostics tells of it.
func TestCorruptRowsAreRepairedBySync(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	id := func(bucket int) string { return fmt.Sprintf("%02x000000-0000-4000-8000-000000000001", 4*bucket) }
	for i, name := range []string{"Ann", "Bob", "Carl", "Dora"} {
		site.Add(harness.Person{ID: id(10 * i), Name: name, Email: strings.ToLower(name) + "@example.org"})
	}
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	healthy := map[string]string{"Ann": "", "Bob": "", "Carl": "", "Dora": ""}
	users.shows(healthy)
	users.syncNow() // so that no check is under way or due
	site.Proxy.ResetRequests()
	harness.Eval[bool](users.Page, fmt.Sprintf(corruptRows, id(0), id(10), id(40)))
	users.shows(map[string]string{"Mallory": "", "Nobody": "", "Carl": "", "Dora": ""})
	users.Click("button", "Sync now")
	users.shows(healthy)
	users.matchesServer(site)

	users.Go("/sync")
	users.SeeText("3 people in 3 groups, a few seconds ago")
	users.SeeText("4 people, as on the server, a few seconds ago")
	for n := range api.Buckets {
		asked := len(site.Proxy.Requests(http.MethodGet, fmt.Sprint("/api/v1/buckets/", n)))
		if want := map[int]int{0: 1, 10: 1, 40: 1}[n]; asked != want {
			t.Errorf("bucket %d was asked for %d times, want %d", n, asked, want)
		}
	}
}
