package app

import (
	"strings"
	"testing"
	"time"

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

// fixedStatus is an engine with a status of the test's.
type fixedStatus struct {
	Syncer
	status sync.Status
}

func (f fixedStatus) Status() sync.Status { return f.status }
