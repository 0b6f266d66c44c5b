//go:build e2e

package e2e_test

import (
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
