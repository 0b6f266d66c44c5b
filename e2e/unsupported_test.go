//go:build e2e

package e2e_test

import (
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

const (
	noDatabase      = `Object.defineProperty(globalThis, "indexedDB", { configurable: true, get() { return undefined; } });`
	refusedDatabase = `IDBFactory.prototype.open = function () { throw new DOMException("not in this window", "SecurityError"); };`
	noServiceWorker = `delete Navigator.prototype.serviceWorker;`
)

const (
	nothingIsKept = "Nothing is stored on this device."
	needsNetwork  = "Rollcall can't start offline in this window."
)

// warnsOnLeave reports whether the browser would ask before leaving the page.
func (d directory) warnsOnLeave() bool {
	d.t.Helper()
	return harness.Eval[bool](d.Page, `(() => { const e = new Event("beforeunload", { cancelable: true }); dispatchEvent(e); return e.defaultPrevented; })()`)
}

func TestWithoutIndexedDBTheAppWorksOnlineAndSaysSo(t *testing.T) {
	t.Parallel()
	for name, shim := range map[string]string{"none": noDatabase, "refused": refusedDatabase} {
		t.Run(name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			addThree(site)
			before := countersOf(site)
			b := harness.OpenBrowser(t)
			users := directory{b.OpenWithScript(site.URL()+"/", shim), t}
			users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			users.isOnline()
			users.See("region", "Notice")
			users.SeeText(nothingIsKept)
			users.add(dora)
			users.edit("Ann Archer", harness.Person{Bio: "Draws"})
			users.remove("Carl Cole")
			synced := map[string]string{"Ann Archer": "", "Bob Baker": "", "Dora Dent": ""}
			users.shows(synced)
			harness.Eventually(t, "leaving is free when everything is synced", func() error {
				return harness.Equal("asking", users.warnsOnLeave(), false)
			})
			// Changes of others arrive by the event stream.
			site.Add(harness.Person{Name: "Emil Egg", Email: "emil@example.org"})
			before.changes++
			synced["Emil Egg"] = ""
			users.shows(synced)

			b.Offline(site.Proxy, true)
			users.isOffline()
			users.add(harness.Person{Name: "Fay Fox", Email: "fay@example.org"})
			users.hasState("Fay Fox", "Pending")
			if !users.warnsOnLeave() {
				t.Error("the browser does not ask before the page is left with the only copy of a change")
			}
			b.Offline(site.Proxy, false)
			synced["Fay Fox"] = ""
			users.shows(synced)
			harness.Eventually(t, "leaving is free again", func() error {
				return harness.Equal("asking", users.warnsOnLeave(), false)
			})
			if got, want := len(site.Rows()), len(synced); got != want {
				t.Errorf("the server has %d users, want %d", got, want)
			}
			eachSentOnce(t, site, before)
			users.Go("/sync")
			users.SeeText("this browser window gives Rollcall no storage")
			users.Reload() // synced users come back, without a notice of evicted data
			users.Go("/")
			users.shows(synced)
			users.SeeText(nothingIsKept)
		})
	}
}

func TestWithoutServiceWorkerTheAppNamesItsLimits(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	users := directory{b.OpenWithScript(site.URL()+"/", noServiceWorker), t}
	users.See("region", "Notice")
	users.SeeText(needsNetwork)
	users.hasState("Ann Archer", "")
	users.isOnline()
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.add(dora)
	users.hasState("Dora Dent", "Pending")
	b.Offline(site.Proxy, false)
	users.hasState("Dora Dent", "")
	users.matchesServer(site)
	users.Click("button", "Dismiss")
	users.Gone("region", "Notice")
	users.Click("link", "Sync")
	users.SeeText("has no service worker")
	if users.Has("region", "Notice") {
		t.Error("the dismissed notice came back")
	}
}
