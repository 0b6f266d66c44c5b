//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// signIn signs in on the page that asks for it, and waits for the list.
func (d directory) signIn(name string) {
	d.t.Helper()
	d.See("heading", "Sign in")
	d.Fill("textbox", "Name", name)
	d.Fill("textbox", "Password", harness.Password)
	d.Click("button", "Sign in")
	d.See("heading", "Users")
	d.isOnline()
}

// openClosed opens a server with accounts in a new browser, and signs in.
func openClosed(t *testing.T, b browser, site *harness.Site, name string) directory {
	t.Helper()
	d := directory{b.Open(site.URL() + "/"), t}
	d.signIn(name)
	d.WaitOfflineReady()
	return d
}

// endSessions ends an account's sessions, and waits until the running server knows.
func endSessions(t *testing.T, site *harness.Site, name string) {
	t.Helper()
	site.Server.Command("", "account", "sign-out", name)
	id := accountOf(t, site, name).ID
	harness.Eventually(t, "the session has ended", func() error {
		if said := site.Call("GET", "/api/v1/accounts/"+id+"/grants", ""); strings.Contains(string(said.Body), `"kind":"session"`) {
			return errors.New(string(said.Body))
		}
		return nil
	})
}

type account struct{ ID, Name, Role string }

// accountOf is an account as the running server has it.
func accountOf(t *testing.T, site *harness.Site, name string) account {
	t.Helper()
	var all struct{ Accounts []account }
	if err := json.Unmarshal(site.Call("GET", "/api/v1/accounts", "").Body, &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all.Accounts {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no %s among %v", name, all.Accounts)
	return account{}
}

func setRole(t *testing.T, site *harness.Site, name, role string) {
	t.Helper()
	site.Server.Command("", "account", "role", name, role)
	harness.Eventually(t, "the server knows the role", func() error {
		return harness.Equal("the role", accountOf(t, site, name).Role, role)
	})
}

func accessible(t *testing.T, p *harness.Page) {
	t.Helper()
	if found := p.Accessibility("node_modules/axe-core/axe.min.js"); len(found) > 0 {
		t.Errorf("axe: %v", found)
	}
}

// databases are those of the page's site.
func databases(p *harness.Page) []string {
	return harness.Eval[[]string](p, `indexedDB.databases().then((all) => all.map(({ name }) => name).sort())`)
}

func TestSignInByPassword(t *testing.T) { mainPath(t, signInByPassword) }

func signInByPassword(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	d := directory{b.Open(site.URL() + "/"), t}
	d.See("heading", "Sign in")
	if strings.Contains(d.Text(), "Ann Archer") {
		t.Error("shows people before a sign-in")
	}
	accessible(t, d.Page)
	d.Click("button", "Sign in")
	d.SeeText("Name is required")
	d.SeeText("Password is required")
	accessible(t, d.Page)

	// As a password manager fills a form: without an event.
	harness.Eval[any](d.Page, `document.getElementById("sign-in-name").value = "bo", document.getElementById("sign-in-password").value = "wrong wrong wrong"`)
	d.Click("button", "Sign in")
	d.SeeText("Name or password is wrong")
	accessible(t, d.Page)
	d.signIn("bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.WaitOfflineReady()
	d.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	d.WaitQueueEmpty()
	if _, ok := site.Row("Dora Dent"); !ok {
		t.Error("the server has no Dora")
	}
	d.Go("/account")
	d.SeeText("You are bo, editor.")
	d.looksRight("account")

	d.Reload() // it stays signed in, also offline
	d.See("heading", "Account")
	b.Offline(site.Proxy, true)
	d.Go("/")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	d.Go("/account")
	d.SeeText("Signing in waits for the network")
	accessible(t, d.Page)
	b.Offline(site.Proxy, false)
	d.SeeText("You are bo, editor.")
}

func TestALinkSetsAPasswordInABrowser(t *testing.T) { everywhere(t, aLinkSetsAPasswordInABrowser) }

func aLinkSetsAPasswordInABrowser(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t))
	addThree(site)
	said := strings.Fields(site.Server.Command("", "account", "invite", "-role", "editor", "cy"))
	d := directory{b.Open(site.URL() + said[len(said)-1]), t}
	d.See("heading", "Set your password")
	accessible(t, d.Page)
	d.Fill("textbox", "Password", "short")
	d.Click("button", "Set password and sign in")
	harness.EventuallyWithin(t, 10*time.Second, "it says at once what is wrong", func() error {
		if !strings.Contains(d.Text(), "Password must have at least") {
			return errors.New(d.Text())
		}
		return nil
	})
	d.Fill("textbox", "Password", harness.Password)
	d.Click("button", "Set password and sign in")
	d.See("heading", "Users")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
}

// TestASessionThatEndsKeepsTheWork: 50 changes wait offline, the session ends, the service worker is
// woken meanwhile with every tab closed, and after another sign-in each arrives once.
func TestASessionThatEndsKeepsTheWork(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	registrations := b.Registrations()
	d := openClosed(t, b, site, "bo")
	b.Offline(site.Proxy, true)
	d.isOffline()
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("Person %02d", i))
		d.add(harness.Person{Name: names[i], Email: fmt.Sprintf("p%d@example.org", i)})
	}
	if n := d.Queued(); n != 50 {
		t.Fatalf("%d wait", n)
	}
	d.Close()
	id := accountOf(t, site, "bo").ID
	endSessions(t, site, "bo")
	site.Proxy.ResetRequests()
	b.Offline(site.Proxy, false)
	registrations.Sync(site.URL(), syncTag+"-"+id)
	harness.EventuallyWithin(t, retries, "the service worker is refused", func() error {
		if len(site.Proxy.Requests("POST", "/api/v1/operations")) == 0 {
			return errors.New("not yet")
		}
		return nil
	})

	d = directory{b.Open(site.URL() + "/"), t}
	d.SeeText("Sign in to sync - Changes are kept on this device")
	if n := d.Queued(); n != 50 {
		t.Fatalf("%d wait after the service worker", n)
	}
	d.Go("/sync")
	d.SeeText("They are sent once you have signed in.")
	d.SeeText("Waiting for you to sign in.")
	d.GoneText("Sent, but not answered")
	d.Click("button", "Sign in")
	d.See("heading", "Sign in")
	d.SeeText("Your changes wait on this device.")
	accessible(t, d.Page)
	if got := d.Value("textbox", "Name"); got != "bo" {
		t.Errorf("the name is %q", got)
	}
	d.Fill("textbox", "Password", harness.Password)
	d.Click("button", "Sign in")
	d.See("heading", "Users")
	d.WaitQueueEmpty()
	var got []string
	for _, r := range site.Rows() {
		got = append(got, r.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("the server has %v", got)
	}
	if n := site.Changes() - before.changes; n != 50 {
		t.Errorf("%d changes", n)
	}
}

// TestTwoPeopleOnOneBrowser: each has a queue, and neither sees nor sends the other's.
func TestTwoPeopleOnOneBrowser(t *testing.T) { everywhere(t, twoPeopleOnOneBrowser) }

func twoPeopleOnOneBrowser(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t), "bo editor", "cy editor")
	addThree(site)
	bo := openClosed(t, b, site, "bo")
	bo.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	endSessions(t, site, "bo")
	bo.add(harness.Person{Name: "Bo's Work", Email: "bos@example.org"})
	bo.SeeText("Sign in to sync - Changes are kept on this device")

	// cy signs in in another tab; bo's tab goes over to cy.
	cy := directory{b.Open(site.URL() + "/account"), t}
	cy.See("heading", "Sign in")
	cy.signIn("cy")
	cy.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	if strings.Contains(cy.Text(), "Bo's Work") || cy.Queued() != 0 {
		t.Error("cy sees what bo made")
	}
	bo.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	bo.GoneText("Bo's Work")
	if strings.Contains(cy.Text(), "evicted") || cy.Has("heading", "Changes made before you signed in") {
		t.Errorf("cy is asked about bo's work: %s", cy.Text())
	}
	cy.add(harness.Person{Name: "Cy's Work", Email: "cys@example.org"})
	cy.WaitQueueEmpty()
	bo.Close()
	if _, ok := site.Row("Bo's Work"); ok {
		t.Error("bo's work went as cy's")
	}

	cy.Go("/account")
	cy.Click("button", "Sign out")
	cy.See("heading", "Sign in")
	cy.Fill("textbox", "Name", "bo")
	cy.Fill("textbox", "Password", harness.Password)
	cy.Click("button", "Sign in")
	cy.See("heading", "Users")
	cy.WaitQueueEmpty()
	cy.showsSynced("Ann Archer", "Bo's Work", "Bob Baker", "Carl Cole", "Cy's Work")
	by := site.Call("GET", "/api/v1/users/"+mustRow(t, site, "Bo's Work").ID+"/history", "")
	if !strings.Contains(string(by.Body), `"bo"`) || strings.Contains(string(by.Body), `"cy"`) {
		t.Errorf("the history says %s", by.Body)
	}
}

func mustRow(t *testing.T, site *harness.Site, name string) harness.Row {
	t.Helper()
	r, ok := site.Row(name)
	if !ok {
		t.Fatalf("the server has no %s", name)
	}
	return r
}

func TestAViewersWrite(t *testing.T) { everywhere(t, aViewersWrite) }

func aViewersWrite(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	b.Offline(site.Proxy, true)
	d.isOffline()
	d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	setRole(t, site, "bo", "viewer")
	b.Offline(site.Proxy, false)
	d.hasState("Bob Baker", "Needs attention")
	d.Go("/sync")
	d.SeeText("as viewer you may read")
	if r := mustRow(t, site, "Bob Baker"); r.Bio == "Bakes bread" {
		t.Error("a viewer wrote")
	}
	d.Go("/")
	d.Click("button", "Add user")
	d.SeeText("You may read, but not change anything.")
	if d.Has("dialog", "Add user") {
		t.Error("the form opens")
	}
	accessible(t, d.Page)
	setRole(t, site, "bo", "editor")
	d.Click("button", "Add user")
	d.See("dialog", "Add user") // the server was asked again
}

func TestSigningOutWithUnsentWork(t *testing.T) {
	t.Parallel()
	for answer, kept := range map[string]bool{
		"Send first": false, "Keep for my next sign-in": true, "Save to a file and sign out": false, "Discard and sign out": false,
	} {
		t.Run(answer, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { signingOutWithUnsentWork(t, b, answer, kept) })
		})
	}
}

func signingOutWithUnsentWork(t *testing.T, b browser, answer string, kept bool) {
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b.Allow("status 503")
	d := openClosed(t, b, site, "bo")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	own := databases(d.Page)
	// The server takes no writes for the moment.
	var takes atomic.Bool
	site.Proxy.Filter(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if takes.Load() || r.URL.Path != "/api/v1/operations" {
			return false
		}
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return true
	})
	d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	d.hasState("Bob Baker", "Pending")
	d.Go("/account")
	d.Click("button", "Sign out")
	d.SeeText("1 change made here is not on the server yet.")
	accessible(t, d.Page)
	takes.Store(answer == "Send first")
	d.Click("button", answer)
	d.See("heading", "Sign in")
	harness.Eventually(t, "the databases", func() error {
		left := slices.DeleteFunc(databases(d.Page), func(name string) bool { return name == "rollcall" })
		if !kept {
			return harness.Equal("databases of accounts", strings.Join(left, " "), "")
		}
		return harness.Equal("databases of accounts", strings.Join(left, " "), strings.Join(slices.DeleteFunc(own, func(name string) bool { return name == "rollcall" }), " "))
	})
	if signedIn := harness.Eval[bool](d.Page, `fetch("/api/v1/session").then((r) => r.json()).then((s) => s.account !== null)`); signedIn {
		t.Error("the session goes on")
	}
	takes.Store(true)
	d.signIn("bo")
	d.WaitQueueEmpty()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	if arrived := mustRow(t, site, "Bob Baker").Bio == "Bakes bread"; arrived != (kept || answer == "Send first") {
		t.Errorf("arrived: %v", arrived)
	}
}

// TestWhatWasMadeBeforeThereWereAccounts: a device with work of nobody's asks who it is.
func TestWhatWasMadeBeforeThereWereAccounts(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"Send as me", "Save to a file", "Discard"} {
		t.Run(answer, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { whatWasMadeBeforeThereWereAccounts(t, b, answer) })
		})
	}
}

func whatWasMadeBeforeThereWereAccounts(t *testing.T, b browser, answer string) {
	site, d := openThreeIn(t, b)
	b.Offline(site.Proxy, true)
	d.isOffline()
	d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	site.Server.Command(harness.Password, "account", "add", "-role", "admin", "ada")
	harness.Eventually(t, "the server is closed", func() error {
		return harness.Equal("the status", site.Call("GET", "/api/v1/users", "").Status, 401)
	})
	b.Offline(site.Proxy, false)
	d.SeeText("Sign in to sync - Changes are kept on this device")
	d.Click("button", "Sign in")
	d.See("heading", "Sign in")
	d.Fill("textbox", "Name", "ada")
	d.Fill("textbox", "Password", harness.Password)
	d.Click("button", "Sign in")
	d.SeeText("1 change made on this device without an account is not on the server yet.")
	accessible(t, d.Page)
	d.Click("button", answer)
	harness.Eventually(t, "nobody's data are gone", func() error {
		return harness.Equal("there are some", slices.Contains(databases(d.Page), "rollcall"), false)
	})
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.WaitQueueEmpty()
	if arrived := mustRow(t, site, "Bob Baker").Bio == "Bakes bread"; arrived != (answer == "Send as me") {
		t.Errorf("arrived: %v", arrived)
	}
	d.Reload()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.Gone("dialog", "Changes made before you signed in")
}
