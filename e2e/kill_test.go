//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestAcceptedWriteSurvivesSIGKILL: a write is accepted, and safe, once its dialog has closed.
func TestAcceptedWriteSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	for _, offline := range []bool{true, false} {
		name := map[bool]string{true: "offline", false: "online"}[offline]
		t.Run(name, func(t *testing.T) {
			b := harness.OpenBrowser(t)
			site, users := openThreeIn(t, b)
			before := countersOf(site)
			if offline {
				b.Offline(site.Proxy, true)
				users.isOffline()
			}
			users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
			b = harness.OpenProfile(t, b.Kill())

			if offline {
				b.Offline(site.Proxy, true)
				users = openOffline(t, b, site.URL())
				users.hasState("Dora Dent", "Pending")
				if n := users.Queued(); n != 1 {
					t.Errorf("the queue holds %d operations", n)
				}
				b.Offline(site.Proxy, false)
			} else {
				users = openOffline(t, b, site.URL())
			}
			users.hasState("Dora Dent", "")
			users.matchesServer(site)
			if got := site.Changes() - before.changes; got != 1 {
				t.Errorf("the server counts %d changes, want 1", got)
			}
		})
	}
}

// copies are the drafts that the device's database has, in JSON.
const copies = `(async () => {
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await settle(indexedDB.open("rollcall"));
	const texts = await settle(db.transaction("base").objectStore("base").getAll(IDBKeyRange.bound("draft/", "draft0")));
	db.close();
	return texts.join("\n");
})()`

// slowProgram has the program start late, as on a slow or busy device: only then is the database open.
const slowProgram = `{
	const start = WebAssembly.instantiateStreaming;
	WebAssembly.instantiateStreaming = async (...args) => {
		await new Promise((later) => setTimeout(later, 2500));
		return start(...args);
	};
}`

// TestTypedTextSurvivesSIGKILL: the browser writes localStorage to the disk some seconds late.
func TestTypedTextSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	b := harness.OpenBrowser(t)
	site, users := openThreeIn(t, b)
	users.opens("Ann Archer")
	users.types(unsaved)
	harness.Eventually(t, "the text is on the disk", func() error {
		if text := harness.Eval[string](users.Page, copies); !strings.Contains(text, unsaved.Bio) {
			return fmt.Errorf("there is %.300q", text)
		}
		return nil
	})
	b = harness.OpenProfile(t, b.Kill())
	users = directory{b.OpenWithScript(site.URL()+"/", slowProgram), t}
	users.See("heading", "Users")
	users.SeeText("You were editing Fay Fox. What you typed is kept.")
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Name", unsaved.Name)
	users.fieldIs("Bio", unsaved.Bio)
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	harness.Eventually(t, "the copy has served", func() error {
		return harness.Equal("the copies", harness.Eval[string](users.Page, copies), "")
	})
	users.hasState(unsaved.Name, "")
	users.Reload()
	users.hasState(unsaved.Name, "")
	users.GoneText("What you typed is kept")
}

func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	before := countersOf(site)
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	site.Server.Kill()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.isOffline()
	site.Server.Start()
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent")
	users.matchesServer(site)
	if got := site.Changes() - before.changes; got != 2 {
		t.Errorf("the server counts %d changes, want 2", got)
	}
}
