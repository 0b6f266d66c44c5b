//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

const newVersionIsReady = "A new version is ready"

// longTimers notes what a page has a timer call every minute or more seldom, with
// the longest of the waits, instead of waiting for it.
const longTimers = `(() => {
	const every = globalThis.setInterval;
	globalThis.longTimers = { calls: [], longest: 0 };
	globalThis.setInterval = (f, wait, ...rest) => {
		if (!(wait >= 60_000)) return every(f, wait, ...rest);
		longTimers.calls.push(f);
		longTimers.longest = Math.max(longTimers.longest, wait);
		return 0;
	};
})();`

func (d directory) runsAnother(before string) {
	d.t.Helper()
	harness.Eventually(d.t, "the page runs another version", func() error {
		v, err := harness.TryEval[string](d.Page, `globalThis.rollcall?.version ?? ""`)
		if err == nil && (v == before || v == "") {
			err = fmt.Errorf("it runs version %q", v)
		}
		return err
	})
	d.See("heading", "Users")
}

// deploy puts another release in the place of the server's.
func deploy(site *harness.Site, bin string) {
	site.Server.Stop()
	site.Server.Use(bin)
	site.Server.Start()
}

func TestATabThatIsNeverHiddenOrWasReloadedHardHearsOfANewVersion(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	users := directory{b.OpenWithScript(site.URL()+"/", longTimers), t}
	users.See("heading", "Users")
	users.WaitOfflineReady()
	if harness.Eval[bool](users.Page, `rollcall.updateWaiting() || rollcall.otherVersion()`) {
		t.Error("the very first visit knows of another version")
	}
	users.ReloadPast()
	harness.Eventually(t, "the page is there again, without a controller", func() error {
		controlled, err := harness.TryEval[bool](users.Page, `navigator.serviceWorker.controller !== null || !globalThis.rollcall`)
		if err == nil && controlled {
			err = fmt.Errorf("it has a controller")
		}
		return err
	})
	users.See("heading", "Users")
	before := harness.Eval[string](users.Page, `rollcall.version`)
	harness.Eval[bool](users.Page, `rollcall.registration.then(() => true)`)
	users.GoneText(newVersionIsReady)
	deploy(site, newer(t))
	if longest := harness.Eval[int](users.Page, `longTimers.longest`); longest == 0 || longest > 24*60*60*1000 {
		t.Errorf("the page looks for a new version every %d ms", longest)
	}
	harness.Eval[int](users.Page, `(longTimers.calls.forEach((call) => call()), 0)`)
	users.SeeText(newVersionIsReady)
	users.Click("button", "Reload")
	users.runsAnother(before)
	users.GoneText(newVersionIsReady)
	if harness.Eval[bool](users.Page, `rollcall.updateWaiting()`) {
		t.Error("after the switch a new version is still said to wait")
	}
}

// TestAFirstVisitIsOfNoNewVersion: browsers differ in the states that a worker goes through while a
// page gets its first one.
func TestAFirstVisitIsOfNoNewVersion(t *testing.T) { mainPath(t, aFirstVisitIsOfNoNewVersion) }

func aFirstVisitIsOfNoNewVersion(t *testing.T, b browser) {
	_, users := openThreeIn(t, b)
	for _, visit := range []string{"first", "second"} {
		// The worker has answered the page by then: messages to it keep their order.
		said := harness.Eval[string](users.Page, `rollcall.registration.then((r) => new Promise((answered) => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = () => setTimeout(answered, 300);
			r.active.postMessage({ type: "VERSION" }, [port2]);
		})).then(() => [rollcall.updateWaiting(), rollcall.otherVersion(), document.body.innerText].join(" "))`)
		if !strings.HasPrefix(said, "false false ") || strings.Contains(said, newVersionIsReady) {
			t.Errorf("the %s visit: %.300q", visit, said)
		}
		users.Reload()
		users.See("heading", "Users")
		users.WaitOfflineReady()
	}
}

// TestAPageFromTheServerIsNotCalledOld: after Shift and F5 the page may be newer than
// what the service worker has. That is no new version.
func TestAPageFromTheServerIsNotCalledOld(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	before := harness.Eval[string](users.Page, `rollcall.version`)
	deploy(site, newer(t))
	users.ReloadPast()
	users.runsAnother(before)
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => new Promise((waits) => {
		const look = () => r.waiting ? waits(true) : setTimeout(look, 50);
		look();
	}))`)
	harness.Eventually(t, "the page knows what the service worker has", func() error {
		return harness.Equal("it", harness.Eval[bool](users.Page, `rollcall.otherVersion()`), true)
	})
	if harness.Eval[bool](users.Page, `rollcall.updateWaiting()`) {
		t.Error("the page says that a new version is ready, which it is itself")
	}
	users.Reload()
	users.See("heading", "Users")
	users.SeeText(newVersionIsReady) // what the service worker has is the older one
}

const olderThanTheData = "This version of Rollcall is older than the data on this device."

func TestAVersionOlderThanTheDataSaysSo(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	other := bare(t, b, site.URL())
	leaveWork(t, b, site)
	site.Proxy.RefuseAPI(true)
	b.Offline(site.Proxy, false)
	// A newer version was here.
	harness.Eval[bool](other, fmt.Sprintf(`settle(indexedDB.open("rollcall", %d)).then((db) => { db.close(); return true; })`, newest(other)+1))

	users := directory{b.Open(site.URL() + "/"), t}
	users.Allow("has upgraded the database")
	users.See("region", "Notice")
	users.SeeText(olderThanTheData)
	users.SeeText("Nothing is lost: your data stay on this device, with the changes that wait to be sent.")
	before := harness.Eval[string](users.Page, `rollcall.version`)
	users.Click("button", "Check again")
	users.SeeText(olderThanTheData) // and not "Reload to continue" for ever
	users.submits(dora)
	users.SeeText("Not saved. A newer version of Rollcall has updated the data on this device. " + textIsKept)
	users.formHolds(dora)
	users.Click("button", "Cancel")
	dir := users.Downloads()
	users.Click("button", "Save changes to a file")
	users.Download(dir)

	// A release that can't read the data does not take the place of one that is there.
	b.Allow("was not installed")
	b.Allow("has upgraded the database")
	b.Allow("the data on this device are of version")
	deploy(site, newer(t))
	ended := harness.Eval[string](users.Page, `rollcall.registration.then(async (r) => {
		const update = new Promise((ended) => r.addEventListener("updatefound", () => {
			const worker = r.installing;
			worker.addEventListener("statechange", () => ended(worker.state));
		}));
		r.update().catch(() => {});
		return update;
	})`)
	if ended != "redundant" || harness.Eval[bool](users.Page, `rollcall.updateWaiting()`) {
		t.Errorf("the release is %s", ended)
	}
	users.Reload()
	users.SeeText(olderThanTheData)
	if v := harness.Eval[string](users.Page, `rollcall.version`); v != before {
		t.Errorf("the version is %s, and was %s", v, before)
	}
}
