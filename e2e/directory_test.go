//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// binary is what `make build` made.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../bin/rollcall")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the binary is not built (make build): %v", err)
	}
	return path
}

// directory is a page with the list of users.
type directory struct {
	*harness.Page
	t *testing.T
}

// openUsers opens a site's list, and waits until it is synced and ready to start offline.
func openUsers(t *testing.T, b browser, origin string) directory {
	t.Helper()
	return openUsersWith(t, b, origin, "")
}

// openUsersWith is openUsers in a tab with an init script.
func openUsersWith(t *testing.T, b browser, origin, script string) directory {
	t.Helper()
	var d directory
	if script == "" {
		d = directory{b.Open(origin + "/"), t}
	} else {
		d = directory{b.OpenWithScript(origin+"/", script), t}
	}
	d.See("heading", "Users")
	d.isOnline()
	d.WaitOfflineReady()
	return d
}

// openThree opens the list of a new site with three people in a new Chromium.
func openThree(t *testing.T) (*harness.Site, *harness.Browser, directory) {
	t.Helper()
	b := harness.OpenBrowser(t)
	site, users := openThreeIn(t, b)
	return site, b, users
}

// openThreeIn opens the list of a new site with three people.
func openThreeIn(t *testing.T, b browser) (*harness.Site, directory) {
	t.Helper()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, b, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	return site, users
}

// openOffline opens a site's list in a browser that need not reach the server.
func openOffline(t *testing.T, b browser, origin string) directory {
	t.Helper()
	d := directory{b.Open(origin + "/"), t}
	d.See("heading", "Users")
	return d
}

// statusIs waits until the live region "Sync status" contains the text.
func (d directory) statusIs(text string) {
	d.t.Helper()
	harness.Eventually(d.t, fmt.Sprintf("the status says %q", text), func() error {
		if got := d.status(); !strings.Contains(got, text) {
			return fmt.Errorf("it says %q", got)
		}
		return nil
	})
}

func (d directory) status() string {
	d.t.Helper()
	return harness.Eval[string](d.Page, `document.querySelector('[role=status][aria-label="Sync status"]')?.innerText ?? ""`)
}

func (d directory) isOnline() {
	d.t.Helper()
	d.statusIs("Online")
}

func (d directory) isOffline() {
	d.t.Helper()
	d.SeeText("Offline - Changes will sync when connected")
	d.statusIs("Offline")
}

// add creates a user in the dialog.
func (d directory) add(p harness.Person) {
	d.t.Helper()
	d.Click("button", "Add user")
	d.See("dialog", "Add user")
	d.save(p)
	d.Gone("dialog", "Add user")
}

// edit changes the fields of a user that are set in p.
func (d directory) edit(name string, p harness.Person) {
	d.t.Helper()
	d.Click("button", "Edit "+name)
	d.See("dialog", "Edit user")
	d.save(p)
	d.Gone("dialog", "Edit user")
}

func (d directory) save(p harness.Person) {
	d.t.Helper()
	if p.Name != "" {
		d.Fill("textbox", "Name", p.Name)
	}
	if p.Email != "" {
		d.Fill("textbox", "Email", p.Email)
	}
	if p.Bio != "" {
		d.Fill("textbox", "Bio", p.Bio)
	}
	d.Click("button", "Save")
}

func (d directory) remove(name string) {
	d.t.Helper()
	d.Click("button", "Delete "+name)
	d.Gone("button", "Delete "+name)
}

// listScript reads the rows of the list as they are rendered.
const listScript = `[...document.querySelectorAll("main [role=list] > li")].map((li) => {
	const button = li.querySelector('button[aria-label^="Edit "]');
	return {
		Name: button ? button.getAttribute("aria-label").slice(5) : "",
		Email: li.querySelector(".row-email")?.textContent ?? "",
		State: ["Pending", "Needs attention", "Conflict"].find((s) => li.querySelector(".state")?.textContent === s) ?? "",
	};
})`

// shown returns the rows of the list by name.
func (d directory) shown() map[string]row {
	d.t.Helper()
	list := harness.Eval[[]row](d.Page, listScript)
	rows := map[string]row{}
	for _, r := range list {
		rows[r.Name] = r
	}
	return rows
}

// row is a row of the list. State is its state text, "" for none.
type row struct{ Name, Email, State string }

// shows waits until the list has exactly these names and states.
func (d directory) shows(states map[string]string) {
	d.t.Helper()
	harness.Eventually(d.t, "the list shows what it should", func() error {
		got := map[string]string{}
		for name, r := range d.shown() {
			got[name] = r.State
		}
		if !maps.Equal(got, states) {
			return fmt.Errorf("it shows %v, want %v", got, states)
		}
		return nil
	})
}

// showsSynced waits until the list has exactly these names, without a state.
func (d directory) showsSynced(names ...string) {
	d.t.Helper()
	d.shows(withoutState(names))
}

func withoutState(names []string) map[string]string {
	states := map[string]string{}
	for _, name := range names {
		states[name] = ""
	}
	return states
}

// hasState waits until one row has a state, whatever the others have.
func (d directory) hasState(name, state string) {
	d.t.Helper()
	harness.Eventually(d.t, fmt.Sprintf("the row of %s has state %q", name, state), func() error {
		r, ok := d.shown()[name]
		if !ok {
			return errors.New("there is no such row")
		}
		return harness.Equal("the state", r.State, state)
	})
}

// syncNow presses "Sync now" and waits until the sync has completed.
func (d directory) syncNow() {
	d.t.Helper()
	d.Click("button", "Sync now")
	d.SeeText("Sync completed")
}

// matchesServer waits until the queue is empty and the list equals the server's database in
// every field the list shows. States do not count: a settled conflict may await review.
func (d directory) matchesServer(site *harness.Site) {
	d.t.Helper()
	d.WaitQueueEmpty()
	harness.Eventually(d.t, "the list equals the server's database", func() error {
		var want, got []row
		for _, r := range site.Rows() {
			want = append(want, row{Name: r.Name, Email: r.Email})
		}
		for _, r := range d.shown() {
			got = append(got, row{Name: r.Name, Email: r.Email})
		}
		byName := func(a, b row) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(want, byName)
		slices.SortFunc(got, byName)
		if !slices.Equal(got, want) {
			return fmt.Errorf("the list has %v, the database %v", got, want)
		}
		return nil
	})
}

// eachSentOnce checks that every operation was sent once and took effect at the server once.
// Proxies are those beside the site's own.
func eachSentOnce(t *testing.T, site *harness.Site, before counters, proxies ...*harness.Proxy) {
	t.Helper()
	sent := map[string]int{}
	for _, p := range append(proxies, site.Proxy) {
		for id, n := range p.Sent() {
			sent[id] += n
			if n != 1 {
				t.Errorf("operation %s was sent %d times", id, n)
			}
		}
	}
	if got := site.Applied() - before.applied; got != len(sent) {
		t.Errorf("%d operations took effect, %d were sent", got, len(sent))
	}
	if got := site.Changes() - before.changes; got != len(sent) {
		t.Errorf("the server counts %d changes, %d operations were sent", got, len(sent))
	}
}

// counters are the server's counters of writes.
type counters struct{ applied, changes int }

func countersOf(site *harness.Site) counters { return counters{site.Applied(), site.Changes()} }

// threePeople are the users most tests begin with.
var threePeople = []harness.Person{
	{Name: "Ann Archer", Email: "ann@example.org", Bio: "Reads maps"},
	{Name: "Bob Baker", Email: "bob@example.org", Bio: "Bakes"},
	{Name: "Carl Cole", Email: "carl@example.org", Bio: "Digs"},
}

func addThree(site *harness.Site) (ann, bob, carl string) {
	return site.Add(threePeople[0]), site.Add(threePeople[1]), site.Add(threePeople[2])
}
