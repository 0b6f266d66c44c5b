package app

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestTheFirstLoadIsNeverAnEmptyList(t *testing.T) {
	b := open(t, "/sync")
	b.root.s.Syncer = newcomer{b.root.s.Syncer, sync.Status{Phase: sync.Syncing, At: time.Now(), Resync: &sync.ResyncProgress{First: true, Arrived: 1500}}}
	b.visit("/")
	page := component[*usersPage](b)
	b.until("the list", func() bool { return page.loaded })
	b.d.Emit(page, func() {
		page.impatient = true // as after a long while
		b.root.look()
		b.root.present()
	})
	b.untilText("Loading the list")
	b.untilText("1,500 users so far")
	if strings.Contains(text(b.root), "No users yet") {
		t.Error("an empty list is shown while the first one is on its way")
	}
}

// newcomer is an engine with a status of the test's.
type newcomer struct {
	Syncer
	status sync.Status
}

func (n newcomer) Status() sync.Status { return n.status }

func TestIncidentsAreUnderDiagnostics(t *testing.T) {
	b := open(t, "/")
	log := &sync.IncidentLog{Store: b.store, Writer: sync.ByPage, Now: time.Now}
	log.Note("The sync worker fell silent and was replaced")
	b.until("the incident to be saved", func() bool {
		list, err := b.users.Incidents(t.Context())
		return err == nil && len(list) == 1
	})
	b.visit("/sync")
	b.untilText("The sync worker fell silent and was replaced")
	b.untilText("A few seconds ago. Not over yet.")
	log.Recovered()
	b.until("the recovery to be saved", func() bool {
		list, err := b.users.Incidents(t.Context())
		return err == nil && len(list) == 1 && !list[0].Recovered.IsZero()
	})
	b.status(sync.Status{Phase: sync.Success, Online: true})
	b.untilText("A few seconds ago. It works again.")
}

func TestAWorkerThatDoesNotStartIsSaid(t *testing.T) {
	b := open(t, "/sync")
	b.status(sync.Status{Phase: sync.Failed, Host: sync.ByPage, Problem: &api.Problem{
		Title: "The sync worker does not run", Detail: "the server answered 500", Code: sync.CodeNoWorker}})
	b.untilText("Connecting, syncing does not start")
	b.untilText("The last sync failed: The sync worker does not run: the server answered 500.")
	if strings.Contains(text(b.root), "Offline - Changes will sync when connected") {
		t.Error("the network is blamed")
	}
}
