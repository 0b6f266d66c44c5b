//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// opens opens the form of a user.
func (d directory) opens(name string) {
	d.t.Helper()
	d.Click("button", "Edit "+name)
	d.See("dialog", "Edit user")
}

// fieldIs waits for the text of a field.
func (d directory) fieldIs(field, want string) {
	d.t.Helper()
	harness.Eventually(d.t, field+" shows the text", func() error {
		return harness.Equal("the text", d.Value("textbox", field), want)
	})
}

func TestOpenFormFollowsItsUser(t *testing.T) { everywhere(t, openFormFollowsItsUser) }

func openFormFollowsItsUser(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.opens("Ann Archer")
	users.Fill("textbox", "Bio", "mine")
	site.Change(ann, map[string]string{"bio": "theirs", "name": "Ann Cooper"})
	users.SeeText("Changed meanwhile to “theirs”")
	users.fieldIs("Name", "Ann Cooper") // I did not touch it
	users.fieldIs("Bio", "mine")
	for _, v := range users.Accessibility("node_modules/axe-core/axe.min.js") {
		t.Error(v)
	}
	users.Click("button", "Use theirs")
	users.fieldIs("Bio", "theirs")
	users.GoneText("Changed meanwhile to")
	site.Change(ann, map[string]string{"bio": "theirs again"})
	users.fieldIs("Bio", "theirs again")
	users.Fill("textbox", "Bio", "mine again")
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.matchesServer(site)
	row, _ := site.Row("Ann Cooper")
	if row.Bio != "mine again" {
		t.Errorf("the server has %+v", row)
	}
}

func TestOtherTabsSaveIsShownInTheForm(t *testing.T) { everywhere(t, otherTabsSaveIsShownInTheForm) }

func otherTabsSaveIsShownInTheForm(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	first := openUsers(t, b, site.URL())
	second := openUsers(t, b, site.URL())
	b.Offline(site.Proxy, true)
	first.isOffline()
	first.Front()
	first.opens("Ann Archer")
	first.Fill("textbox", "Bio", "first")
	second.Front()
	second.edit("Ann Archer", harness.Person{Bio: "second"})
	first.Front()
	first.SeeText("Changed meanwhile to “second”")
	first.fieldIs("Bio", "first")
	second.remove("Ann Archer")
	first.SeeText("Ann Archer has been deleted meanwhile. Save brings the user back with the text of this form.")
	first.fieldIs("Bio", "first")
	first.Click("button", "Save")
	first.Gone("dialog", "Edit user")
	first.hasState("Ann Archer", "Pending")
	b.Offline(site.Proxy, false)
	first.isOnline()
	first.matchesServer(site)
	if row, _ := site.Row("Ann Archer"); row.Bio != "first" {
		t.Errorf("the server has %+v", row)
	}
}

// A form filler sets the values and tells nobody.
func TestWhatIsShownIsWhatIsSaved(t *testing.T) { everywhere(t, whatIsShownIsWhatIsSaved) }

func whatIsShownIsWhatIsSaved(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, b, site.URL())
	fills := func(p harness.Person) {
		t.Helper()
		harness.Eval[bool](users.Page, fmt.Sprintf(`(() => {
			for (const [name, value] of Object.entries({name: %q, email: %q, bio: %q}))
				if (value) document.querySelector("dialog[open] [name=" + name + "]").value = value;
			return true;
		})()`, p.Name, p.Email, p.Bio))
	}
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	fills(harness.Person{Name: "Dora Dent", Email: "dora@example.org", Bio: "Drives"})
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.hasState("Dora Dent", "")
	users.opens("Dora Dent")
	fills(harness.Person{Bio: "Drives\nfar"})
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.matchesServer(site)
	if row, _ := site.Row("Dora Dent"); row.Bio != "Drives\nfar" {
		t.Errorf("the server has %+v", row)
	}
	// The search box, too, once anything arrives.
	harness.Eval[bool](users.Page, `(document.getElementById("search").value = "dora", true)`)
	site.Add(harness.Person{Name: "Emil Egg", Email: "emil@example.org"})
	users.reads("Dora Dent")
	// An email stays as it is typed, also in another script.
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Fill("textbox", "Email", "jo@bücher.example")
	users.Click("button", "Cancel")
	users.Gone("dialog", "Add user")
}

const wasEditing = "You were editing Ann Archer. What you typed is kept."

// unsaved is typed and not saved.
var unsaved = harness.Person{Name: "Fay Fox", Email: "fay@example.org", Bio: "Half a sent"}

func (d directory) types(p harness.Person) {
	d.t.Helper()
	d.Fill("textbox", "Name", p.Name)
	d.Fill("textbox", "Email", p.Email)
	d.Fill("textbox", "Bio", p.Bio)
}

// drafted waits until what was typed is kept.
func (d directory) drafted(text string) {
	d.t.Helper()
	harness.Eventually(d.t, "the text is kept", func() error {
		if !harness.Eval[bool](d.Page, fmt.Sprintf(`Object.values(localStorage).some((text) => text.includes(%q))`, text)) {
			return errors.New("it is not")
		}
		return nil
	})
}

func TestWhatWasTypedComesBack(t *testing.T) {
	t.Parallel()
	for how, leave := range map[string]func(b browser, d directory) directory{
		"reload": func(_ browser, d directory) directory { d.Reload(); return d },
		"close": func(b browser, d directory) directory {
			d.Close()
			return openUsers(d.t, b, d.Origin())
		},
		"discard": func(b browser, d directory) directory {
			d.drafted(unsaved.Bio)
			d.Discard()
			return openUsers(d.t, b, d.Origin())
		},
		"crash": func(b browser, d directory) directory {
			d.drafted(unsaved.Bio)
			d.Crash()
			return openUsers(d.t, b, d.Origin())
		},
	} {
		t.Run(how, func(t *testing.T) {
			inEngines(t, how == "reload", func(t *testing.T, e engine) {
				b := e.open(t)
				whatWasTypedComesBack(t, b, func(d directory) directory { return leave(b, d) })
			})
		})
	}
}

func whatWasTypedComesBack(t *testing.T, b browser, leave func(directory) directory) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.opens("Ann Archer")
	users.types(unsaved)
	if users.warnsOnLeave() {
		t.Error("the browser asks although the text comes back")
	}
	users = leave(users)
	users.SeeText("You were editing Fay Fox. What you typed is kept.")
	site.Change(ann, map[string]string{"bio": "theirs"})
	users.See("button", "Edit Ann Archer")
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Name", unsaved.Name)
	users.fieldIs("Email", unsaved.Email)
	users.fieldIs("Bio", unsaved.Bio)
	users.SeeText("Changed meanwhile to “theirs”")
	users.Click("button", "Use theirs")
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.GoneText("What you typed is kept")
	users.matchesServer(site)
	if row, _ := site.Row(unsaved.Name); row.Bio != "theirs" || row.Email != unsaved.Email {
		t.Errorf("the server has %+v", row)
	}
	// It has served.
	users.opens(unsaved.Name)
	users.Click("button", "Cancel")
	users.Gone("dialog", "Edit user")
	users.Reload()
	users.See("button", "Edit "+unsaved.Name)
	users.opens(unsaved.Name)
	users.GoneText("did not save it")
}

func TestTwoTabsKeepWhatTheyType(t *testing.T) { everywhere(t, twoTabsKeepWhatTheyType) }

func twoTabsKeepWhatTheyType(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	first, second := openUsers(t, b, site.URL()), openUsers(t, b, site.URL())
	for i, tab := range []directory{first, second} {
		tab.Front()
		tab.opens("Ann Archer")
		tab.Fill("textbox", "Bio", fmt.Sprintf("typed in tab %d", i+1))
		tab.drafted(fmt.Sprintf("typed in tab %d", i+1))
	}
	// What an open tab holds is not offered to others.
	third := openUsers(t, b, site.URL())
	third.opens("Ann Archer")
	third.GoneText("did not save it")
	third.Click("button", "Cancel")
	third.Gone("dialog", "Edit user")
	first.Crash()
	second.Crash()
	third.Front()
	third.opens("Ann Archer")
	third.See("region", "Unsaved text")
	third.Click("button", "Discard") // the later one
	third.Click("button", "Continue")
	third.fieldIs("Bio", "typed in tab 1")
	third.Gone("region", "Unsaved text")
	third.Click("button", "Cancel")
	third.Gone("dialog", "Edit user")
	third.opens("Ann Archer")
	third.fieldIs("Bio", "Reads maps")
	third.GoneText("did not save it")
}

func TestBackClosesTheFormFirst(t *testing.T) { everywhere(t, backClosesTheFormFirst) }

func backClosesTheFormFirst(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, b, site.URL())
	users.Click("link", "Ann Archer")
	users.See("heading", "Ann Archer")
	users.opens("Ann Archer")
	users.Fill("textbox", "Bio", "half")
	users.back()
	users.Gone("dialog", "Edit user")
	users.See("heading", "Ann Archer")
	users.SeeText(wasEditing)
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "half")
	users.Press(kb.Escape)
	users.Gone("dialog", "Edit user")
	users.SeeText(wasEditing)
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "half")
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.GoneText(wasEditing)
	users.leftNoEntry()
	users.back()
	users.See("heading", "Users")
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
}

// TestFieldsAreAsTheyWereAfterBack: in a page that the browser has kept, the form is open; in one that is loaded anew, its text
// is offered. WebKit keeps it, and would empty most fields.
func TestFieldsAreAsTheyWereAfterBack(t *testing.T) { everywhere(t, fieldsAreAsTheyWereAfterBack) }

func fieldsAreAsTheyWereAfterBack(t *testing.T, b browser) {
	_, users := openThreeIn(t, b)
	back := func() (kept bool) {
		t.Helper()
		harness.Eval[bool](users.Page, `(globalThis.sameDocument = true)`)
		users.leaves()
		users.Return()
		users.SeeText("Rollcall")
		kept = harness.Eval[bool](users.Page, `globalThis.sameDocument === true`)
		if _, webKit := b.(*harness.WebKit); webKit && !kept {
			t.Error("the browser has not kept the page")
		}
		return kept
	}
	users.Fill("searchbox", "Search users", "bob")
	users.Gone("button", "Edit Ann Archer")
	harness.Eventually(t, "the address has the search", func() error {
		return harness.Equal("it", harness.Eval[string](users.Page, `location.search`), "?q=bob")
	})
	back()
	users.See("button", "Edit Bob Baker")
	harness.Eventually(t, "the search has its text", func() error {
		return harness.Equal("the text", users.Value("searchbox", "Search users"), "bob")
	})
	users.Fill("searchbox", "Search users", "")
	users.See("button", "Edit Ann Archer")

	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.Fill("textbox", "Name", "Dora Dent")
	users.Fill("textbox", "Email", "dora@example.org")
	users.Fill("textbox", "Bio", "Dives")
	if !back() {
		users.SeeText("You were adding Dora Dent. What you typed is kept.")
		users.Click("button", "Continue")
	}
	users.See("dialog", "Add user")
	for field, text := range map[string]string{"Name": "Dora Dent", "Email": "dora@example.org", "Bio": "Dives"} {
		users.fieldIs(field, text)
	}
	users.Click("button", "Save")
	users.Gone("dialog", "Add user")
	users.hasState("Dora Dent", "")
}

func TestLeavingAsksOnlyWhereNothingBringsTheTextBack(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	b := harness.OpenBrowser(t)
	users := directory{b.OpenWithScript(site.URL()+"/", `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") };`), t}
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	if users.warnsOnLeave() {
		t.Error("it asks before anything was typed")
	}
	users.Fill("textbox", "Name", "Dora")
	harness.Eventually(t, "the browser asks", func() error { return harness.Equal("asking", users.warnsOnLeave(), true) })
	users.Click("button", "Cancel")
	users.Gone("dialog", "Add user")
	harness.Eventually(t, "it does not ask any more", func() error { return harness.Equal("asking", users.warnsOnLeave(), false) })
}

func TestFailedFirstSyncIsNoEmptyList(t *testing.T) { everywhere(t, failedFirstSyncIsNoEmptyList) }

func failedFirstSyncIsNoEmptyList(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	site.Proxy.Serve("/api/v1/changes", "application/json", []byte(`{"changes": 5}`))
	users := directory{b.Open(site.URL() + "/"), t}
	users.SeeText("Not loaded yet")
	users.SeeText("The first sync failed: ")
	users.GoneText("No users yet")
	users.See("button", "Try again")
	users.add(dora)
	users.hasState("Dora Dent", "") // it is sent although nothing can be read
}

// TestBackgroundSyncIsNotPromisedWhereThereIsNone: Firefox and WebKit have none, and Chromium may refuse.
func TestBackgroundSyncIsNotPromisedWhereThereIsNone(t *testing.T) {
	mainPath(t, backgroundSyncIsNotPromised)
}

func backgroundSyncIsNotPromised(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	refused := ""
	if _, chromium := b.(*harness.Browser); chromium {
		refused = `SyncManager.prototype.register = () => Promise.reject(new DOMException("Permission denied.", "NotAllowedError"));`
	}
	users := openUsersWith(t, b, site.URL(), refused)
	users.Click("link", "Sync")
	users.SeeText("This browser can't sync while every tab is closed.")
	users.Gone("switch", "Background sync")
}
