//go:build e2e

package e2e_test

import (
	"net/http"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

func isBatch(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/api/v1/operations"
}

func TestLostAnswerHasNoSecondEffect(t *testing.T) { everywhere(t, lostAnswerHasNoSecondEffect) }

func lostAnswerHasNoSecondEffect(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, carl := addThree(site)
	before := countersOf(site)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.remove("Carl Cole")
	users.shows(map[string]string{"Ann Archer": "Pending", "Bob Baker": "", "Dora Dent": "Pending"})

	site.Proxy.CutAnswers(2, isBatch)
	b.Offline(site.Proxy, false)
	harness.Eventually(t, "two answers are lost", func() error {
		return harness.Equal("lost answers", site.Proxy.Cuts(), 2)
	})
	users.showsSynced("Ann Archer", "Bob Baker", "Dora Dent")
	users.matchesServer(site)

	for id, n := range site.Proxy.Sent() {
		if n < 2 {
			t.Errorf("operation %s was sent %d times, although its answer was lost", id, n)
		}
	}
	if got := site.Applied() - before.applied; got != 3 {
		t.Errorf("%d operations took effect, want 3", got)
	}
	if got := site.Changes() - before.changes; got != 3 {
		t.Errorf("the server counts %d changes, want 3", got)
	}
	if r, _ := site.Row("Ann Archer"); r.ID != ann || r.Version != 2 {
		t.Errorf("Ann became %+v", r)
	}
	if a := site.Call(http.MethodGet, "/api/v1/users/"+carl, ""); a.Status != http.StatusNotFound {
		t.Errorf("asking for Carl is answered %d", a.Status)
	}
}
