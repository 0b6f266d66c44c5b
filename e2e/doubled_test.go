//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// Some people double-click everything. The second click hits what has come in the place
// of what the first one pressed.
func TestADoubleClickPressesNobodyElse(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	users.DoubleClick(users.Center("button", "Delete Ann Archer"), func() { users.reads("Bob Baker", "Carl Cole") })
	users.SeeText("Deleted Ann Archer")
	users.reads("Bob Baker", "Carl Cole")
	// The next one may go the same way, and its two clicks come at once.
	users.DoubleClick(users.Center("button", "Delete Bob Baker"), func() {})
	users.SeeText("Deleted Bob Baker")
	users.reads("Carl Cole")
	users.matchesServer(site)
	if rows := site.Rows(); len(rows) != 1 || rows[0].Name != "Carl Cole" {
		t.Errorf("the server has %+v", rows)
	}
	if harness.Eval[bool](users.Page, `document.querySelector(".toast-bad") !== null`) {
		t.Errorf("a failure is shown: %s", users.Text())
	}
}

// What lies under "Save" is not pressed, once the form is gone.
func TestADoubleClickOnSaveSavesOnce(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	for i := range 30 {
		site.Add(harness.Person{Name: fmt.Sprintf("User %02d", i), Email: fmt.Sprintf("user%02d@example.org", i)})
	}
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.Emulate(harness.Screen{Width: 390, Height: 900})
	users.hasState("User 00", "")
	harness.Eval[any](users.Page, `document.getElementById("main").scrollTop = 300`) // so that rows lie under the form
	users.opens("User 05")
	users.Fill("textbox", "Bio", "Digs")
	at := users.Center("button", "Save")
	users.DoubleClick(at, func() { users.Gone("dialog", "Edit user") })
	under := harness.Eval[string](users.Page, fmt.Sprintf(`document.elementFromPoint(%f, %f)?.closest("button, a")?.ariaLabel ?? ""`, at.X, at.Y))
	if under == "" {
		t.Fatalf("nothing that can be pressed lies under the dialog: this test shows nothing: %s", harness.Eval[string](users.Page, fmt.Sprintf(`document.elementFromPoint(%f, %f)?.outerHTML.slice(0, 200) ?? ""`, at.X, at.Y)))
	}
	users.hasState("User 05", "")
	if harness.Eval[bool](users.Page, `document.querySelector("dialog[open]") !== null || location.pathname !== "/"`) {
		t.Errorf("%q was pressed", under)
	}
	if got := len(site.Rows()); got != 30 {
		t.Errorf("the server has %d users", got)
	}
}

// Enter opens a form, and saves one. Held down it must not do both.
func TestAHeldKeyPressesOnce(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	users.opens("Ann Archer")
	users.Fill("textbox", "Bio", "half")
	harness.Eval[bool](users.Page, `(document.querySelector("dialog[open]").close(), true)`)
	users.SeeText(wasEditing)
	users.Gone("dialog", "Edit user")
	harness.Eval[bool](users.Page, `([...document.querySelectorAll("button")].find((b) => b.innerText === "Continue").focus(), true)`)
	users.HoldEnter(func() {
		harness.Eventually(t, "the form has the focus", func() error {
			if !harness.Eval[bool](users.Page, `document.activeElement.closest("dialog[open]") !== null`) {
				return errors.New("it has not")
			}
			return nil
		})
	})
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "half")
	// It types lines as ever.
	harness.Eval[bool](users.Page, `(document.getElementById("user-bio").focus(), true)`)
	users.HoldEnter(func() {})
	users.fieldIs("Bio", "half\n\n\n\n")
	if row, _ := site.Row("Ann Archer"); row.Bio != "Reads maps" {
		t.Errorf("saved: %+v", row)
	}
}
