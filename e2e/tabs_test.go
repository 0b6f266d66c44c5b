//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestTwoTabsAreOneClient(t *testing.T) { mainPath(t, twoTabsAreOneClient) }

func twoTabsAreOneClient(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	first := openUsers(t, b, site.URL())
	second := openUsers(t, b, site.URL())
	if chromium, ok := b.(*harness.Browser); ok && chromium.Workers(site.URL()) != 1 {
		t.Errorf("%d workers sync for two tabs", chromium.Workers(site.URL()))
	}

	first.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	second.hasState("Dora Dent", "")
	second.edit("Dora Dent", harness.Person{Name: "Dora Dunn"})
	first.hasState("Dora Dunn", "")

	b.Offline(site.Proxy, true)
	first.isOffline()
	second.isOffline()
	first.Front()
	first.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	second.hasState("Bob Baker", "Pending")
	second.Front()
	second.remove("Carl Cole")
	first.shows(map[string]string{"Ann Archer": "", "Bob Baker": "Pending", "Dora Dunn": ""})
	b.Offline(site.Proxy, false)
	for _, tab := range []directory{first, second} {
		tab.showsSynced("Ann Archer", "Bob Baker", "Dora Dunn")
		tab.matchesServer(site)
	}
	eachSentOnce(t, site, before)
}

func TestAnotherTabTakesOverFromTheLeader(t *testing.T) {
	everywhere(t, anotherTabTakesOverFromTheLeader)
}

func anotherTabTakesOverFromTheLeader(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	leader := openUsers(t, b, site.URL())
	other := openUsers(t, b, site.URL())
	leader.Close()
	other.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	other.hasState("Dora Dent", "")
	other.matchesServer(site)
	if chromium, ok := b.(*harness.Browser); ok {
		chromium.WaitWorkers(site.URL(), 1)
	}
	eachSentOnce(t, site, before)
}

func TestTwoBrowsersSeeEachOthersChangesAtOnce(t *testing.T) {
	everywhere(t, twoBrowsersSeeEachOthersChangesAtOnce)
}

func twoBrowsersSeeEachOthersChangesAtOnce(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	here := openUsers(t, b, site.URL())
	way := site.AnotherProxy()
	there := openUsers(t, harness.OpenBrowser(t), way.URL())
	here.hasState("Bob Baker", "")
	there.hasState("Bob Baker", "")

	const rounds = 5
	var took []time.Duration
	for i := range rounds {
		from, to := here, there
		if i%2 == 1 {
			from, to = there, here
		}
		name := fmt.Sprintf("Person %d", i)
		from.add(harness.Person{Name: name, Email: fmt.Sprintf("p%d@example.org", i)})
		start := time.Now()
		harness.Eventually(t, "the other browser shows "+name, func() error {
			if _, ok := to.shown()[name]; !ok {
				return errors.New("it does not")
			}
			return nil
		})
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("a change was shown in the other browser after %v", took)
	// A generous bound, for busy machines. Polling would take half a minute.
	if median := took[rounds/2]; median > 10*time.Second {
		t.Errorf("a change needs %v to be shown in the other browser: it did not come by the event stream", median)
	}

	here.remove("Carl Cole")
	harness.Eventually(t, "the other browser drops the row", func() error {
		if _, ok := there.shown()["Carl Cole"]; ok {
			return errors.New("it still shows it")
		}
		return nil
	})
	here.matchesServer(site)
	there.matchesServer(site)
	eachSentOnce(t, site, before, way)
}
