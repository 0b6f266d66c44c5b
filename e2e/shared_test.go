//go:build e2e

package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// seeing notes whether a page ever showed a text, from its first moment on.
const seeing = `new MutationObserver(() => {
	if (document.body?.textContent.includes("Ann Archer")) globalThis.seenAnn = true;
}).observe(document, {subtree: true, childList: true, characterData: true})`

// TestNobodysPeopleAfterSigningOut: neither the shell nor the program shows anybody to who comes next.
func TestNobodysPeopleAfterSigningOut(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.Go("/account")
	d.Click("button", "Sign out")
	d.See("heading", "Sign in")
	d.AddInitScript(seeing)
	for _, offline := range []bool{false, true} {
		b.Offline(site.Proxy, offline)
		d.Go("/")
		if offline {
			d.isOffline()
		} else {
			d.See("heading", "Sign in")
		}
		if harness.Eval[bool](d.Page, `globalThis.seenAnn === true`) {
			t.Errorf("offline %v: shows bo's people to nobody", offline)
		}
	}
	b.Offline(site.Proxy, false)
	d.Go("/account")
	d.signIn("bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	if !harness.Eval[bool](d.Page, `globalThis.seenAnn === true`) {
		t.Error("the test would not notice")
	}
}

// TestALinkWhereSomebodyElseIsSignedIn: it opens in two tabs of bo's browser, who has unsent work. It works
// once, and bo's work waits for bo.
func TestALinkWhereSomebodyElseIsSignedIn(t *testing.T) {
	everywhere(t, aLinkWhereSomebodyElseIsSignedIn)
}

func aLinkWhereSomebodyElseIsSignedIn(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	said := strings.Fields(site.Server.Command("", "account", "invite", "-role", "editor", "cy"))
	link := said[len(said)-1]
	b.Allow("status of 404")
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	endSessions(t, site, "bo")
	d.add(harness.Person{Name: "Bo's Work", Email: "bos@example.org"})
	d.SeeText("Sign in to sync - Changes are kept on this device")

	other := directory{b.Open(site.URL() + link), t}
	other.See("heading", "Set your password")
	d.Go(link)
	for _, tab := range []directory{d, other} {
		tab.Allow("status of 404")
		tab.See("heading", "Set your password")
		tab.Fill("textbox", "Password", harness.Password)
	}
	d.Click("button", "Set password and sign in")
	d.See("heading", "Users")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.GoneText("Bo's Work")

	// The other tab follows to cy's data, and the link is used up.
	other.SeeText("You are signed in as cy here.")
	other.Fill("textbox", "Password", harness.Password)
	other.Click("button", "Set password and sign in")
	other.SeeText("This link is no longer good")
	accessible(t, other.Page)

	other.Close()
	d.Go("/account")
	d.SeeText("You are cy, editor.")
	d.Click("button", "Sign out")
	d.signIn("bo")
	d.WaitQueueEmpty()
	mustRow(t, site, "Bo's Work")
}

// TestWhatNobodyTyped: what a form held before the first sign-in is offered to who signs in.
func TestWhatNobodyTyped(t *testing.T) { everywhere(t, whatNobodyTyped) }

func whatNobodyTyped(t *testing.T, b browser) {
	site, d := openThreeIn(t, b)
	d.Click("button", "Add user")
	d.See("dialog", "Add user")
	d.Fill("textbox", "Name", "Half Typed")
	d.Close()
	site.Server.Command(harness.Password, "account", "add", "-role", "admin", "ada")
	harness.Eventually(t, "the server is closed", func() error {
		return harness.Equal("the status", site.Call("GET", "/api/v1/users", "").Status, 401)
	})
	d = directory{b.Open(site.URL() + "/account"), t}
	d.signIn("ada")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	harness.Eventually(t, "nobody's drafts are ada's", func() error {
		return harness.Equal("nobody's", harness.Eval[int](d.Page, `Object.keys(localStorage).filter((name) => name.startsWith("rollcall-draft-")).length`), 0)
	})
	d.Reload()
	d.Click("button", "Continue")
	d.See("dialog", "Add user")
	if got := d.Value("textbox", "Name"); got != "Half Typed" {
		t.Errorf("the form has %q", got)
	}
}

// TestSigningInWaitsForTheNetwork: asked for offline, it goes on by itself.
func TestSigningInWaitsForTheNetwork(t *testing.T) { everywhere(t, signingInWaitsForTheNetwork) }

func signingInWaitsForTheNetwork(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	endSessions(t, site, "bo")
	d.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	d.SeeText("Sign in to sync - Changes are kept on this device")
	b.Offline(site.Proxy, true)
	d.Click("button", "Sign in")
	d.SeeText("Signing in waits for the network")
	d.SeeText("Your changes are kept on this device.")
	accessible(t, d.Page)
	b.Offline(site.Proxy, false)
	d.signIn("bo") // the form is there without a press
	d.WaitQueueEmpty()
	mustRow(t, site, "Dora Dent")
}

// TestTheServiceWorkerMakesNoDeletedDatabaseAgain: it is in the middle of a sync when the account's data
// are deleted.
func TestTheServiceWorkerMakesNoDeletedDatabaseAgain(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	b.Allow("status 503")
	registrations := b.Registrations()
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	id := accountOf(t, site, "bo").ID
	b.Offline(site.Proxy, true)
	d.isOffline()
	d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	d.Close()
	asked, answered, answer := make(chan struct{}, 100), make(chan struct{}, 100), make(chan struct{})
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path != "/api/v1/operations" {
			return false
		}
		asked <- struct{}{}
		<-answer
		http.Error(w, "busy", http.StatusServiceUnavailable)
		answered <- struct{}{}
		return true
	})
	b.Offline(site.Proxy, false)
	registrations.Sync(site.URL(), syncTag+"-"+id)
	<-asked

	d = directory{b.Open(site.URL() + "/account"), t}
	d.Click("button", "Sign out")
	d.Click("button", "Discard and sign out")
	d.See("heading", "Sign in")
	gone := func() error {
		return harness.Equal("there is one", slices.Contains(databases(d.Page), "rollcall-"+id), false)
	}
	harness.Eventually(t, "bo's database is deleted", gone)
	close(answer)
	<-answered
	registrations.Sync(site.URL(), syncTag) // nobody's, after what the worker has made of the answer
	d.Reload()
	d.See("heading", "Sign in")
	if err := gone(); err != nil {
		t.Error(err)
	}
}
