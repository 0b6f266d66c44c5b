//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

const (
	syncTag     = "rollcall-sync"
	periodicTag = "rollcall-periodic"
)

// retries bounds the wait for a sync event: the first try and two more, each after two
// seconds (see the harness's flags).
const retries = 45 * time.Second

func TestServiceWorkerSyncsWithAllTabsClosed(t *testing.T) {
	t.Parallel()
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			_, bob, _ := addThree(site)
			before := countersOf(site)
			b := harness.OpenBrowser(t)
			users := openUsers(t, b, site.URL())
			users.hasState("Bob Baker", "")
			o.begin(site, b)
			users.isOffline()
			users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
			users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
			users.remove("Carl Cole")
			users.hasState("Bob Baker", "Pending")
			registered(t, users)
			users.Close()
			b.WaitWorkers(site.URL(), 0) // else the tab's own might send, and end before its answer

			o.end(site, b)
			harness.Patiently(t, func() {
				harness.EventuallyWithin(t, retries, "the service worker delivers the work", func() error {
					return harness.Equal("changes", site.Changes()-before.changes, 3)
				})
			})
			rows := site.Rows()
			got := slices.Collect(func(yield func(string) bool) {
				for _, r := range rows {
					if !yield(r.Name) {
						return
					}
				}
			})
			if want := []string{"Ann Archer", "Bob Baker", "Dora Dent"}; !slices.Equal(got, want) {
				t.Errorf("the server has %v, want %v", got, want)
			}
			if r, _ := site.Row("Bob Baker"); r.ID != bob || r.Bio != "Bakes bread" {
				t.Errorf("Bob became %+v", r)
			}
			eachSentOnce(t, site, before)

			users = openOffline(t, b, site.URL())
			users.showsSynced("Ann Archer", "Bob Baker", "Dora Dent")
			users.WaitQueueEmpty()
		})
	}
}

// registered waits until a sync event is registered.
func registered(t *testing.T, users directory) {
	t.Helper()
	harness.Eventually(t, "background sync is registered", func() error {
		tags := harness.Eval[[]string](users.Page, `navigator.serviceWorker.ready.then((r) => r.sync.getTags())`)
		if !slices.Contains(tags, syncTag) {
			return fmt.Errorf("the tags are %v", tags)
		}
		return nil
	})
}

func TestPeriodicSyncPullsWithAllTabsClosed(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	registrations := b.Registrations()
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	users.Close()
	b.WaitWorkers(site.URL(), 0)
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	site.Proxy.ResetRequests()
	registrations.PeriodicSync(site.URL(), periodicTag)
	// A page of the site without the app can read the storage.
	probe := b.Open(site.URL() + "/healthz")
	harness.Eventually(t, "the service worker pulls", func() error {
		for _, user := range probe.Store("users") {
			if strings.Contains(fmt.Sprint(user), "Zed Zimmer") {
				return nil
			}
		}
		return fmt.Errorf("it has made %d requests", len(site.Proxy.Requests("GET", "/api/v1/changes")))
	})
	b.Offline(site.Proxy, true)
	users = openOffline(t, b, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Zed Zimmer")
}

func TestStoppedServiceWorkerStartsAgain(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	registrations := b.Registrations()
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	// Refused, not emulated: emulation would end with the stopped worker.
	site.Proxy.Refuse()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.hasState("Ann Archer", "Pending")
	users.Close()
	registrations.StopAll()
	site.Proxy.Accept()
	registrations.Sync(site.URL(), syncTag)
	harness.EventuallyWithin(t, retries, "the restarted service worker delivers", func() error {
		return harness.Equal("changes", site.Changes()-before.changes, 1)
	})
	eachSentOnce(t, site, before)
}
