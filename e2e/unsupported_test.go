//go:build e2e

package e2e_test

import (
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// What takes one thing each from pages and workers, before the site's own scripts run.
const (
	noDatabase      = `Object.defineProperty(globalThis, "indexedDB", { configurable: true, get() { return undefined; } });`
	refusedDatabase = `IDBFactory.prototype.open = function () { throw new DOMException("not in this window", "SecurityError"); };`
	noServiceWorker = `if (globalThis.Navigator) delete Navigator.prototype.serviceWorker;`
	noLocks         = `for (const of of [globalThis.Navigator, globalThis.WorkerNavigator]) if (of) delete of.prototype.locks;`
	noChannel       = `delete globalThis.BroadcastChannel;`
	noStream        = `delete globalThis.EventSource;`
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
	for name, script := range map[string]string{"none": noDatabase, "refused": refusedDatabase} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { worksWithoutADatabase(t, b, script) })
		})
	}
}

// lacking opens the list of a site that finds something missing.
func lacking(t *testing.T, b browser, script string) (*harness.Site, directory) {
	t.Helper()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	site.Proxy.Prepend(script)
	return site, directory{b.Open(site.URL() + "/"), t}
}

func worksWithoutADatabase(t *testing.T, b browser, script string) {
	site, users := lacking(t, b, script)
	before := countersOf(site)
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
}

func TestWithoutServiceWorkerTheAppNamesItsLimits(t *testing.T) {
	everywhere(t, namesTheLimitsWithoutServiceWorker)
}

func namesTheLimitsWithoutServiceWorker(t *testing.T, b browser) {
	site, users := lacking(t, b, noServiceWorker)
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

// TestWithoutWhatTabsShare: without locks or messages between tabs, two of them still show the same and
// send everything, and the page says what is missing.
func TestWithoutWhatTabsShare(t *testing.T) {
	t.Parallel()
	for missing, script := range map[string]string{"Locks between tabs": noLocks, "Messages between tabs": noChannel} {
		t.Run(missing, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { twoTabsWithout(t, b, missing, script) })
		})
	}
}

func twoTabsWithout(t *testing.T, b browser, missing, script string) {
	site, first := lacking(t, b, script)
	before := countersOf(site)
	first.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	first.isOnline()
	first.WaitOfflineReady()
	second := openUsers(t, b, site.URL())
	second.add(dora)
	first.hasState("Dora Dent", "")

	b.Offline(site.Proxy, true)
	first.isOffline()
	second.isOffline()
	first.Front()
	first.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	second.Front()
	second.hasState("Bob Baker", "Pending")
	second.remove("Carl Cole")
	first.shows(map[string]string{"Ann Archer": "", "Bob Baker": "Pending", "Dora Dent": ""})
	first.Reload()
	first.shows(map[string]string{"Ann Archer": "", "Bob Baker": "Pending", "Dora Dent": ""})
	b.Offline(site.Proxy, false)
	for _, tab := range []directory{first, second} {
		tab.Front()
		tab.showsSynced("Ann Archer", "Bob Baker", "Dora Dent")
		tab.matchesServer(site)
	}
	if n := site.Changes() - before.changes; n != 3 {
		t.Errorf("the server counts %d changes of 3", n)
	}
	if script == noChannel {
		eachSentOnce(t, site, before)
	}
	second.Go("/sync")
	second.SeeText(missing)
	second.SeeText("not offered, so")
}

func TestWithoutEventStreams(t *testing.T) { everywhere(t, worksWithoutEventStreams) }

func worksWithoutEventStreams(t *testing.T, b browser) {
	site, users := lacking(t, b, noStream)
	before := countersOf(site)
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.isOnline()
	users.add(dora)
	users.hasState("Dora Dent", "")
	site.Add(harness.Person{Name: "Emil Egg", Email: "emil@example.org"})
	before.changes++
	users.syncNow()
	users.hasState("Emil Egg", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Emil Egg", harness.Person{Bio: "Eats"})
	users.hasState("Emil Egg", "Pending")
	b.Offline(site.Proxy, false)
	users.matchesServer(site)
	eachSentOnce(t, site, before)
	if n := len(site.Proxy.Requests("GET", "/api/v1/events")); n > 0 {
		t.Errorf("%d event streams were asked for", n)
	}
	users.Go("/sync")
	users.SeeText("not offered, so changes of others arrive up to half a minute late")
}
