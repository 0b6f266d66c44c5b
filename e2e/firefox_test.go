//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// fox is the list of users in Firefox, with a driver.
type fox struct {
	*harness.FirefoxTab
	t       *testing.T
	numbers *int
}

// openFox opens a site's list in Firefox.
func openFox(t *testing.T, f *harness.Firefox, origin string) fox {
	t.Helper()
	x := fox{f.Open(origin + "/"), t, new(int)}
	x.ready()
	return x
}

// ready waits for the list after a load, and installs the driver.
func (x fox) ready() {
	x.t.Helper()
	x.See("heading", "Users")
	if err := x.InstallDriver(func(harness.WriteEvent) {}); err != nil {
		x.t.Fatal(err)
	}
}

// does does a write, and waits until the page has acknowledged it.
func (x fox) does(w harness.Write) {
	x.t.Helper()
	*x.numbers++
	w.Number = *x.numbers
	if err := x.Do(w); err != nil {
		x.t.Fatalf("%+v: %v", w, err)
	}
}

// says waits until an expression evaluates to a text that contains want.
func (x fox) says(what, expression, want string) {
	x.t.Helper()
	harness.Eventually(x.t, fmt.Sprintf("%s says %q", what, want), func() error {
		var got string
		if err := x.Try(expression, &got); err != nil {
			return err
		}
		if !strings.Contains(got, want) {
			return fmt.Errorf("it says %.400q", got)
		}
		return nil
	})
}

func (x fox) statusIs(text string) {
	x.t.Helper()
	x.says("the status", `document.querySelector('[role=status][aria-label="Sync status"]')?.innerText ?? ""`, text)
}

// waitOfflineReady waits until the site can start offline.
func (x fox) waitOfflineReady() {
	x.t.Helper()
	x.says("the service worker", `String(navigator.serviceWorker.controller?.state)`, "activated")
}

// shows waits until the list has exactly these names and states.
func (x fox) shows(states map[string]string) {
	x.t.Helper()
	harness.Eventually(x.t, "the list shows what it should", func() error {
		var list []row
		if err := x.Try(listScript, &list); err != nil {
			return err
		}
		got := map[string]string{}
		for _, r := range list {
			got[r.Name] = r.State
		}
		if !maps.Equal(got, states) {
			return fmt.Errorf("it shows %v, want %v", got, states)
		}
		return nil
	})
}

// showsSynced waits until the list has exactly these names, without a state.
func (x fox) showsSynced(names ...string) {
	x.t.Helper()
	x.shows(withoutState(names))
}

// settles waits until the queue is empty, and nothing unexpected is on the device.
func (x fox) settles() {
	x.t.Helper()
	harness.Eventually(x.t, "the queue empties", func() error {
		d, err := readDevice(x)
		if err != nil {
			return err
		}
		if err := d.unexpected(); err != nil {
			return err
		}
		return harness.Equal("operations", len(d.Operations), 0)
	})
}

// names returns the names of the server's users.
func names(site *harness.Site) []string {
	var found []string
	for _, r := range site.Rows() {
		found = append(found, r.Name)
	}
	return found
}

// TestFirefox tests the main workflows in Firefox. They share the browser; each has its own
// server.
func TestFirefox(t *testing.T) {
	t.Parallel()
	f := harness.OpenFirefox(t)
	t.Run("the list", func(t *testing.T) { listInFirefox(t, f) })
	t.Run("network off", func(t *testing.T) {
		firefoxThroughAnOutage(t, f, func(s *harness.Site) { f.Offline(s.Proxy, true) }, func(s *harness.Site) { f.Offline(s.Proxy, false) })
	})
	t.Run("server stopped", func(t *testing.T) {
		firefoxThroughAnOutage(t, f, (*harness.Site).Down, (*harness.Site).Up)
	})
	t.Run("two tabs", func(t *testing.T) { twoTabsInFirefox(t, f) })
	t.Run("the site's files", func(t *testing.T) { siteFilesInFirefox(t, f) })
}

// listInFirefox adds by the dialog and the keyboard, edits, deletes and undoes.
func listInFirefox(t *testing.T, f *harness.Firefox) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	users := openFox(t, f, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.statusIs("Online")
	users.waitOfflineReady()

	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Fill("textbox", "Name", "Dora Dent")
	users.Fill("textbox", "Email", "dora@example.org")
	users.Click("button", "Save")
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")

	users.does(harness.Write{Kind: "edit", Who: "Bob Baker", Name: "Bob Butler", Bio: "Serves"})
	users.does(harness.Write{Kind: "delete", Who: "Carl Cole"})
	users.showsSynced("Ann Archer", "Bob Butler", "Dora Dent")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	users.showsSynced("Ann Archer", "Bob Butler", "Dora Dent", "Zed Zimmer")
	users.settles()
	if got, want := names(site), []string{"Ann Archer", "Bob Butler", "Dora Dent", "Zed Zimmer"}; !slices.Equal(got, want) {
		t.Errorf("the server has %v, want %v", got, want)
	}
	before.changes++ // Zed, added by REST
	eachSentOnce(t, site, before)
	users.Close()
}

// firefoxThroughAnOutage works without a server, reloads the page without one, and checks
// that everything arrives once when it is back. Firefox has no Background Sync: the open tab
// delivers.
func firefoxThroughAnOutage(t *testing.T, f *harness.Firefox, begin, end func(*harness.Site)) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	users := openFox(t, f, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.waitOfflineReady()
	users.says("the registration", `navigator.serviceWorker.ready.then((r) => String("sync" in r))`, "false")

	begin(site)
	users.does(harness.Write{Kind: "add", Name: "Dora Dent", Email: "dora@example.org", Bio: "Drives"})
	users.does(harness.Write{Kind: "edit", Who: "Bob Baker", Name: "Bob Butler"})
	users.does(harness.Write{Kind: "delete", Who: "Carl Cole"})
	without := map[string]string{"Ann Archer": "", "Bob Butler": "Pending", "Dora Dent": "Pending"}
	users.shows(without)
	users.statusIs("Offline")
	users.says("the page", `document.body.innerText`, "Offline - Changes will sync when connected")

	users.Reload()
	users.ready()
	users.shows(without)
	users.does(harness.Write{Kind: "edit", Who: "Dora Dent", Email: "dora.dent@example.org"})
	users.does(harness.Write{Kind: "add", Name: "Eve Eder", Email: "eve@example.org"})

	end(site)
	users.showsSynced("Ann Archer", "Bob Butler", "Dora Dent", "Eve Eder")
	users.statusIs("Online")
	users.settles()
	if r, _ := site.Row("Dora Dent"); r.Email != "dora.dent@example.org" || r.Bio != "Drives" {
		t.Errorf("Dora became %+v", r)
	}
	if got, want := names(site), []string{"Ann Archer", "Bob Butler", "Dora Dent", "Eve Eder"}; !slices.Equal(got, want) {
		t.Errorf("the server has %v, want %v", got, want)
	}
	eachSentOnce(t, site, before)
	users.Close()
}

// twoTabsInFirefox: two tabs are one client, and the one that is left takes over.
func twoTabsInFirefox(t *testing.T, f *harness.Firefox) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	first := openFox(t, f, site.URL())
	first.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	second := openFox(t, f, site.URL())
	second.does(harness.Write{Kind: "add", Name: "Dora Dent", Email: "dora@example.org"})
	first.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	first.Front()
	first.does(harness.Write{Kind: "edit", Who: "Dora Dent", Name: "Dora Dunn"})
	second.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dunn")
	first.Close()
	second.Front()
	second.does(harness.Write{Kind: "delete", Who: "Carl Cole"})
	second.settles()
	second.showsSynced("Ann Archer", "Bob Baker", "Dora Dunn")
	eachSentOnce(t, site, before)
	second.Close()
}

// siteFilesInFirefox: the first visit is of no new version, and spoiled files are
// fetched anew.
func siteFilesInFirefox(t *testing.T, f *harness.Firefox) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openFox(t, f, site.URL())
	users.waitOfflineReady()
	users.says("the page", `String(rollcall.updateWaiting() || rollcall.otherVersion())`, "false")
	for _, c := range []struct{ name, how string }{
		{"app.wasm", "truncated"}, {"boot.js", "html"}, {"worker.js", "html"}, {"app.wasm", "missing"},
	} {
		users.says("the damage", fmt.Sprintf("("+spoilScript+").then(String)", c.name, c.how), "1")
		users.Reload()
		users.ready()
		users.says("the cache", wrongScript+`.then((wrong) => wrong.length === 0 ? "whole" : String(wrong))`, "whole")
	}
	users.Close()
}

// killFirefoxes is killBrowsers with Firefox.
func killFirefoxes(s *series, times int) {
	f := harness.OpenFirefox(s.t)
	open := func() tab {
		x := f.Open(s.site.URL() + "/")
		x.See("heading", "Users")
		s.attach(x)
		return x
	}
	users := open()
	for range times {
		var profile string
		s.killWhileWriting(users, false, func() { profile = f.Kill() })
		start := time.Now()
		f = harness.OpenFirefoxProfile(s.t, profile)
		users = open()
		s.figures.toList = append(s.figures.toList, time.Since(start))
	}
	s.check(users)
}
