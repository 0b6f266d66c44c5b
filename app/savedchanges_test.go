package app

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

func TestTakenInWords(t *testing.T) {
	for want, done := range map[string]repository.TakenIn{
		"There are no changes in this file.": {},
		"1 change was loaded.":               {Taken: 1},
		"1,200 changes were loaded. 1 change was here already, or had been sent.":                                                                           {Taken: 1200, Known: 1},
		"2 changes have to wait: their users have other changes that are not sent yet. Load the file again after that. 1 change of the file can't be read.": {HeldBack: 2, Unreadable: 1},
	} {
		if got := takenInWords(done); got != want {
			t.Errorf("%+v: got %q, want %q", done, got, want)
		}
	}
}

func TestChangesGoIntoAFileAndBack(t *testing.T) {
	b := open(t, "/sync")
	b.untilText("Load changes from a file")
	b.click("Save changes to a file")
	b.untilText("Nothing waits to be sent, so there is nothing to save to a file")
	b.device.saved = 2
	b.click("Save changes to a file")
	b.untilText("2 changes saved to a file")
	b.device.file = "half of"
	b.root.s.takeIn()
	b.untilText("The file was not loaded. The file is not complete, or it is not a file of saved changes.")
	b.device.file = `{"format":"rollcall-changes","version":1,"operations":[` +
		`{"id":"01a21999-6318-7000-a38e-0df4d87cfb0f","ref":{"type":"user","id":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11"},` +
		`"type":"create","data":{"name":"Dora Dent","email":"dora@example.org"},"createdAt":"2026-11-26T20:36:56Z","state":"queued"}]}`
	b.root.s.takeIn()
	b.untilText("1 change was loaded.")
	b.visit("/")
	b.untilText("Dora Dent")
}

// A version that never could read the data has been loaded anew by then, in vain.
func TestAVersionOlderThanTheDataSaysSo(t *testing.T) {
	older := StorageState{Trouble: queue.ErrOutdated, Older: true}
	if n := noticeFor(older, dataLoss{}, nil); n.kind != olderNotice || strings.Contains(n.text, "Reload") || !strings.Contains(n.text, "Nothing is lost") {
		t.Errorf("it says %+v", n)
	}
	if n := noticeFor(StorageState{Trouble: queue.ErrOutdated}, dataLoss{}, nil); n.kind != outdatedNotice {
		t.Errorf("where a reload helps it says %+v", n)
	}
	// Under a page that could read them, the reload is yet to come.
	b := open(t, "/")
	b.untilText("No users yet")
	b.device.setStorageState(older)
	b.untilText("A newer version of Rollcall is in use.")
	// A page that was loaded on data of a newer version.
	b.root.counted = false
	b.device.setStorageState(older)
	b.untilText("This version of Rollcall is older than the data on this device.")
	b.click("Save changes to a file")
	b.untilText("nothing to save to a file")
	b.click("Check again")
	b.until("the newest version to be loaded", func() bool { return b.device.applied })
}

// TestTheServiceWorkerKnowsTheAppsRoutes: what it answers from its cache is what the
// program has a page for, and nothing else.
func TestTheServiceWorkerKnowsTheAppsRoutes(t *testing.T) {
	script, err := os.ReadFile("../web/sw.js")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`const routes = /(.*)/;`).FindSubmatch(script)
	if m == nil {
		t.Fatal("the service worker has no routes")
	}
	routes := regexp.MustCompile(strings.ReplaceAll(string(m[1]), `\/`, `/`))
	for _, path := range []string{
		"/", "/users", "/users/", "/users/x", "/users/x/", "/users/x/y", "/users//", "/sync", "/sync/", "/sync/x", "//", "/account", "/accounts", "/accounts/x", "/join", "/join/x", "/sign-in", "/sign-in/provider/back",
		"/login", "/oauth2/start", "/cdn-cgi/access/logout", "/wiki/", "/usersx", "/x/users", "/index.html", "/api/v1/users",
	} {
		if got, want := routes.MatchString(path), parseRoute(path).kind != missingRoute; got != want {
			t.Errorf("%s: the service worker answers it: %v; the program has a page for it: %v", path, got, want)
		}
	}
}
