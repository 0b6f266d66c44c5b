//go:build e2e

package e2e_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestAPersonKeepsAList(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.Read("No users yet")

	users.add(harness.Person{Name: "Ann Archer", Email: "ann@example.org", Bio: "Reads maps"})
	users.shows(map[string]string{"Ann Archer": ""})
	harness.Eventually(t, "the server has Ann", func() error {
		r, _ := site.Row("Ann Archer")
		return harness.Equal("the row", r, harness.Row{ID: r.ID, Name: "Ann Archer", Email: "ann@example.org", Bio: "Reads maps", Version: 1})
	})
	users.edit("Ann Archer", harness.Person{Name: "Ann Cooper"})
	users.shows(map[string]string{"Ann Cooper": ""})
	users.agrees(site)

	users.remove("Ann Cooper")
	users.Read("Deleted Ann Cooper")
	users.Click("button", "Undo")
	users.shows(map[string]string{"Ann Cooper": ""})
	users.agrees(site)
	if r, _ := site.Row("Ann Cooper"); r.Bio != "Reads maps" {
		t.Errorf("what Undo brought back is %+v", r)
	}

	users.remove("Ann Cooper")
	users.Read("No users yet")
	users.agrees(site)
	users.syncs()
}

func TestSearchFindsByNameAndEmail(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	three(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
	users.Fill("searchbox", "Search users", "BAKER")
	users.shows(map[string]string{"Bob Baker": ""})
	users.Fill("searchbox", "Search users", "carl@")
	users.shows(map[string]string{"Carl Cole": ""})
	users.Fill("searchbox", "Search users", "nobody at all")
	users.shows(map[string]string{})
	users.Fill("searchbox", "Search users", "")
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
}

func TestTheFormSaysWhatIsWrongAndKeepsTheText(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Click("button", "Save")
	users.Read("Name is required")
	users.Read("Email is required")
	users.save(harness.Person{Name: "Ann Archer", Email: "ann at example"})
	users.Unread("Name is required")
	users.Read("Email is not an email address")
	users.save(harness.Person{Name: strings.Repeat("x", 201), Email: "ann@example.org"})
	users.Read("at most 200 are allowed")
	if got := users.Value("textbox", "Email"); got != "ann@example.org" {
		t.Errorf("the email became %q", got)
	}
	users.save(harness.Person{Name: "Ann Archer"})
	users.Gone("dialog", "Add user")
	users.shows(map[string]string{"Ann Archer": ""})
	if got := len(site.Rows()); got > 1 {
		t.Errorf("the server has %d users", got)
	}
}

func TestDialogsWorkByKeyboard(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	three(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
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
	users.agrees(site)
}

func TestEveryRouteHasItsPage(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := three(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.Go("/users/" + ann)
	users.See("heading", "Ann Archer")
	users.Read("Reads maps")
	users.Go("/sync")
	for _, heading := range []string{"Waiting", "Needs attention", "Conflicts", "Storage", "Diagnostics"} {
		users.See("heading", heading)
	}
	users.Go("/users/00000000-0000-4000-8000-000000000000")
	users.Read("not found")
	users.Go("/no/such/page")
	users.Read("Page not found")
	users.Go("/?add=1")
	users.See("dialog", "Add user")
}

func TestAUserThatIsNotLocalIsAskedForAtTheServer(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	ann, _, _ := three(site)
	page := b.Open(site.URL() + "/users/" + ann)
	page.See("heading", "Ann Archer")
}

// looks are how pages are looked at.
var looks = map[string]harness.Look{
	"desktop light": {Width: 1280, Height: 800},
	"desktop dark":  {Width: 1280, Height: 800, Dark: true},
	"phone light":   {Width: 390, Height: 844, Phone: true},
	"phone dark":    {Width: 390, Height: 844, Phone: true, Dark: true},
}

func TestPagesAreAccessible(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := three(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	site.Change(bob, map[string]string{"bio": "Bakes cakes"})
	users.add(harness.Person{Name: "Also Carl", Email: "carl@example.org"})
	b.Offline(site.Proxy, false)
	users.hasState("Also Carl", "Needs attention")
	users.hasState("Bob Baker", "Conflict")
	b.Offline(site.Proxy, true)
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps of hills"})

	pages := map[string]func(){
		"list":      func() { users.Go("/"); users.See("button", "Edit Ann Archer") },
		"no match":  func() { users.Go("/"); users.Fill("searchbox", "Search users", "zz"); users.Read("No matches") },
		"form":      func() { users.Go("/?add=1"); users.Click("button", "Save"); users.Read("Name is required") },
		"user":      func() { users.Go("/users/" + ann); users.See("heading", "Ann Archer") },
		"no user":   func() { users.Go("/users/00000000-0000-4000-8000-000000000000"); users.Read("Not on this device") },
		"sync":      func() { users.Go("/sync"); users.See("heading", "Diagnostics"); users.See("button", "Discard") },
		"not found": func() { users.Go("/no/such/page"); users.Read("Page not found") },
	}
	for page, open := range pages {
		t.Run(page, func(t *testing.T) {
			open()
			for name, look := range looks {
				users.As(look)
				harness.Eventually(t, "the look has settled", func() error {
					if harness.Eval[int](users.Page, `document.getAnimations().length`) > 0 {
						return errors.New("something still moves")
					}
					return nil
				})
				for _, v := range users.Accessibility("node_modules/axe-core/axe.min.js") {
					t.Errorf("%s: %s", name, v)
				}
			}
		})
	}
}
