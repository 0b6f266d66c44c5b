//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// choose picks an entry of a list as a person does.
func (d directory) choose(list, value string) {
	d.t.Helper()
	d.See("combobox", list)
	harness.Eval[any](d.Page, fmt.Sprintf(`(() => {
		const list = document.getElementById([...document.querySelectorAll("label")].find((l) => l.textContent === %q).htmlFor);
		list.value = %q;
		list.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, list, value))
}

func TestAdminsManageAccounts(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor")
	addThree(site)
	b := harness.OpenBrowser(t)
	b.Allow("status of 409")
	ada := openClosed(t, b, site, "ada")
	ada.Allow("status of 409")
	ada.Click("link", "Account")
	ada.Click("link", "Manage accounts")
	ada.See("heading", "Who may sign in")
	ada.SeeText("Editor. Never signed in.")
	ada.See("link", "Save the audit log")
	ada.looksRight("accounts")

	// Somebody is invited, and comes in by the link that is shown once.
	ada.Fill("textbox", "Name to sign in with", "bo")
	ada.Click("button", "Make a link")
	ada.SeeText("Nobody was invited. Name taken")
	ada.Fill("textbox", "Name to sign in with", "eve")
	ada.choose("Role", "viewer")
	ada.Click("button", "Make a link")
	ada.SeeText("Link for eve, until")
	link := harness.Eval[string](ada.Page, `document.getElementById("made-link").value`)
	ada.SeeText("Viewer. Invited; the link has not been used yet.")
	ada.looksRight("accounts link")
	there := harness.OpenBrowser(t)
	eve := directory{there.Open(link), t}
	eve.See("heading", "Set your password")
	eve.Fill("textbox", "Password", harness.Password)
	eve.Click("button", "Set password and sign in")
	eve.See("heading", "Users")
	eve.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")

	ada.Click("link", "Account")
	ada.Click("link", "Manage accounts")
	ada.Gone("textbox", "Link for eve")
	ada.Click("button", "Manage eve")
	ada.SeeText("Device, last seen")
	ada.looksRight("accounts open")
	ada.choose("Role of eve", "editor")
	ada.Click("button", "Save role")
	ada.SeeText("eve is editor now")
	harness.Eventually(t, "the role", func() error { return harness.Equal("it", accountOf(t, site, "eve").Role, "editor") })

	// What eve does is undone, and eve's device signed out.
	eve.Click("button", "Add user")
	eve.See("dialog", "Add user")
	eve.save(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	eve.WaitQueueEmpty()
	ada.Click("button", "Undo last hour")
	ada.See("dialog", "Undo the last hour?")
	accessible(t, ada.Page)
	ada.Click("button", "Undo")
	ada.SeeText("1 user as before")
	if _, ok := site.Row("Dora Dent"); ok {
		t.Error("Dora is still there")
	}
	signOut := harness.Eval[string](ada.Page, `[...document.querySelectorAll("button[aria-label]")].map((e) => e.ariaLabel).find((l) => l.startsWith("Sign out "))`)
	ada.Click("button", signOut)
	ada.SeeText("can no longer sign in")
	eve.SeeText("Sign in to sync - Changes are kept on this device")
	ada.Click("button", "New link")
	ada.SeeText("Link for eve, until")

	ada.Click("button", "Disable")
	ada.See("dialog", "Disable this account?")
	ada.Click("button", "Disable")
	ada.SeeText("eve may no longer sign in")
	ada.SeeText("Editor. Disabled.")
	ada.Click("button", "Enable")
	ada.SeeText("eve may sign in again")

	// A token of a program's.
	site.Server.Command("", "account", "token", "-role", "viewer", "-for", "backup", "eve")
	harness.Eventually(t, "the server knows of it", func() error {
		if grants := site.Call("GET", "/api/v1/accounts/"+accountOf(t, site, "eve").ID+"/grants", ""); !strings.Contains(string(grants.Body), "backup") {
			return fmt.Errorf("eve has %s", grants.Body)
		}
		return nil
	})
	ada.Reload()
	ada.Click("button", "Manage eve")
	ada.Click("button", "End backup")
	ada.SeeText("backup can no longer sign in")

	// It asks the server for everything.
	ada.looksRight("accounts")
	b.Offline(site.Proxy, true)
	ada.Reload()
	ada.SeeText("This needs the network")
	accessible(t, ada.Page)
	b.Offline(site.Proxy, false)
	ada.See("heading", "Who may sign in")
}

// TestADisabledAccountsDevice: it works on while it is offline, and learns of it when it is back.
func TestADisabledAccountsDevice(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "Save to a file and remove", "Discard and remove"} {
		t.Run("with "+answer, func(t *testing.T) {
			site := harness.NewClosedSite(t, binary(t), "bo editor", "cy editor")
			addThree(site)
			b := harness.OpenBrowser(t)
			// cy has something here as well, which is nobody's to touch.
			cy := openClosed(t, b, site, "cy")
			cy.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			endSessions(t, site, "cy")
			cy.add(harness.Person{Name: "Cy's Work", Email: "cys@example.org"})
			cy.SeeText("Sign in to sync - Changes are kept on this device")
			cy.Go("/account")
			d := cy
			d.Fill("textbox", "Name", "bo")
			d.Fill("textbox", "Password", harness.Password)
			d.Click("button", "Sign in")
			d.See("heading", "Users")
			d.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
			b.Offline(site.Proxy, true)
			d.isOffline()
			if answer != "" {
				d.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
				d.hasState("Bob Baker", "Pending")
			}
			disable(t, site, "bo")
			if answer != "" {
				d.Close() // the service worker learns of it first
				site.Proxy.ResetRequests()
				registrations := b.Registrations()
				b.Offline(site.Proxy, false)
				registrations.Sync(site.URL(), syncTag+"-"+accountOf(t, site, "bo").ID)
				harness.EventuallyWithin(t, retries, "the service worker is refused", func() error {
					if len(site.Proxy.Requests("POST", "/api/v1/operations")) == 0 {
						return errors.New("not yet")
					}
					return nil
				})
				d = directory{b.Open(site.URL() + "/"), t}
				d.See("dialog", "This account is disabled")
				d.SeeText("1 change made here can't be sent")
				accessible(t, d.Page)
				d.Click("button", "Cancel")
				d.SeeText("This account is disabled - Changes are kept on this device")
				if n := d.Queued(); n != 1 {
					t.Fatalf("%d wait", n)
				}
				d.Click("button", "See what to do")
				d.Click("button", answer)
			} else {
				b.Offline(site.Proxy, false)
			}
			d.SeeText("Your account was disabled by an admin.")
			accessible(t, d.Page)
			bos, cys := "rollcall-"+accountOf(t, site, "bo").ID, "rollcall-"+accountOf(t, site, "cy").ID
			harness.Eventually(t, "bo's data are gone, and cy's are there", func() error {
				return harness.Equal("the databases", strings.Join(without(databases(d.Page), "rollcall"), " "), cys)
			})
			// That it is to stay deleted is all that the browser knows of it.
			if left := harness.Eval[string](d.Page, `JSON.stringify({...localStorage, "rollcall-left": ""})`); strings.Contains(left, strings.TrimPrefix(bos, "rollcall-")) {
				t.Errorf("of bo there is still %s", left)
			}
			d.signIn("cy")
			d.WaitQueueEmpty()
			mustRow(t, site, "Cy's Work")
			if mustRow(t, site, "Bob Baker").Bio != "Bakes" {
				t.Error("a disabled account wrote")
			}
		})
	}
}

func without(all []string, one string) (rest []string) {
	for _, s := range all {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

func disable(t *testing.T, site *harness.Site, name string) {
	t.Helper()
	if said := site.Call("PATCH", "/api/v1/accounts/"+accountOf(t, site, name).ID, `{"disabled":true}`); said.Status != 200 {
		t.Fatalf("%d %s", said.Status, said.Body)
	}
}
