package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestTheFirstLoadIsNeverAnEmptyList(t *testing.T) {
	b := open(t, "/sync")
	b.root.s.Syncer = fixedStatus{b.root.s.Syncer, sync.Status{Phase: sync.Syncing, At: time.Now(), Resync: &sync.ResyncProgress{First: true, Arrived: 1500}}}
	b.visit("/")
	page := component[*usersPage](b)
	b.until("the list", func() bool { return page.loaded })
	b.d.Emit(page, func() {
		page.firstSyncTimedOut = true // as after firstSyncTime
		b.root.readStatus()
		b.root.showStatus()
	})
	b.untilText("Loading the list")
	b.untilText("1,500 users so far")
	if strings.Contains(text(b.root), "No users yet") {
		t.Error("an empty list is shown during the first load")
	}
}

// TestTheListSaysHowFarTheFirstLoadIs, also where there are rows already; later loads say nothing there.
func TestTheListSaysHowFarTheFirstLoadIs(t *testing.T) {
	for name, c := range map[string]struct {
		progress *sync.ResyncProgress
		count    string
	}{
		"the first":                {&sync.ResyncProgress{First: true, Arrived: 1500, Total: 10_000}, "1,500 of 10,000 users"},
		"of nobody knows how many": {&sync.ResyncProgress{First: true, Arrived: 1500}, "1 user"},
		"a rebuild":                {&sync.ResyncProgress{Arrived: 1500, Total: 10_000}, "1 user"},
		"none":                     {nil, "1 user"},
	} {
		b := open(t, "/sync")
		b.add("Ann Archer", "ann@example.org")
		b.root.s.Syncer = fixedStatus{b.root.s.Syncer, sync.Status{Phase: sync.Syncing, At: time.Now(), Resync: c.progress}}
		b.visit("/")
		page := component[*usersPage](b)
		b.until("the list", func() bool { return page.loaded })
		b.d.Emit(page, b.root.readStatus)
		b.untilText("Ann Archer")
		if got := page.count(); got != c.count {
			t.Errorf("%s: the count is %q, want %q", name, got, c.count)
		}
		if shown := b.has("progress", "Loading the list"); shown != (name == "the first") {
			t.Errorf("%s: it shows a progress: %v", name, shown)
		}
	}
}

// What the shell has shown stays until there are rows.
func TestTheFirstLoadKeepsThePreview(t *testing.T) {
	b := open(t, "/sync")
	b.device.preview = []api.User{{ID: uuid.NewString(), Name: "Ann Archer", Email: "ann@example.org"}}
	b.root.s.Syncer = fixedStatus{b.root.s.Syncer, sync.Status{Phase: sync.Syncing, At: time.Now(), Resync: &sync.ResyncProgress{First: true}}}
	b.visit("/")
	page := component[*usersPage](b)
	b.until("the list", func() bool { return page.loaded })
	b.d.Emit(page, b.root.readStatus)
	b.untilText("ann@example.org")
	if b.has("button", "Edit Ann Archer") {
		t.Error("someone of whom there is no row can be edited")
	}
	b.add("Bob Baker", "bob@example.org")
	b.untilText("Bob Baker")
	b.untilGone("Ann Archer")
}

// Who comes back to the list has seen newer rows than the preview's.
func TestThePreviewIsForTheFirstLoadAlone(t *testing.T) {
	b := open(t, "/sync") // synced, as its status says
	b.device.preview = []api.User{{ID: uuid.NewString(), Name: "Ann Archer", Email: "ann@example.org"}}
	b.until("the status", func() bool { return !b.root.s.status.SyncedAt.IsZero() })
	for _, page := range []*usersPage{{S: b.root.s}, {S: b.root.s, total: 1}, {S: b.root.s, view: listView{search: "a"}}} {
		page.renderContent()
		if page.content.slots[0] != "skeleton" {
			t.Errorf("a list of %d that was there before shows the %s", page.total, page.content.slots[0])
		}
	}
}

// An empty list says what is known of the server's.
func TestAnEmptyListSaysWhatIsKnown(t *testing.T) {
	problem := &api.Problem{Title: "The server's answer can't be read"}
	synced := time.Now()
	for name, c := range map[string]struct {
		status sync.Status
		want   string
		never  bool // once the first sync had its time
	}{
		"synced":                  {sync.Status{Phase: sync.Success, Online: true, SyncedAt: synced}, "No users yet", false},
		"synced once, now failed": {sync.Status{Phase: sync.Failed, SyncedAt: synced, Problem: problem}, "No users yet", false},
		"the first sync failed":   {sync.Status{Phase: sync.Failed, Online: true, Problem: problem}, "The first sync failed: The server's answer can't be read.", false},
		"it failed within":        {sync.Status{Phase: sync.Failed, Online: true, Problem: problem, Resync: &sync.ResyncProgress{First: true}}, "Not loaded yet", false},
		"no answer":               {sync.Status{Phase: sync.Idle, Online: true}, "The server has not answered yet.", true},
	} {
		b := open(t, "/sync")
		c.status.At = time.Now()
		b.root.s.Syncer = fixedStatus{b.root.s.Syncer, c.status}
		b.visit("/")
		page := component[*usersPage](b)
		b.until("the list", func() bool { return page.loaded })
		b.d.Emit(page, func() {
			page.firstSyncTimedOut = c.never
			b.root.readStatus()
		})
		b.until(name, func() bool { return strings.Contains(text(b.root), c.want) })
		if c.want != "No users yet" && strings.Contains(text(b.root), "No users yet") {
			t.Errorf("%s: it says that the list is empty", name)
		}
	}
}

// fixedStatus is an engine with a status of the test's.
type fixedStatus struct {
	Syncer
	status sync.Status
}

func (f fixedStatus) Status() sync.Status { return f.status }
