//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
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

// checkChanges checks the number of operations that were sent and of changes by these and by
// others since before.
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
	t.Parallel()
	site, _, users := openThree(t)
	before := countersOf(site)
	held, release := site.Proxy.HoldAnswers(isBatch)
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	await(t, held, "the server's answer is under way")

	// Freeze it during a round and a save.
	users.Click("button", "Add user")
	users.See("dialog", "Add user")
	users.save(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.Freeze()
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	release()
	users.Thaw()
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Dora Dent", "Zed Zimmer")
	users.isOnline()
	users.matchesServer(site)
	users.edit("Dora Dent", harness.Person{Bio: "Drives"})
	users.hasState("Dora Dent", "")
	users.matchesServer(site)
	checkChanges(t, site, before, 3, 1)
}

// noFreezeEvents hides freeze and resume events from the page, as in a browser without them,
// or one suspended by the system. It aborts the open transactions, as the browser would.
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

func TestFrozenTabBlocksNoOtherTab(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	first := openUsersWith(t, b, site.URL(), faultyStorage)
	second := openUsers(t, b, site.URL())
	second.hasState("Ann Archer", "")
	first.Front()
	// Freeze it during a save, whose transaction blocks all others.
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
	b.WaitWorkers(site.URL(), 1)

	// The save continues.
	first.Thaw()
	first.fault("write", "")
	first.Gone("dialog", "Edit user")
	first.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	for _, tab := range []directory{first, second} {
		tab.matchesServer(site)
	}
	checkChanges(t, site, before, 2, 0)
	second.Go("/sync")
	second.See("heading", "Diagnostics")
	if text := second.Text(); strings.Contains(text, "was frozen") {
		t.Errorf("a takeover was needed though the tab got a freeze event: %.3000q", text)
	}
}

// takeover is how long another tab may take to take over from a frozen one.
const takeover = time.Minute

func TestRoundOfAFrozenTabIsFenced(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	before := countersOf(site)
	b := harness.OpenBrowser(t)
	first := openUsersWith(t, b, site.URL(), noFreezeEvents)
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
	harness.Patiently(t, func() {
		harness.EventuallyWithin(t, takeover, "the other tab's work is done", func() error {
			row, _ := site.Row("Bob Baker")
			return harness.Equal("Bob's bio", row.Bio, "Bakes bread")
		})
	})
	second.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	second.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	second.hasState("Ann Archer", "")
	second.matchesServer(site)

	// The old answer must not revert Ann.
	release()
	first.Thaw()
	first.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
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

// TestAPageThatIsLeftHoldsNoStorage: what is written as it is left, such as a form's draft, may neither keep
// the next page waiting, nor be lost.
func TestAPageThatIsLeftHoldsNoStorage(t *testing.T) { everywhere(t, aPageThatIsLeftHoldsNoStorage) }

func aPageThatIsLeftHoldsNoStorage(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.Go("/?add=1")
	users.See("dialog", "Add user")
	users.opensPerson(ann, "Ann Archer")

	users.Click("button", "Edit Ann Archer")
	users.See("dialog", "Edit user")
	users.Fill("textbox", "Bio", "Draws")
	users.Reload()
	users.See("heading", "Ann Archer")
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "Draws")
	users.Fill("textbox", "Bio", "Draws maps")
	users.Go("/sync")
	users.SeeText(wasEditing)
	users.Click("button", "Continue")
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "Draws maps")
	users.Click("button", "Save")
	users.Gone("dialog", "Edit user")
	users.Go("/")
	users.hasState("Ann Archer", "")
	harness.Eventually(t, "the server has it", func() error {
		return harness.Equal("the bio", mustRow(t, site, "Ann Archer").Bio, "Draws maps")
	})

	// A tab that is closed holds nothing either.
	users.Click("button", "Add user")
	users.Fill("textbox", "Name", "Dora Dent")
	users.Close()
	users = openUsers(t, b, site.URL())
	users.SeeText("You were adding Dora Dent. What you typed is kept.")
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	users.hasState("Bob Baker", "")
}

// elsewhere is the address of a page that is not the app's. It is the same server's, so that WebKit needs no other process
// for it.
const elsewhere = "/sw.js"

// leaves loads that page.
func (d directory) leaves() {
	d.t.Helper()
	d.Go(elsewhere)
	d.isElsewhere()
}

func (d directory) isElsewhere() {
	d.t.Helper()
	harness.Eventually(d.t, "the other page is shown", func() error {
		path, err := harness.TryEval[string](d.Page, `location.pathname`)
		if err == nil {
			err = harness.Equal("the address", path, elsewhere)
		}
		return err
	})
}

// back goes back in the tab's history.
func (d directory) back() {
	d.t.Helper()
	harness.Eval[bool](d.Page, `(history.back(), true)`)
}

// TestAFileIsLetGoOfWithItsPage: a page that is left in the middle of an import or an export holds neither the import's lock nor
// the storage. The next page tells how far the import came, and goes on with it; the one that is back knows.
func TestAFileIsLetGoOfWithItsPage(t *testing.T) { everywhere(t, aFileIsLetGoOfWithItsPage) }

func aFileIsLetGoOfWithItsPage(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	addThree(site)
	path := fileOf(t, "many.csv", googleFile(3000))
	users := openUsers(t, b, site.URL())
	users.Go("/import")
	users.See("heading", "From a file")
	users.isCutOff(path, fmt.Sprintf("location.assign(%q)", elsewhere))
	users.isElsewhere()

	next := openUsers(t, b, site.URL())
	next.SeeText("The import of many.csv ended early: ")
	next.edit("Ann Archer", harness.Person{Bio: "Draws"})
	next.leftNoEntry()
	next.Click("button", "Continue")
	next.See("heading", "The last import")
	next.Choose("import-file", path)
	next.SeeText("unchanged")
	next.Click("button", next.importButton())
	next.See("heading", "Imported")

	users.Front()
	users.Return()
	users.SeeText("3,000 users were added or changed from many.csv.")
	users.Click("link", "Export")
	users.SeeText("3,003 users")
	harness.Eval[bool](users.Page, fmt.Sprintf(`(document.getElementById("export-save").click(), location.assign(%q), true)`, elsewhere))
	users.isElsewhere()

	next.Front()
	next.Click("button", "Undo the import")
	next.SeeText("3,000 users are as before.")
	users.Front()
	users.Return()
	users.SeeText("3 users")
	next.Front()
	next.Click("link", "Show the list")
	next.count(3)
	next.hasState("Ann Archer", "")
}

// TestARoundIsLetGoOfWithItsPage: the page whose worker waits for the server's answer is left. The next one does not
// wait for its lock.
func TestARoundIsLetGoOfWithItsPage(t *testing.T) { everywhere(t, aRoundIsLetGoOfWithItsPage) }

func aRoundIsLetGoOfWithItsPage(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	before := countersOf(site)
	var batches atomic.Int64
	held, release := site.Proxy.HoldAnswers(func(r *http.Request) bool { return isBatch(r) && batches.Add(1) == 1 })
	defer release()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	await(t, held, "the server's answer is under way")
	users.leaves()

	next := openUsers(t, b, site.URL())
	next.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	next.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	next.Click("link", "Sync")
	next.See("heading", "Diagnostics")
	if text := next.Text(); strings.Contains(text, "took over") {
		t.Errorf("a takeover was needed: %.3000q", text)
	}
	release()
	users.Front()
	users.Return()
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.edit("Carl Cole", harness.Person{Bio: "Digs deep"})
	users.hasState("Carl Cole", "")
	users.matchesServer(site)
	checkChanges(t, site, before, 3, 0)
}

func TestPageReturnsFromBackForwardCache(t *testing.T) {
	t.Parallel()
	site, b, users := openThree(t)
	before := countersOf(site)
	refusals := users.WatchBFCache()
	harness.Eval[bool](users.Page, `globalThis.sameDocument = true`)
	users.Go("/healthz")

	// The page in the cache must block nobody.
	other := openUsers(t, b, site.URL())
	other.edit("Ann Archer", harness.Person{Bio: "Draws"})
	other.hasState("Ann Archer", "")
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	other.hasState("Zed Zimmer", "")

	users.Front()
	users.Return()
	users.See("heading", "Users")
	kept := harness.Eval[bool](users.Page, `globalThis.sameDocument === true`)
	if !kept {
		t.Errorf("the browser did not keep the page: %v", refusals.Reasons())
	}
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole", "Zed Zimmer")
	users.isOnline()
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	other.hasState("Bob Baker", "")
	users.matchesServer(site)
	other.Close()
	users.edit("Carl Cole", harness.Person{Bio: "Digs deep"})
	users.hasState("Carl Cole", "")
	users.matchesServer(site)
	checkChanges(t, site, before, 3, 1)
	b.WaitWorkers(site.URL(), 1)
}
