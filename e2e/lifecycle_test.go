//go:build e2e

package e2e_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// await waits for a channel to be closed.
func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(harness.Timeout):
		t.Fatalf("%s: not within %v", what, harness.Timeout)
	}
}

// changed fails the test unless so many writes have taken effect since before, and
// no operation did twice.
func checkChanges(t *testing.T, site *harness.Site, before counters, operations, others int) {
	t.Helper()
	if got := site.Changes() - before.changes; got != operations+others {
		t.Errorf("the server counts %d changes, want %d", got, operations+others)
	}
	if got := len(site.Proxy.Sent()); got != operations {
		t.Errorf("%d operations were sent, want %d", got, operations)
	}
}

func TestFrozenTabLosesNothing(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.hasState("Ann Archer", "")
	held, release := site.Proxy.HoldAnswers(isBatch)
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	await(t, held, "the server's answer is under way")

	// It is frozen in the middle of a round and of a save.
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.save(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.Freeze()
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	release()
	users.Thaw()
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": "", "Dora Dent": "", "Zed Zimmer": ""})
	users.isOnline()
	users.matchesServer(site)
	users.edit("Dora Dent", harness.Person{Bio: "Drives"})
	users.hasState("Dora Dent", "")
	users.matchesServer(site)
	checkChanges(t, site, before, 3, 1)
}

// noFreezeEvents runs before the page's scripts, and has the page frozen without being
// told: so does a browser that knows no such event, or a system that suspends the
// browser. What its transactions hold up then only a browser can end, and ends here.
const noFreezeEvents = `(() => {
	const running = new Set();
	const begin = IDBDatabase.prototype.transaction;
	IDBDatabase.prototype.transaction = function (...how) {
		const tx = begin.apply(this, how);
		running.add(tx);
		for (const end of ["complete", "abort"]) tx.addEventListener(end, () => running.delete(tx));
		return tx;
	};
	for (const type of ["freeze", "resume"]) {
		document.addEventListener(type, (event) => {
			event.stopImmediatePropagation();
			for (const tx of type === "freeze" ? running : []) {
				try { tx.abort() } catch {} // it commits by itself
			}
		}, true);
	}
})();`

// openWithoutFreezeEvents is openUsers in a tab that is not told when it is frozen.
func openWithoutFreezeEvents(t *testing.T, b *harness.Browser, origin string) directory {
	t.Helper()
	d := directory{b.OpenWithScript(origin+"/", noFreezeEvents), t}
	d.See("heading", "Users")
	d.isOnline()
	d.WaitOfflineReady()
	return d
}

func TestFrozenTabBlocksNoOtherTab(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	first := openFaulty(t, b, site.URL())
	second := openUsers(t, b, site.URL())
	second.hasState("Ann Archer", "")
	first.Front()
	// It is frozen with a save under way, whose transaction keeps all others waiting.
	first.Click("button", "Edit Ann Archer")
	first.See("dialog", "Edit user")
	first.fault("write", "held")
	first.save(harness.Person{Bio: "Draws"})
	harness.Eventually(t, "the save is under way", func() error {
		if harness.Eval[int](first.Page, `faults.met`) == 0 {
			return errors.New("no transaction has begun")
		}
		return nil
	})
	first.Freeze()

	second.Front()
	second.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	second.hasState("Bob Baker", "")
	second.matchesServer(site)
	harness.Eventually(t, "the frozen tab has no worker any more", func() error {
		return harness.Equal("workers", b.Workers(site.URL()), 1)
	})

	// The save goes on where it stood.
	first.Thaw()
	first.fault("write", "")
	first.Gone("dialog", "Edit user")
	first.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
	for _, tab := range []directory{first, second} {
		tab.matchesServer(site)
	}
	checkChanges(t, site, before, 2, 0)
	second.Go("/sync")
	second.See("heading", "Diagnostics")
	if text := second.Text(); strings.Contains(text, "was frozen") {
		t.Errorf("the tab that was asked to give way had to be taken over: %.3000q", text)
	}
}

// takeover is how long it may take until another one does a frozen tab's work.
const takeover = time.Minute

func TestRoundOfAFrozenTabIsFenced(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	first := openWithoutFreezeEvents(t, b, site.URL())
	first.hasState("Ann Archer", "")
	second := openUsers(t, b, site.URL())
	second.hasState("Ann Archer", "")
	first.Front()
	var batches atomic.Int64
	held, release := site.Proxy.HoldAnswers(func(r *http.Request) bool { return isBatch(r) && batches.Add(1) == 1 })
	first.edit("Ann Archer", harness.Person{Bio: "Draws"})
	await(t, held, "the server's answer is under way")
	first.Freeze()

	second.Front()
	second.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	harness.EventuallyWithin(t, takeover, "the other tab's work is done", func() error {
		row, _ := site.Row("Bob Baker")
		return harness.Equal("Bob's bio", row.Bio, "Bakes bread")
	})
	second.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
	second.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	second.hasState("Ann Archer", "")
	second.matchesServer(site)

	// The old answer must not put Ann back to what she was.
	release()
	first.Thaw()
	first.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": ""})
	first.isOnline()
	first.Click("link", "Ann Archer")
	first.SeeText("Draws maps")
	first.Go("/")
	first.edit("Carl Cole", harness.Person{Bio: "Digs deep"})
	first.hasState("Carl Cole", "")
	for _, tab := range []directory{first, second} {
		tab.matchesServer(site)
	}
	checkChanges(t, site, before, 4, 0)
}

func TestPageReturnsFromBackForwardCache(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	refusals := users.WatchBFCache()
	harness.Eval[bool](users.Page, `globalThis.sameDocument = true`)
	users.Go("/healthz")

	// The tab that was left must hold up nobody.
	other := openUsers(t, b, site.URL())
	other.edit("Ann Archer", harness.Person{Bio: "Draws"})
	other.hasState("Ann Archer", "")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	other.hasState("Zed Zimmer", "")

	users.Front()
	harness.Eval[bool](users.Page, `(history.back(), true)`)
	users.See("heading", "Users")
	kept := harness.Eval[bool](users.Page, `globalThis.sameDocument === true`)
	if !kept {
		t.Errorf("the browser did not keep the page: %v", refusals.Reasons())
	}
	users.shows(map[string]string{"Ann Archer": "", "Bob Baker": "", "Carl Cole": "", "Zed Zimmer": ""})
	users.isOnline()
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	other.hasState("Bob Baker", "")
	users.matchesServer(site)
	other.Close()
	users.edit("Carl Cole", harness.Person{Bio: "Digs deep"})
	users.hasState("Carl Cole", "")
	users.matchesServer(site)
	checkChanges(t, site, before, 3, 1)
	harness.Eventually(t, "one worker syncs", func() error {
		return harness.Equal("workers", b.Workers(site.URL()), 1)
	})
}
