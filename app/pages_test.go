package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestEmptyListOffersToAdd(t *testing.T) {
	b := open(t, "/")
	b.untilText("No users yet")
	b.click("Add user")
	if got := b.device.opened; len(got) != 1 || got[0] != formID {
		t.Fatalf("opened %v", got)
	}
	if b.device.focused != "user-name" {
		t.Errorf("the focus is on %q", b.device.focused)
	}
	b.fill(map[string]string{"name": "  Ann Lee ", "email": "ann@example.org", "bio": "North hall"})
	b.submit()
	b.untilText("Ann Lee")
	b.untilText("Pending")
	b.untilText("1 change waiting")
	if b.device.focused != "add-user" {
		t.Errorf("the focus went to %q, not back to the opener", b.device.focused)
	}
}

func TestFormShowsErrors(t *testing.T) {
	b := open(t, "/")
	b.click("Add user")
	b.fill(map[string]string{"email": "not an address"})
	b.submit()
	b.untilText("Name is required")
	b.untilText("Email is not an email address")
	if b.device.focused != "user-name" {
		t.Errorf("the focus is on %q, not on the first invalid field", b.device.focused)
	}
	name := b.byID("user-name")
	if attribute(name, "aria-invalid") != "true" || attribute(name, "aria-describedby") != "user-name-error" {
		t.Error("the field does not refer to its error")
	}
	b.fill(map[string]string{"name": "Ann"})
	if strings.Contains(text(b.root), "Name is required") {
		t.Error("the error stays although the field is right")
	}
	if n := len(b.device.opened) - len(b.device.closed); n != 1 {
		t.Error("the dialog was closed")
	}
}

// A dialog's close event comes late. By then the person may have opened the next one,
// which the event must not close.
func TestFormRequestedBeforeTheLastCloseEvent(t *testing.T) {
	b := open(t, "/")
	for _, late := range []bool{false, true} {
		b.click("Add user")
		b.fill(map[string]string{"name": "Ann Lee", "email": "ann@example.org"})
		b.fire(formOf(b), "submit")
		b.until("the first form to close", func() bool { return len(b.device.takeClosed()) == 1 })
		if late {
			b.click("Add user") // rendered and opened
		} else {
			b.root.s.openForm(formRequest{}) // not rendered yet
		}
		b.fire(b.byID(formID), "close")
		b.until("the second form to open", func() bool { return b.device.ModalOpen(formID) })
		b.fill(map[string]string{"name": "Bob Lee", "email": "bob@example.org"})
		b.fire(formOf(b), "submit")
		b.until("the second form to close", func() bool { return len(b.device.takeClosed()) == 1 })
		b.fire(b.byID(formID), "close")
		if b.root.s.form != nil {
			t.Errorf("late %v: the form is still requested", late)
		}
	}
}

// TestALateEventIsOfTheFormBefore: an input tells of a change when it loses the focus, as its form closes. By
// then the next form may be on its way, whose text is in no input yet.
func TestALateEventIsOfTheFormBefore(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.click("Add user")
	b.fill(map[string]string{"name": "Bob Lee", "email": "bob@example.org"})
	b.submit()
	b.untilText("Bob Lee")
	form := component[*formDialog](b)
	before := 0
	b.until("the form to close", func() bool { return form.opened == before })
	b.until("a press of Edit", func() (pressed bool) {
		walk(b.root, func(e ui.UI) {
			if press := handlerOf(e, "click"); press != nil && !pressed && accessibleName(e) == "Edit Ann Lee" {
				pressed = true
				b.d.Dispatch(ui.Dispatch{Mode: ui.Update, Source: e, Function: func(ctx ui.Context) { press(ctx, ui.Event{Value: ui.Window()}) }})
			}
		})
		return pressed
	})
	b.until("the next form to open", func() bool {
		if form.opened == before {
			b.d.Emit(form, func() { form.input("email", "bob@example.org") })
		}
		return form.opened != before
	})
	if got := form.edit["email"].value; got != "ann@example.org" || b.device.values["user-email"] != got {
		t.Errorf("the form has %q, and shows %q", got, b.device.values["user-email"])
	}
}

func TestFailedSaveKeepsTheText(t *testing.T) {
	b := open(t, "/")
	b.root.s.Users = fullDisk{b.root.s.Users}
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann Lee", "email": "ann@example.org"})
	b.submit()
	b.untilText("Not saved. This device has no room left")
	form := component[*formDialog](b)
	if form.edit["name"].value != "Ann Lee" || len(b.device.closed) > 0 || form.saving {
		t.Error("the form did not stay as it was")
	}
}

func TestEditSavesChangedFieldsOnly(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	b.click("Edit Ann Lee")
	if b.device.values["user-email"] != "ann@example.org" {
		t.Fatalf("the form holds %v", b.device.values)
	}
	form := component[*formDialog](b)
	b.fill(map[string]string{"name": "Ann Li"})
	whole, changed, _ := form.clean()
	if changed.Email != nil || changed.Bio != nil || *changed.Name != "Ann Li" || *whole.Email != "ann@example.org" {
		t.Errorf("the patch is %+v", changed)
	}
	b.submit()
	b.untilText("Ann Li")
	if b.device.focused != "edit-"+id {
		t.Errorf("the focus went to %q", b.device.focused)
	}
}

// A value from before a rule that refuses it must not lock its user: only what the person
// changes is checked.
func TestAnOldValueLocksNoForm(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	b.change(id, func(e *queue.Entity) {
		document := queue.Decode(e.Document()).With(queue.Fields{"email": []byte(`"\u017fam@example.org"`)}).Encode()
		e.Operations = nil
		e.Confirm(&queue.Row{Version: 1, Document: document})
	})
	b.untilText("ſam@example.org")
	b.click("Edit Ann Lee")
	b.fill(map[string]string{"bio": "Reads maps"})
	b.submit()
	b.until("the save", func() bool {
		r, err := b.users.Get(t.Context(), id)
		return err == nil && r.Value.Bio == "Reads maps" && r.Value.Email == "ſam@example.org"
	})
	b.closeDialogs()
	b.click("Edit Ann Lee")
	b.fill(map[string]string{"email": "ſamuel@example.org"})
	b.submit()
	b.untilText("only looks like")
}

// go-app compares handlers by code pointer: without the id as their scope, the
// second click would delete the first user again.
func TestDeleteOneThenAnother(t *testing.T) {
	b := open(t, "/")
	for _, name := range []string{"Ann", "Bob", "Cid"} {
		b.add(name, strings.ToLower(name)+"@example.org")
	}
	b.click("Delete Ann")
	b.until("Ann to go", func() bool { return !b.has("button", "Delete Ann") })
	b.click("Delete Bob")
	b.until("Bob to go", func() bool { return !b.has("button", "Delete Bob") })
	if !b.has("button", "Delete Cid") || !b.has("button", "Edit Cid") {
		t.Error("Cid is gone too")
	}
	b.untilText("Deleted Ann")
	b.untilText("Deleted Bob")
}

// The same holds for the handlers that open the form: it must show the row's current
// user.
func TestEditAfterTheRowsMoved(t *testing.T) {
	b := open(t, "/")
	id := b.add("Bob", "bob@example.org")
	b.add("Cid", "cid@example.org")
	b.untilText("Cid")
	b.add("Ann", "ann@example.org")
	mail := "new@example.org"
	bob, err := b.users.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.users.Update(t.Context(), bob, api.UserPatch{Email: &mail}); err != nil {
		t.Fatal(err)
	}
	b.untilText("new@example.org")
	b.untilText("Ann")
	// Bob is now where Cid was.
	b.click("Edit Bob")
	if b.device.values["user-name"] != "Bob" || b.device.values["user-email"] != mail {
		t.Errorf("the form holds %v", b.device.values)
	}
}

func TestUndoDelete(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.click("Delete Ann Lee")
	b.untilText("Deleted Ann Lee")
	b.until("the row to go", func() bool { return !b.has("button", "Edit Ann Lee") })
	b.click("Undo")
	b.until("the row to come back", func() bool { return b.has("button", "Edit Ann Lee") })
}

func TestSearch(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.add("Bob Ray", "bob@example.org")
	b.untilText("2 users")
	page := component[*usersPage](b)
	find := func(text string) {
		b.device.values[searchID] = text
		b.d.Emit(page, func() { page.find(text) })
	}
	find("ray")
	b.untilText("1 match")
	b.until("Ann to go", func() bool { return !b.has("button", "Edit Ann Lee") })
	find("nobody")
	b.untilText("No matches")
	b.click("Clear search")
	b.untilText("2 users")
	if b.device.values[searchID] != "" || b.device.focused != searchID {
		t.Error("the search box was not cleared and focused")
	}
}

// TestTheFirstMatchesAreShownBeforeTheyAreCounted: until then the count is the last one.
func TestTheFirstMatchesAreShownBeforeTheyAreCounted(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.add("Bob Ray", "bob@example.org")
	b.untilText("2 users")
	page, more := component[*usersPage](b), make(chan bool)
	b.root.s.Users = hasty{b.root.s.Users, more}
	b.device.values[searchID] = "ray"
	b.d.Emit(page, func() { page.find("ray") })
	b.until("Ann to go", func() bool { return !b.has("button", "Edit Ann Lee") })
	if got := page.count(); got != "2 users" {
		t.Errorf("before all are counted the count is %q", got)
	}
	close(more)
	b.untilText("1 match")
}

// TestAReadOutlivesItsButton: the button that shows all users goes before they are read, and so does
// the one that tries again.
func TestAReadOutlivesItsButton(t *testing.T) {
	for button, path := range map[string]string{"Clear search": "/?q=nobody", "Show all users": "/?state=conflict&sort=-name", "Try again": "/"} {
		t.Run(button, func(t *testing.T) {
			b := open(t, "/sync")
			b.add("Ann Lee", "ann@example.org")
			good := b.root.s.Users
			if button == "Try again" {
				b.root.s.Users = brokenList{good}
			}
			b.visit(path)
			b.until("the button", func() bool { return b.has("button", button) })
			reads := make(chan context.Context, 100)
			b.root.s.Users = watched{good, reads}
			b.click(button)
			b.untilText("Ann Lee")
			b.until("the button to go", func() bool { return !b.has("button", button) })
			if len(reads) == 0 {
				t.Fatal("nothing was read")
			}
			for len(reads) > 0 {
				if read := <-reads; read.Err() != nil {
					t.Error("the read ended with the button")
				}
			}
		})
	}
}

// TestWhatIsNotReadIsNotSaidToBeEmpty: nobody matched, and the whole list is being read.
func TestWhatIsNotReadIsNotSaidToBeEmpty(t *testing.T) {
	b := open(t, "/sync")
	b.until("the status", func() bool { return !b.root.s.status.SyncedAt.IsZero() })
	page := &usersPage{S: b.root.s, loaded: true, listed: listView{search: "nobody"}}
	if page.renderContent(); page.content.slots[0] != "skeleton" {
		t.Errorf("the page shows the %s", page.content.slots[0])
	}
}

func TestLongListRendersAWindow(t *testing.T) {
	const total = 3000
	b := open(t, "/")
	b.fillStore(total)
	b.untilText("3,000 users")
	page := component[*usersPage](b)
	rows := func() (n int) {
		walk(page, func(e ui.UI) {
			if tagOf(e) == "li" {
				n++
			}
		})
		return n
	}
	if n := rows(); n != windowRows {
		t.Errorf("%d rows are rendered", n)
	}
	for _, top := range []float64{1000, 1500, 90_000, 60_000, total * defaultRowHeight, 0} {
		b.device.scroll(top)
		first := int(min(top/defaultRowHeight, total-10))
		name := fmt.Sprintf("User %05d", first)
		b.untilText(name)
		before, after := b.device.heights[beforeID], b.device.heights[afterID]
		if got := before + after + defaultRowHeight*float64(rows()); got != defaultRowHeight*total {
			t.Errorf("at %v the list is %v high", top, got)
		}
		if before > top || before+defaultRowHeight*float64(rows()) < min(top+b.device.height, defaultRowHeight*total) {
			t.Errorf("at %v the rows begin at %v", top, before)
		}
	}
}

func TestTheListHasTheFocusOnceItsRowIsGone(t *testing.T) {
	b := open(t, "/")
	b.fillStore(1000)
	b.untilText("1,000 users")
	page := component[*usersPage](b)
	b.device.scroll(400 * defaultRowHeight)
	b.untilText("User 00405")
	for row, want := range map[int]string{430: "", 402: scrollerID} {
		b.d.Emit(page, func() { page.focused = "edit-" + page.records[row-page.shown.first].ID })
		b.device.focused = ""
		b.device.scroll(430 * defaultRowHeight)
		b.until("the window to move", func() bool { return page.shown.first > 402 })
		b.settle()
		if b.device.focused != want {
			t.Errorf("row %d: the focus went to %q, want %q", row, b.device.focused, want)
		}
		b.d.Emit(page, func() { page.focused = "" })
		b.device.scroll(400 * defaultRowHeight)
		b.until("the window to move back", func() bool { return page.shown.first < 400 })
	}
}

func TestListIsRestoredAfterAVisit(t *testing.T) {
	b := open(t, "/")
	b.fillStore(1000)
	b.untilText("1,000 users")
	b.device.scroll(500 * defaultRowHeight)
	b.untilText("User 00505")
	b.visit("/sync")
	b.untilText("Diagnostics")
	if b.device.top != 0 {
		t.Errorf("the next page begins at %v", b.device.top)
	}
	b.visit("/")
	b.untilText("User 00505")
	b.until("the scroll position", func() bool { return b.device.top == 500*defaultRowHeight })
}

// TestTheSearchIsPreparedBeforeAnybodyTypes: what it looks in is read when the box gets the focus.
func TestTheSearchIsPreparedBeforeAnybodyTypes(t *testing.T) {
	b := open(t, "/sync")
	searches := make(chan string, 10)
	b.root.s.Users = asked{b.root.s.Users, searches}
	b.add("Ann Lee", "ann@example.org")
	b.visit("/")
	b.untilText("Ann Lee")
	b.fire(b.byID(searchID), "focus")
	b.until("a search", func() bool { return len(searches) == 1 })
	if got := <-searches; got != inNobodysText {
		t.Errorf("searched was %q", got)
	}
	b.untilText("Ann Lee")
}

// TestBiosAreLookedThroughOnceNamesAreShown: that takes long with many users, and what names have would wait
// for it. Until the list is that of the search, its count is not of matches.
func TestBiosAreLookedThroughOnceNamesAreShown(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.untilText("1 user")
	page := component[*usersPage](b)
	b.device.values[searchID] = "ann"
	b.d.Dispatch(ui.Dispatch{Mode: ui.Update, Source: page, Function: func(ctx ui.Context) {
		page.find("ann")
		page.stopped(ctx)
		if page.deep || page.count() != "1 user" {
			t.Errorf("before names are shown bios are looked through: %t, counted are %s", page.deep, page.count())
		}
	}})
	b.untilText("1 match")
	b.until("the bios to be looked through", func() bool { return page.deep })
}

// TestAnEarlierSearchEnds: nobody waits for it, nor for what was read before anybody typed.
func TestAnEarlierSearchEnds(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.untilText("1 user")
	page, given := component[*usersPage](b), make(chan string, 10)
	b.root.s.Users = givenUp{b.root.s.Users, given}
	b.d.Dispatch(ui.Dispatch{Mode: ui.Update, Source: page, Function: func(ctx ui.Context) {
		page.prepare(ctx, ui.Event{})
		page.find("ann")
		page.find("lee")
	}})
	b.untilText("1 match")
	if len(given) != 2 {
		t.Errorf("%d reads were given up, want two", len(given))
	}
}

// TestNobodyPreparesASearchForWhoHasLeftTheBox: of a million people it takes seconds, in which a save would wait.
func TestNobodyPreparesASearchForWhoHasLeftTheBox(t *testing.T) {
	b := open(t, "/sync")
	given := make(chan string, 10)
	b.root.s.Users = givenUp{b.root.s.Users, given}
	b.add("Ann Lee", "ann@example.org")
	b.visit("/")
	b.untilText("Ann Lee")
	box := b.byID(searchID)
	b.d.Dispatch(ui.Dispatch{Mode: ui.Update, Source: box, Function: func(ctx ui.Context) {
		for _, event := range []string{"focus", "blur"} {
			handlerOf(box, event)(ctx, ui.Event{Value: ui.Window()})
		}
	}})
	b.until("the reading to be given up", func() bool { return len(given) == 1 })
}

func TestListSaysWhyItCantBeShown(t *testing.T) {
	b := open(t, "/sync")
	good := b.root.s.Users
	b.root.s.Users = brokenList{good}
	b.visit("/")
	b.untilText("The list can't be shown")
	b.untilText("does not let Rollcall store anything")
	b.root.s.Users = good
	b.click("Try again")
	b.untilText("No users yet")
}

func TestOfflineBanner(t *testing.T) {
	const banner = "Offline - Changes will sync when connected"
	b := open(t, "/")
	b.untilText("Online")
	b.device.setOnline(false)
	b.status(sync.Status{Phase: sync.Syncing}) // the browser says so, and the server does not answer yet
	b.untilText(banner)
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()}) // it is wrong
	b.untilGone(banner)
	b.status(sync.Status{Phase: sync.Syncing})
	b.untilText(banner)
	b.device.setOnline(true)
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()})
	b.untilGone(banner)
	b.status(sync.Status{Phase: sync.Failed, Problem: &api.Problem{Title: "The server can't be reached"}})
	b.untilText(banner)
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()})
	b.untilGone(banner)
}

func TestOfflineTheLastSyncIsTold(t *testing.T) {
	b := open(t, "/sync")
	synced := time.Now().Add(-7 * time.Minute)
	unreachable := &api.Problem{Title: "The server can't be reached"}
	b.status(sync.Status{Phase: sync.Failed, Online: true, SyncedAt: synced, Problem: unreachable})
	b.untilText("The last sync failed: The server can't be reached.")
	b.status(sync.Status{Phase: sync.Failed, SyncedAt: synced, Problem: unreachable})
	b.untilGone("The last sync failed")
	b.untilText("Synced 7 minutes ago")
	b.status(sync.Status{Phase: sync.Failed, Online: true, SyncedAt: synced, Problem: unreachable})
	b.untilText("The last sync failed: The server can't be reached.")
	signIn := api.NewProblem(api.CodeSignIn, "Sign in to sync", "this needs an account: sign in, or send a token in Authorization: Bearer TOKEN")
	b.status(sync.Status{Phase: sync.Failed, Online: true, SyncedAt: synced, Problem: signIn})
	b.untilText("Sign in to sync - Changes are kept on this device") // in the banner
	b.untilText("Synced 7 minutes ago")
	b.untilGone("Bearer TOKEN")
}

func TestAPortalInFrontOffersToSignIn(t *testing.T) {
	b := open(t, "/")
	b.status(sync.Status{Phase: sync.Failed, Problem: &api.Problem{Title: "Sign in to sync", Code: api.CodeSignIn}})
	b.untilText("Sign in to sync - Changes are kept on this device")
	if strings.Contains(text(b.root), "Offline") {
		t.Error("it says that the device is offline")
	}
	b.click("Sign in")
	b.until("the browser leaves for the portal", func() bool {
		b.device.mu.Lock()
		defer b.device.mu.Unlock()
		return b.device.signIns == 1
	})
}

func TestAVersionThatIsTooOldOffersToReload(t *testing.T) {
	b := open(t, "/")
	b.status(sync.Status{Phase: sync.Failed, Online: true, Problem: api.NewProblem(api.CodeClientTooOld, "Too old", "")})
	b.untilText("This version is too old to sync - Changes are kept on this device")
	b.click("Reload")
	b.until("the page is reloaded", func() bool { return b.device.applied })
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()})
	b.untilGone("This version is too old to sync - Changes are kept on this device")
}

func TestNothingIsClaimedBeforeContact(t *testing.T) {
	b := open(t, "/")
	b.status(sync.Status{Phase: sync.Idle})
	b.until("no claim", func() bool { return b.root.status.text == "Connecting" })
	if strings.Contains(text(b.root), "Online") {
		t.Error("it says Online")
	}
}

func TestSyncNow(t *testing.T) {
	b := open(t, "/")
	var report sync.Report
	defer b.engine.Subscribe(func(m sync.Message) {
		if m.Kind == sync.SyncRequest {
			r := report
			go b.engine.Publish(sync.Message{Kind: sync.SyncDone, ID: m.ID, Report: &r})
		}
	})()
	b.click("Sync now")
	b.untilText("Sync completed")
	report.Problem = &api.Problem{Title: "The server can't be reached"}
	b.click("Sync now")
	b.untilText("Sync failed: The server can't be reached.")
}

func TestUserPage(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	other := b.add("Bob Ray", "bob@example.org")
	b.visit("/users/" + id)
	b.untilText("ann@example.org")
	b.untilText("Waiting to be sent")
	b.visit("/users/" + other)
	b.untilText("bob@example.org")
	b.untilGone("ann@example.org")
	b.click("Delete Bob Ray")
	b.untilText("Deleted Bob Ray")
	b.visit("/users/" + uuid.NewString())
	b.untilText("User not found")
	b.root.s.Users = unreachable{b.root.s.Users}
	b.visit("/users/" + uuid.NewString())
	b.untilText("Not on this device")
}

func TestMissingPage(t *testing.T) {
	b := open(t, "/nothing/here")
	b.untilText("Page not found")
}

func TestAddShortcutOpensTheForm(t *testing.T) {
	b := open(t, "/?add=1")
	b.until("the form", func() bool { return len(b.device.opened) == 1 })
}

func TestNavigationMovesTheFocus(t *testing.T) {
	b := open(t, "/")
	if b.device.focused != "" {
		t.Errorf("the first page took the focus to %q", b.device.focused)
	}
	b.visit("/sync")
	if b.device.focused != "page-title" {
		t.Errorf("the focus is on %q", b.device.focused)
	}
}

func TestUpdateWaitsForThePerson(t *testing.T) {
	b := open(t, "/")
	b.device.waiting = true
	b.d.AppUpdate()
	b.untilText("A new version is ready")
	if b.device.applied {
		t.Fatal("it was applied by itself")
	}
	b.click("Reload")
	if !b.device.applied {
		t.Error("Reload did nothing")
	}
}

func TestRejectedOperation(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "taken@example.org")
	b.reject(id)
	b.visit("/sync")
	b.untilText("Add Ann Lee")
	b.untilText("Another user already has this email.")

	b.click("Edit")
	b.untilText("Email is taken: another user has it")
	if b.device.focused != "user-email" {
		t.Errorf("the focus is on %q", b.device.focused)
	}
	b.fill(map[string]string{"email": "ann@example.org"})
	b.submit()
	b.untilText("The server has accepted everything so far.")

	b.reject(id)
	b.untilText("The server rejected it.")
	b.click("Retry")
	b.untilText("The server has accepted everything so far.")
}

func TestDiscardAsksFirst(t *testing.T) {
	b := open(t, "/sync")
	id := b.add("Ann Lee", "taken@example.org")
	b.reject(id)
	b.click("Discard")
	b.untilText("Discard this change?")
	if counts, err := b.users.Counts(t.Context()); err != nil || counts.Rejected != 1 {
		t.Fatalf("it was discarded before the yes: %+v, %v", counts, err)
	}
	dialog := component[*confirmDialog](b)
	b.d.Emit(dialog, func() { dialog.yes(contextOf(b), ui.Event{}) })
	b.d.Consume()
	b.closeDialogs()
	b.untilText("The server has accepted everything so far.")
}

func TestConflict(t *testing.T) {
	b := open(t, "/sync")
	id := b.add("Ann Lee", "ann@example.org")
	b.conflict(id)
	b.untilText("You and someone else changed this user. Their changes were kept.")
	for _, want := range []string{"North hall", "South hall", "Use mine"} {
		b.untilText(want)
	}
	b.click("Keep")
	b.untilText("Nothing left to review.")
	// The decision stays on record, with both values.
	for _, want := range []string{"Their changes were kept.", "North hall", "South hall", "Reviewed."} {
		b.untilText(want)
	}
}

func TestSettings(t *testing.T) {
	b := open(t, "/sync")
	b.untilText("Conflict strategy")
	b.fire(b.byID("strategy-serverWins"), "change")
	b.until("the strategy to be saved", func() bool {
		s, err := b.users.Strategy(t.Context())
		return err == nil && s == sync.ServerWins
	})
	b.click("Keep my data")
	b.untilText("The browser has promised to keep your data")
	if !b.device.persisted {
		t.Error("the browser was not asked")
	}
}

// contextOf is a context for a handler that is called directly.
func contextOf(b *browser) ui.Context { return b.root.s.ctx }

// fillStore puts users into the store as the server's.
func (b *browser) fillStore(n int) {
	b.t.Helper()
	users := make([]api.User, n)
	for i := range users {
		users[i] = api.User{ID: uuid.NewString(), Name: fmt.Sprintf("User %05d", i), Email: fmt.Sprintf("u%d@example.org", i), Version: 1}
	}
	b.pull(users...)
}

// pull applies a page of the server's.
func (b *browser) pull(users ...api.User) {
	b.t.Helper()
	var page sync.Page
	for _, u := range users {
		document, err := json.Marshal(u)
		if err != nil {
			b.t.Fatal(err)
		}
		page.Changes = append(page.Changes, api.Change{EntityType: api.EntityUser, EntityID: u.ID, Version: u.Version, Document: document})
	}
	fence, err := b.store.BeginRound(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	page.Fence = fence
	if _, err := b.store.ApplyPage(b.t.Context(), page); err != nil {
		b.t.Fatal(err)
	}
	b.engine.Publish(sync.Message{Kind: sync.RowsChanged})
}

// change changes an entity as the engine would.
func (b *browser) change(id string, f func(*queue.Entity)) {
	b.t.Helper()
	ref := queue.Ref{Type: api.EntityUser, ID: id}
	err := b.store.Update(b.t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
		f(es[0])
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.engine.Publish(sync.Message{Kind: sync.RowsChanged})
}

func (b *browser) reject(id string) {
	b.change(id, func(e *queue.Entity) {
		e.Operations[0].State = queue.Rejected
		e.Operations[0].LastError = &api.Problem{Title: "Email taken", Status: 409, Code: api.CodeEmailTaken}
	})
}

func (b *browser) conflict(id string) {
	b.change(id, func(e *queue.Entity) {
		e.Conflicts = append(e.Conflicts, queue.Conflict{
			ID: uuid.NewString(), Ref: e.Ref, At: time.Now(), Strategy: string(sync.Merge), Kept: queue.Theirs,
			Base: e.Document(), Mine: e.Document(), Theirs: e.Document(),
			Fields: []queue.Field{{Name: "bio", Base: []byte(`""`), Mine: []byte(`"North hall"`), Theirs: []byte(`"South hall"`), Kept: queue.Theirs}},
		})
	})
}
