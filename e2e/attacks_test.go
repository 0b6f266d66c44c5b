//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// everything is what a site has stored in a browser, as whoever comes next could read it.
const everything = `(async () => {
	const found = [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.cookie];
	for (const { name } of await indexedDB.databases()) {
		const db = await new Promise((resolve, reject) => {
			const asked = indexedDB.open(name);
			asked.onsuccess = () => resolve(asked.result);
			asked.onerror = () => reject(asked.error);
		});
		for (const store of db.objectStoreNames) {
			found.push(name + "/" + store + ": " + await new Promise((resolve, reject) => {
				const asked = db.transaction(store).objectStore(store).getAll();
				asked.onsuccess = () => resolve(JSON.stringify(asked.result));
				asked.onerror = () => reject(asked.error);
			}));
		}
		db.close();
	}
	for (const name of await caches.keys()) {
		const cache = await caches.open(name);
		for (const request of await cache.keys()) if (!request.url.includes("/assets/")) found.push(await (await cache.match(request)).text());
	}
	return found.join("\n");
})()`

// TestNothingStaysAfterSigningOut: neither people nor what was typed, in another tab either.
func TestNothingStaysAfterSigningOut(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	other := directory{b.Open(site.URL() + "/"), t}
	other.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	for _, tab := range []directory{other, d} {
		tab.opens("Bob Baker")
		tab.Fill("textbox", "Bio", "Typed in secret")
		tab.drafted("Typed in secret")
	}
	d.Go("/account")
	d.Click("button", "Sign out")
	d.See("heading", "Sign in")
	other.See("heading", "Sign in")
	// A program that was still at work elsewhere makes a database once more, and puts people into it.
	remake := `new Promise((resolve) => {
		const asked = indexedDB.open(JSON.parse(localStorage.getItem("rollcall-left"))[0], 1);
		asked.onupgradeneeded = () => asked.result.createObjectStore("late", { autoIncrement: true }).put("Bob Baker");
		asked.onsuccess = () => (asked.result.close(), resolve(true));
	})`
	harness.Eval[bool](d.Page, remake)
	d.Reload()
	d.See("heading", "Sign in")
	harness.Eventually(t, "nothing stays", func() error {
		text := harness.Eval[string](d.Page, everything)
		for _, secret := range []string{"Typed in secret", "Baker", "rollcall_s_"} {
			if strings.Contains(text, secret) {
				at := strings.Index(text, secret)
				return fmt.Errorf("%q stays: %s", secret, text[max(0, at-300):min(len(text), at+100)])
			}
		}
		return nil
	})
	d.signIn("bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.Reload() // and is deleted no more
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	if left := harness.Eval[bool](d.Page, `localStorage.getItem("rollcall-left") === null`); !left {
		t.Error("the account's data are to be deleted, though it is back")
	}
}
