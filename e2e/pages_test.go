//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestAddEditDeleteAndUndo(t *testing.T) { mainPath(t, addEditDeleteAndUndo) }

func addEditDeleteAndUndo(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, b, site.URL())
	users.SeeText("No users yet")

	users.add(harness.Person{Name: "Ann Archer", Email: "ann@example.org", Bio: "Reads maps"})
	users.showsSynced("Ann Archer")
	harness.Eventually(t, "the server has Ann", func() error {
		r, _ := site.Row("Ann Archer")
		return harness.Equal("the row", r, harness.Row{ID: r.ID, Name: "Ann Archer", Email: "ann@example.org", Bio: "Reads maps", Version: 1})
	})
	users.edit("Ann Archer", harness.Person{Name: "Ann Cooper"})
	users.showsSynced("Ann Cooper")
	users.matchesServer(site)

	users.remove("Ann Cooper")
	users.SeeText("Deleted Ann Cooper")
	users.Click("button", "Undo")
	users.showsSynced("Ann Cooper")
	users.matchesServer(site)
	if r, _ := site.Row("Ann Cooper"); r.Bio != "Reads maps" {
		t.Errorf("Undo restored %+v", r)
	}

	users.remove("Ann Cooper")
	users.SeeText("No users yet")
	users.matchesServer(site)
	users.syncNow()
}

func TestSearchFindsByNameAndEmail(t *testing.T) { everywhere(t, searchFindsByNameAndEmail) }

func searchFindsByNameAndEmail(t *testing.T, b browser) {
	_, users := openThreeIn(t, b)
	users.Fill("searchbox", "Search users", "BAKER")
	users.showsSynced("Bob Baker")
	users.Fill("searchbox", "Search users", "carl@")
	users.showsSynced("Carl Cole")
	users.Fill("searchbox", "Search users", "nobody at all")
	users.shows(map[string]string{})
	users.Fill("searchbox", "Search users", "")
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
}

func TestFormShowsErrorsAndKeepsTheText(t *testing.T) { everywhere(t, formShowsErrorsAndKeepsTheText) }

func formShowsErrorsAndKeepsTheText(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, b, site.URL())
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Click("button", "Save")
	users.SeeText("Name is required")
	users.SeeText("Email is required")
	users.save(harness.Person{Name: "Ann Archer", Email: "ann at example"})
	users.GoneText("Name is required")
	users.SeeText("Email is not an email address")
	users.save(harness.Person{Name: strings.Repeat("x", 201), Email: "ann@example.org"})
	users.SeeText("at most 200 are allowed")
	if got := users.Value("textbox", "Email"); got != "ann@example.org" {
		t.Errorf("the email became %q", got)
	}
	users.save(harness.Person{Name: "Ann Archer"})
	users.Gone("dialog", "Add user")
	users.showsSynced("Ann Archer")
	if got := len(site.Rows()); got > 1 {
		t.Errorf("the server has %d users", got)
	}
}

func TestDialogsWorkByKeyboard(t *testing.T) { everywhere(t, dialogsWorkByKeyboard) }

func dialogsWorkByKeyboard(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	users.Click("button", "Edit Bob Baker")
	users.See("dialog", "Edit user")
	users.Press(kb.Escape)
	users.Gone("dialog", "Edit user")
	harness.Eventually(t, "the focus is back where it was", func() error {
		return harness.Equal("the focused element",
			harness.Eval[string](users.Page, `document.activeElement?.getAttribute("aria-label") ?? ""`), "Edit Bob Baker")
	})
	users.Click("button", "Edit Bob Baker")
	users.Fill("textbox", "Name", "Bob Butler")
	users.Press(kb.Enter)
	users.Gone("dialog", "Edit user")
	users.hasState("Bob Butler", "")
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Click("button", "Cancel")
	users.Gone("dialog", "Add user")
	users.matchesServer(site)
}

// TestMessagesInADialog: while a dialog is open, what the status says is told in it, and what a message offers can be
// done with the keyboard.
func TestMessagesInADialog(t *testing.T) { everywhere(t, messagesInADialog) }

func messagesInADialog(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	users.remove("Carl Cole")
	users.See("button", "Undo")
	users.Click("button", "Edit Bob Baker")
	users.See("dialog", "Edit user")
	users.Fill("textbox", "Bio", "half")
	inside := func(what, want string) {
		t.Helper()
		harness.Eventually(t, what+" is in the dialog", func() error {
			got := harness.Eval[string](users.Page, `document.querySelector("dialog[open] > [role=status]").textContent`)
			if !strings.Contains(got, want) {
				return fmt.Errorf("it says %q", got)
			}
			return nil
		})
	}
	inside("the status", "Online")
	accessible(t, users.Page)
	b.Offline(site.Proxy, true)
	inside("a change of the status", "Offline")
	harness.Eventually(t, "Tab reaches the message", func() error {
		users.Press(kb.Tab)
		return harness.Equal("the focus", harness.Eval[string](users.Page, `document.activeElement.textContent`), "Undo")
	})
	users.Press(kb.Enter)
	inside("what it did", "Restored Carl Cole")
	users.fieldIs("Bio", "half")
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "Pending", "Carl Cole": "Pending"})
	b.Offline(site.Proxy, false)
	users.matchesServer(site)
	users.remove("Ann Archer")
	users.SeeText("Deleted Ann Archer") // they are where they were
	if where := harness.Eval[string](users.Page, `document.querySelector(".toasts").parentElement.className`); where != "app" {
		t.Errorf("the messages are in %q", where)
	}
}

func TestEveryRouteHasAPage(t *testing.T) { everywhere(t, everyRouteHasAPage) }

func everyRouteHasAPage(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.Go("/users/" + ann)
	users.See("heading", "Ann Archer")
	users.SeeText("Reads maps")
	users.Go("/sync")
	for _, heading := range []string{"Waiting", "Needs attention", "Conflicts", "Storage", "Diagnostics"} {
		users.See("heading", heading)
	}
	users.Go("/users/00000000-0000-4000-8000-000000000000")
	users.SeeText("not found")
	users.Go("/no/such/page")
	users.SeeText("Page not found")
	users.Go("/?add=1")
	users.See("dialog", "Add user")
}

func TestUnknownUserIsFetchedFromTheServer(t *testing.T) {
	everywhere(t, unknownUserIsFetchedFromTheServer)
}

func unknownUserIsFetchedFromTheServer(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	page := b.Open(site.URL() + "/users/" + ann)
	page.See("heading", "Ann Archer")
}

// screens are the screens that pages are checked on.
var screens = map[string]harness.Screen{
	"desktop light": {Width: 1280, Height: 800},
	"desktop dark":  {Width: 1280, Height: 800, Dark: true},
	"phone light":   {Width: 390, Height: 844, Phone: true},
	"phone dark":    {Width: 390, Height: 844, Phone: true, Dark: true},
}
