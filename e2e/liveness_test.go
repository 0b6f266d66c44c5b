//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestStuckRoundLockIsTakenOver(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	harness.Eval[bool](users.Page, `new Promise((held) => navigator.locks.request("rollcall-round", () => { held(true); return new Promise(() => {}); }).catch(() => {}))`)
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	harness.Patiently(t, func() { users.hasState("Dora Dent", "") })
	users.matchesServer(site)
	users.Go("/sync")
	users.SeeText("A sync elsewhere stood still; this one took over")
}

func TestWorkerThatFailsToLoadIsRestarted(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	// The first worker's script does not exist.
	page := b.OpenWithScript(site.URL()+"/", `{
		const Whole = Worker;
		let started = 0;
		globalThis.Worker = function (url, options) { return new Whole(started++ === 0 ? "/debug/none.js" : url, options) };
	}`)
	page.Allow("none.js")
	page.Allow("404")
	users := directory{page, t}
	users.hasState("Ann Archer", "")
	users.Go("/sync")
	users.SeeText("The sync worker failed and was started anew: the sync worker could not be loaded")
}

func TestSilentEventStreamIsReopened(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	harness.Eventually(t, "the event stream is open", func() error {
		streams := site.Proxy.Requests("GET", "/api/v1/events")
		if len(streams) == 0 || streams[len(streams)-1].Status != http.StatusOK {
			return fmt.Errorf("the requests: %v", streams)
		}
		return nil
	})
	silenced := site.Proxy.SilenceStreams()
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	harness.Patiently(t, func() {
		harness.EventuallyWithin(t, sync.StreamSilence+harness.Timeout, "a stream is opened in place of the silent one", func() error {
			if n := len(site.Proxy.Requests("GET", "/api/v1/events")); n <= silenced {
				return fmt.Errorf("%d were opened", n)
			}
			return nil
		})
	})
	users.hasState("Zed Zimmer", "")
	users.Go("/sync")
	users.SeeText("The event stream was silent and was opened anew")
}

// holder evaluates to the client id of the leading tab.
const holder = `navigator.locks.query().then((q) => q.held.find((l) => l.name === "rollcall-leader")?.clientId ?? "")`

func TestFrozenLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	leader := openUsersWith(t, b, site.URL(), noFreezeEvents)
	other := openUsers(t, b, site.URL())
	was := harness.Eval[string](other.Page, holder)
	leader.Freeze()
	other.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	harness.Patiently(t, func() { other.hasState("Dora Dent", "") })
	harness.Eventually(t, "the other tab leads", func() error {
		if now := harness.Eval[string](other.Page, holder); now == was || now == "" {
			return errors.New("the frozen one does")
		}
		return nil
	})
	leader.Thaw()
	b.WaitWorkers(site.URL(), 1)
	// The thawed page stays hidden to Chromium and paints no frame. The other tab's changes
	// are sent once.
	other.edit("Dora Dent", harness.Person{Bio: "Back again"})
	other.hasState("Dora Dent", "")
	other.matchesServer(site)
	eachSentOnce(t, site, before)
	other.Click("link", "Sync") // without a load: what could not be saved yet is still in memory
	other.SeeText("Another tab was frozen; this tab took over")
}
