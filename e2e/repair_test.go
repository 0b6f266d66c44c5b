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

// corruptRows saves wrong rows, as a broken program might: it renames the row of the first id,
// deletes that of the second, and adds the third.
const corruptRows = `(async ([changed, deleted, added]) => {
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const line = (...fields) => {
		let sum = ~0;
		const body = fields.join("\t");
		for (const byte of new TextEncoder().encode(body)) {
			sum ^= byte;
			for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
		}
		return body + "\t" + (~sum >>> 0).toString(16).padStart(8, "0") + "\n";
	};
	const row = (id, was, name) => line("r", "user", id, was, name.toLowerCase(), 1, "", "", 1, JSON.stringify({ id, name }));
	const db = await settle(indexedDB.open("rollcall"));
	try {
		const epoch = await settle(db.transaction("base").objectStore("base").get("head"));
		const log = db.transaction("log", "readwrite").objectStore("log");
		const seq = Math.max(...(await settle(log.getAllKeys()))) + 1;
		const text = line("h", 1) + row(changed, "=ann", "Mallory") + line("d", "user", deleted, "=bob") + row(added, "-", "Nobody");
		await settle(log.add({ seq, text }));
		const channel = new BroadcastChannel("rollcall"); // makes the page show it
		channel.postMessage({ epoch, seq, text });
		channel.postMessage(JSON.stringify({ kind: "rows" }));
		channel.close();
		return true;
	} finally {
		db.close();
	}
})([%q, %q, %q])`

// TestCorruptRowsAreRepairedBySync: "Sync now" repairs rows that were changed, deleted and
// added behind the engine's back, reads only the buckets that differ, and Diagnostics reports
// it.
func TestCorruptRowsAreRepairedBySync(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	id := func(bucket int) string { return fmt.Sprintf("%02x000000-0000-4000-8000-000000000001", 4*bucket) }
	for i, name := range []string{"Ann", "Bob", "Carl", "Dora"} {
		site.Add(harness.Person{ID: id(10 * i), Name: name, Email: strings.ToLower(name) + "@example.org"})
	}
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	healthy := map[string]string{"Ann": "", "Bob": "", "Carl": "", "Dora": ""}
	users.shows(healthy)
	users.syncNow() // so that no check is running or due
	site.Proxy.ResetRequests()
	harness.Eval[bool](users.Page, fmt.Sprintf(corruptRows, id(0), id(10), id(40)))
	users.showsSynced("Mallory", "Nobody", "Carl", "Dora")
	users.Click("button", "Sync now")
	users.shows(healthy)
	users.matchesServer(site)

	users.Go("/sync")
	users.SeeText("Users: 3, groups: 3, a few seconds ago")
	users.SeeText("4 users, same as on the server, a few seconds ago")
	for n := range api.Buckets {
		asked := len(site.Proxy.Requests(http.MethodGet, fmt.Sprint("/api/v1/buckets/", n)))
		if want := map[int]int{0: 1, 10: 1, 40: 1}[n]; asked != want {
			t.Errorf("bucket %d was requested %d times, want %d", n, asked, want)
		}
	}
}
