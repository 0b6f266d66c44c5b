//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

const dataEvicted = "This browser cleared Rollcall's data."

func TestEvictedDataIsDetectedAndReloaded(t *testing.T) {
	t.Parallel()
	site, b, users := openThree(t)
	other := bare(t, b, site.URL())
	users.Reload() // a visit like any other
	users.hasState("Ann Archer", "")
	if users.Has("region", "Notice") {
		t.Errorf("there is a notice before anything was lost: %s", users.Text())
	}
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "This is lost"})
	users.Close()
	b.WaitWorkers(site.URL(), 0)
	other.Evict()
	b.Offline(site.Proxy, false)

	users = directory{b.Open(site.URL() + "/"), t}
	users.See("region", "Notice")
	users.SeeText(dataEvicted)
	users.SeeText("Everything that was synced has been loaded again. Changes that were not synced yet are lost.")
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.matchesServer(site)
	if r, _ := site.Row("Ann Archer"); r.Bio != "Reads maps" {
		t.Errorf("Ann became %+v", r)
	}
	users.Reload()
	users.SeeText(dataEvicted) // until dismissed
	users.See("button", "Keep my data")
	users.Click("button", "Dismiss")
	users.Gone("region", "Notice")
	users.Reload()
	users.hasState("Ann Archer", "")
	users.isOnline()
	if users.Has("region", "Notice") {
		t.Error("the notice is back after it was dismissed")
	}
}

func TestEvictionUnderAnOpenPageIsDetected(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	users.Evict()
	users.SeeText(dataEvicted)
	// The engine of the open page does not sync any more: the notice says to reload.
	users.Reload()
	users.SeeText(dataEvicted)
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.add(dora)
	users.hasState("Dora Dent", "")
	users.matchesServer(site)
}

func TestPersistentStorageIsRequestedAfterTheFirstSave(t *testing.T) {
	t.Parallel()
	users := openFaulty(t, threePeople...)
	asked := func(want int) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("the browser was asked %d times", want), func() error {
			return harness.Equal("the number", harness.Eval[int](users.Page, `faults.persists`), want)
		})
	}
	users.Click("button", "Add user")
	users.Click("button", "Cancel")
	users.Click("button", "Edit Ann Archer")
	users.Click("button", "Save") // nothing changed, so nothing is saved
	users.Gone("dialog", "Edit user")
	asked(0)
	users.add(dora)
	asked(1)
	users.edit("Dora Dent", harness.Person{Bio: "Sings"})
	users.hasState("Dora Dent", "")
	asked(1)
	users.Reload()
	users.edit("Dora Dent", harness.Person{Bio: "Sings and drums"})
	users.hasState("Dora Dent", "")
	asked(0) // since the reload: it is not asked again in a later visit
	users.Go("/sync")
	if harness.Eval[bool](users.Page, `navigator.storage.persisted()`) {
		users.SeeText("The browser has promised to keep your data")
	} else {
		users.SeeText("The browser has not promised to keep your data")
		users.See("button", "Ask again")
	}
}

// TestNoticesAreAccessible checks the notices of a failing storage on every screen.
func TestNoticesAreAccessible(t *testing.T) {
	t.Parallel()
	users := openFaulty(t, threePeople...)
	users.Evict()
	users.SeeText(dataEvicted)
	users.looksRight("cleared data")
	users.Reload()
	users.hasState("Ann Archer", "")

	other := bare(t, users.b, users.site.URL())
	harness.Eval[bool](other, fmt.Sprintf(`settle(indexedDB.open("rollcall", %d)).then((db) => { db.close(); return true; })`, newest(other)+1))
	users.SeeText("A newer version of Rollcall is in use.")
	users.looksRight("an upgrade")
	users.submits(dora)
	users.SeeText("Not saved. A newer version of Rollcall")
	users.looksRight("a form not saved")
}
