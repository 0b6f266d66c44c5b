//go:build e2e

package e2e_test

import (
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// byName is a site's address by a host name: no passkey belongs to an IP address.
func byName(site *harness.Site) string {
	return strings.Replace(site.URL(), "127.0.0.1", "localhost", 1)
}

func TestPasskeysInABrowser(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	// A virtual authenticator takes what the browser suggests by itself.
	d := directory{b.OpenWithScript(byName(site)+"/", `PublicKeyCredential.isConditionalMediationAvailable = async () => false`), t}
	d.AddAuthenticator()
	d.signIn("bo")
	d.Go("/account")
	d.See("heading", "Passkeys and devices")
	d.SeeText("This device, signed in")
	d.Fill("textbox", "Name of the passkey", "Bo's phone")
	d.Click("button", "Add a passkey")
	d.SeeText("The passkey was added")
	d.SeeText("Bo's phone")
	accessible(t, d.Page)
	d.Click("button", "Add a passkey")
	d.SeeText("This device has a passkey for this account already.")

	d.Click("button", "Sign out")
	d.See("heading", "Sign in")
	accessible(t, d.Page)
	d.Click("button", "Sign in with a passkey")
	d.See("heading", "Users")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")

	d.Go("/account")
	d.Click("button", "Remove Bo's phone")
	d.SeeText("can no longer sign in")
	d.Gone("button", "Remove Bo's phone")
	d.Click("button", "Sign out")
	d.See("heading", "Sign in")
	b.Allow("status of 401")
	d.Allow("status of 401")
	d.Click("button", "Sign in with a passkey")
	d.SeeText("This passkey does not fit")
	accessible(t, d.Page)
}

func TestALinkTakesAPasskey(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t))
	addThree(site)
	said := strings.Fields(site.Server.Command("", "account", "invite", "-role", "editor", "cy"))
	b := harness.OpenBrowser(t)
	d := directory{b.Open(byName(site) + "/account"), t}
	d.AddAuthenticator()
	d.See("heading", "Sign in")
	d.Go(said[len(said)-1])
	d.See("heading", "Set your password")
	d.Click("button", "Use a passkey instead")
	d.See("heading", "Users")
	d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	d.Go("/account")
	d.SeeText("You are cy, editor.")
	d.Click("button", "Sign out")
	d.See("heading", "Users") // the browser suggests the passkey, and the authenticator takes it
	d.Go("/account")
	d.SeeText("You are cy, editor.")
}

func TestWithoutPasskeys(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	b := harness.OpenBrowser(t)
	d := directory{b.OpenWithScript(byName(site)+"/", `delete globalThis.PublicKeyCredential`), t}
	d.See("heading", "Sign in")
	if d.Has("button", "Sign in with a passkey") {
		t.Error("a browser without passkeys offers them")
	}
	d.signIn("bo")
	d.Go("/account")
	d.SeeText("This browser can't use passkeys here.")
	if d.Has("button", "Add a passkey") {
		t.Error("a browser without passkeys offers to add one")
	}
}
