//go:build e2e

package e2e_test

import (
	"errors"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

const emailTaken = "Another user already has this email."

// refused makes the server reject a new user, whose email is taken.
func refused(t *testing.T, site *harness.Site, users directory) {
	t.Helper()
	users.add(harness.Person{Name: "Other Ann", Email: "ANN@example.org", Bio: "Came later"})
	users.hasState("Other Ann", "Needs attention")
	if _, ok := site.Row("Other Ann"); ok {
		t.Error("the server took a second user with the same email")
	}
	// It does not block later operations.
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.hasState("Dora Dent", "")
	if _, ok := site.Row("Dora Dent"); !ok {
		t.Error("the server does not have the user added afterwards")
	}
	users.Go("/sync")
	users.See("heading", "Needs attention")
	users.SeeText("Add Other Ann")
	users.SeeText(emailTaken)
}

func TestRejectedOperationCanBeRetried(t *testing.T) { everywhere(t, rejectedOperationCanBeRetried) }

func rejectedOperationCanBeRetried(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	refused(t, site, users)
	users.Click("button", "Retry")
	users.SeeText(emailTaken)
	site.Change(ann, map[string]string{"email": "ann.archer@example.org"})
	harness.Eventually(t, "a retry succeeds", func() error {
		// The button comes and goes with each try.
		harness.Eval[bool](users.Page, `!!Array.from(document.querySelectorAll("button")).find((b) => b.textContent.trim() === "Retry" && (b.click(), true))`)
		if _, ok := site.Row("Other Ann"); !ok {
			return errors.New("the server does not have it")
		}
		return nil
	})
	users.SeeText("The server has accepted everything so far.")
	users.Go("/")
	users.hasState("Other Ann", "")
	users.matchesServer(site)
}

func TestRejectedOperationCanBeEdited(t *testing.T) { everywhere(t, rejectedOperationCanBeEdited) }

func rejectedOperationCanBeEdited(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	refused(t, site, users)
	users.Click("button", "Edit")
	users.See("dialog", "Edit user")
	users.save(harness.Person{Email: "other.ann@example.org"})
	users.Gone("dialog", "Edit user")
	users.SeeText("The server has accepted everything so far.")
	users.Go("/")
	users.hasState("Other Ann", "")
	users.matchesServer(site)
	if r, _ := site.Row("Other Ann"); r.Email != "other.ann@example.org" || r.Bio != "Came later" {
		t.Errorf("the server has %+v", r)
	}
}

func TestRejectedOperationCanBeDiscarded(t *testing.T) {
	everywhere(t, rejectedOperationCanBeDiscarded)
}

func rejectedOperationCanBeDiscarded(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	refused(t, site, users)
	users.Click("button", "Discard")
	users.See("dialog", "Discard this change?")
	users.Press(kb.Escape) // cancels
	users.Gone("dialog", "Discard this change?")
	users.SeeText(emailTaken)
	users.Click("button", "Discard")
	users.See("dialog", "Discard this change?")
	users.Click("button", "Discard") // the dialog's, which is modal
	users.SeeText("The server has accepted everything so far.")
	users.Go("/")
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	users.matchesServer(site)
}
