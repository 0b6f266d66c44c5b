package app

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestAFirstVisitThatHasToSignIn: nothing loads before that.
func TestAFirstVisitThatHasToSignIn(t *testing.T) {
	now := time.Now()
	s := syncState{now: now, status: sync.Status{At: now, Phase: sync.Failed, Resync: &sync.ResyncProgress{}, Problem: api.NewProblem(api.CodeSignIn, "Sign in to sync", "")}}
	if got := s.line().text; got != "Sign in to sync" {
		t.Errorf("says %q", got)
	}
}

func TestStatusLine(t *testing.T) {
	synced := noon.Add(-3 * time.Minute)
	for _, c := range []struct {
		name         string
		s            syncState
		text, detail string
		tone         tone
	}{
		{"start", syncState{}, "Connecting", "", toneWaiting},
		{"idle", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Success, Online: true, SyncedAt: synced}}, "Online", "Synced 3 minutes ago", toneOK},
		{"offline", syncState{reach: sync.ReachOffline, status: sync.Status{SyncedAt: synced}}, "Offline", "Synced 3 minutes ago", toneWaiting},
		{"offline with work", syncState{reach: sync.ReachOffline, counts: queue.Counts{Waiting: 2}}, "Offline, 2 changes waiting", "", toneWaiting},
		{"one change", syncState{reach: sync.ReachOnline, counts: queue.Counts{Waiting: 1}}, "Online, 1 change waiting", "", toneWaiting},
		{"syncing", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Syncing, SyncedAt: synced}}, "Syncing", "", toneBusy},
		{"syncing work", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Syncing}, counts: queue.Counts{Waiting: 3}}, "Syncing, 3 changes waiting", "", toneBusy},
		{"trying while offline", syncState{reach: sync.ReachOffline, status: sync.Status{Phase: sync.Syncing}}, "Offline", "", toneWaiting},
		{"failed online", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Failed, Online: true}}, "Online, last sync failed", "", toneFailed},
		{"asked to wait", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Failed, RetryAt: noon.Add(50 * time.Second), SyncedAt: synced}},
			"Online, last sync failed", "The server asks to wait, next try in 50 seconds", toneFailed},
		{"rebuilding", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Syncing, Resync: &sync.ResyncProgress{Arrived: 1500}}}, "Rebuilding the list", "1,500 users so far", toneBusy},
		{"loading for the first time", syncState{status: sync.Status{Phase: sync.Syncing, Resync: &sync.ResyncProgress{First: true}}}, "Loading the list", "", toneBusy},
		{"rebuilding while offline", syncState{reach: sync.ReachOffline, status: sync.Status{Resync: &sync.ResyncProgress{Arrived: 500}}}, "Offline", "", toneWaiting},
		{"no worker runs", syncState{status: sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: sync.CodeNoWorker}}}, "Connecting, syncing can't start", "", toneFailed},
		{"signed out", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: api.CodeSignIn}, At: noon}}, "Sign in to sync", "", toneFailed},
		{"too old a version", syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Failed, Online: true, Problem: &api.Problem{Code: api.CodeClientTooOld}, At: noon, RetryAt: noon.Add(time.Minute)}, counts: queue.Counts{Waiting: 2}},
			"Reload to sync, 2 changes waiting", "", toneFailed},
		{"a portal", syncState{reach: sync.ReachOffline, status: sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: api.CodeSignIn}, At: noon}, counts: queue.Counts{Waiting: 1}},
			"Sign in to sync, 1 change waiting", "", toneFailed},
	} {
		c.s.now = noon
		if got := c.s.line(); got != (statusLine{c.text, c.detail, c.tone}) {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}

func TestBadge(t *testing.T) {
	for _, c := range []struct {
		counts        queue.Counts
		number, words string
	}{
		{queue.Counts{Rows: 9}, "", ""},
		{queue.Counts{Waiting: 1}, "1", "1 change waiting"},
		{queue.Counts{Waiting: 2, Rejected: 1, Conflicts: 1}, "4", "2 to review, 2 waiting"},
		{queue.Counts{Waiting: 100}, "99+", "100 changes waiting"},
	} {
		if number, words := badge(c.counts); number != c.number || words != c.words {
			t.Errorf("%+v: got %q, %q", c.counts, number, words)
		}
	}
}

func TestAWorkerThatCantStart(t *testing.T) {
	b := open(t, "/sync")
	b.status(sync.Status{Phase: sync.Failed, Host: sync.ByPage, Problem: &api.Problem{
		Title: "The sync worker does not run", Detail: "the server answered 500", Code: sync.CodeNoWorker}})
	b.untilText("Connecting, syncing can't start")
	b.untilText("The last sync failed: The sync worker does not run: the server answered 500.")
	if strings.Contains(text(b.root), "Offline - Changes will sync when connected") {
		t.Error("it says that the network is the reason")
	}
}
