//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/e2e/harness"
)

// atProvider are people who can sign in at the provider of the tests.
var atProvider = []harness.ProviderUser{
	{ID: "1", Username: "ann", Email: "Ann@example.org", EmailVerified: true},
	{ID: "2", Username: "cyril", Email: "cyril@elsewhere.example"},
	{ID: "3", Username: "mallory", Email: "bo@example.org"}, // says so, and nobody has looked
	{ID: "4", Username: "nobody", Email: "nobody@example.org", EmailVerified: true},
	{ID: "5", Username: "impostor", Email: "ann@example.org", EmailVerified: true}, // once ann's address, later another's
}

// newProvidedSite is a site with accounts whose people may sign in at a provider.
func newProvidedSite(t *testing.T, others ...string) *harness.Site {
	t.Helper()
	site := harness.NewClosedSite(t, binary(t), others...)
	provider := harness.StartProvider(t, atProvider, site.URL()+api.PathProviderBack)
	site.Restart(provider.Flags()...)
	return site
}

const atOurProvider = "Sign in with " + harness.ProviderName

// signInElsewhere signs in at the provider, on a page that offers it.
func (d directory) signInElsewhere(username string) {
	d.t.Helper()
	d.Click("button", atOurProvider)
	d.SignIn(username, harness.Password)
}

// isSignedIn waits until a page is that of somebody: who has signed in elsewhere comes back to nobody's
// first, which loads theirs.
func (d directory) isSignedIn() {
	d.t.Helper()
	harness.Eventually(d.t, "somebody's page is loaded", func() error {
		who, err := harness.TryEval[string](d.Page, `globalThis.rollcallAccount?.id ?? ""`)
		if err == nil && who == "" {
			err = errors.New("it is nobody's")
		}
		return err
	})
}

// signOut ends the session of a page.
func (d directory) signOut() {
	d.t.Helper()
	d.Go("/account")
	d.Click("button", "Sign out")
	d.See("heading", "Sign in")
}

// TestSignInAtAProvider: a provider that was made by others, in a process of its own. The first
// time, the verified email says whose account it is; from then on, the subject.
func TestSignInAtAProvider(t *testing.T) {
	t.Parallel()
	site := newProvidedSite(t, "ann@example.org editor", "bo@example.org editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	d := directory{b.Open(site.URL() + "/"), t}
	d.Allow("403") // those who are not let in
	d.See("heading", "Sign in")
	accessible(t, d.Page)
	d.Click("button", atOurProvider)
	d.SignIn("ann", "a wrong one")
	d.SeeText("username or password wrong")
	d.SignIn("ann", harness.Password)
	d.isSignedIn()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.WaitOfflineReady()
	d.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	d.WaitQueueEmpty()
	mustRow(t, site, "Dora Dent")
	d.Go("/account")
	d.SeeText("You are ann@example.org, editor.")
	d.signOut()
	if left := slices.DeleteFunc(databases(d.Page), func(name string) bool { return name == "rollcall" }); len(left) > 0 {
		t.Errorf("%v is left after signing out", left)
	}

	for _, stranger := range []string{"nobody", "mallory", "impostor"} {
		d.signInElsewhere(stranger)
		d.SeeText("No account here")
		accessible(t, d.Page)
		d.Click("link", "Back to the directory")
		d.See("heading", "Sign in")
	}
	d.signInElsewhere("ann")
	d.isSignedIn()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
}

// TestAnInvitationLeadsToAProvider: who has opened its link is the account's owner from then on.
func TestAnInvitationLeadsToAProvider(t *testing.T) {
	t.Parallel()
	site := newProvidedSite(t)
	addThree(site)
	said := strings.Fields(site.Server.Command("", "account", "invite", "-role", "editor", "cy"))
	link := said[len(said)-1]
	b := harness.OpenBrowser(t)
	d := directory{b.Open(site.URL() + link), t}
	d.See("heading", "Set your password")
	d.signInElsewhere("cyril")
	d.isSignedIn()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.Go("/account")
	d.SeeText("You are cy, editor.")
	d.signOut()
	d.signInElsewhere("cyril")
	d.isSignedIn()
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.signOut()

	// The link is used up.
	d.Allow("403")
	d.Go(link)
	d.See("heading", "Set your password")
	d.signInElsewhere("nobody")
	d.See("link", "Back to the directory")
	d.Go("/account")
	d.See("heading", "Sign in")
}

// TestASessionOfAProviderEnds: what was made meanwhile waits until its owner has signed in there again.
func TestASessionOfAProviderEnds(t *testing.T) {
	t.Parallel()
	site := newProvidedSite(t, "ann@example.org editor")
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	d := directory{b.Open(site.URL() + "/"), t}
	d.signInElsewhere("ann")
	d.isSignedIn()
	d.See("heading", "Users")
	d.isOnline()
	d.WaitOfflineReady()
	b.Offline(site.Proxy, true)
	d.isOffline()
	for i := range 3 {
		d.add(harness.Person{Name: fmt.Sprintf("Person %d", i), Email: fmt.Sprintf("p%d@example.org", i)})
	}
	endSessions(t, site, "ann@example.org")
	b.Offline(site.Proxy, false)
	d.SeeText("Sign in to sync - Changes are kept on this device")
	d.Click("button", "Sign in")
	d.SeeText("Your changes wait on this device.")
	d.signInElsewhere("ann")
	d.isSignedIn()
	d.showsSynced("Person 0", "Person 1", "Person 2")
	d.WaitQueueEmpty()
	if n := site.Changes() - before.changes; n != 3 {
		t.Errorf("%d changes", n)
	}
}
