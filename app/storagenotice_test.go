package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestNoticeFor(t *testing.T) {
	lost := map[noticeKind]bool{lostNotice: true}
	network := map[noticeKind]bool{networkNotice: true}
	for _, c := range []struct {
		name      string
		state     StorageState
		dismissed map[noticeKind]bool
		want      noticeKind
		says      string
	}{
		{"all is well", StorageState{}, nil, noNotice, ""},
		{"blocked by another tab", StorageState{Trouble: queue.ErrBlocked}, nil, blockedNotice, "Close other tabs"},
		{"outdated prevails over what was lost", StorageState{Trouble: queue.ErrOutdated, Lost: true}, nil, outdatedNotice, "Reload"},
		{"full", StorageState{Trouble: queue.ErrQuota}, nil, troubleNotice, "no room left"},
		{"no answer", StorageState{Trouble: queue.ErrTimeout}, nil, troubleNotice, "did not answer in time"},
		{"uncertain", StorageState{Trouble: queue.ErrUncertain}, nil, troubleNotice, "did not confirm that it saved"},
		{"closed", StorageState{Trouble: queue.ErrClosed}, nil, troubleNotice, "closed the connection"},
		{"lost", StorageState{Lost: true}, nil, lostNotice, "were not synced yet are lost"},
		{"lost, dismissed", StorageState{Lost: true}, lost, noNotice, ""},
		{"in memory", StorageState{Volatile: true, NeedsNetwork: true}, nil, volatileNotice, "only safe once it is synced"},
		{"in memory can't be dismissed", StorageState{Volatile: true}, network, volatileNotice, ""},
		{"no service worker", StorageState{NeedsNetwork: true}, nil, networkNotice, "works offline as usual"},
		{"no service worker, dismissed", StorageState{NeedsNetwork: true}, network, noNotice, ""},
	} {
		got := noticeFor(c.state, dataLoss{resynced: true}, c.dismissed)
		if got.kind != c.want || !strings.Contains(got.heading+" "+got.text, c.says) {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
	for loss, want := range map[dataLoss]string{
		{}:                                "is loading again",
		{resynced: true}:                  "has been loaded again",
		{whileOpen: true}:                 "Reload to load everything",
		{whileOpen: true, resynced: true}: "has been loaded again",
	} {
		if got := noticeFor(StorageState{Lost: true}, loss, nil); !strings.Contains(got.text, want) {
			t.Errorf("%+v: it says %q", loss, got.text)
		}
	}
}

func TestStorageTroubleIsAnnouncedAndRetried(t *testing.T) {
	b := open(t, "/")
	b.untilText("No users yet")
	b.device.setStorageState(StorageState{Trouble: queue.ErrTimeout})
	b.untilText("Changes can't be saved right now.")
	b.until("it to be announced", func() bool { return strings.Contains(b.root.s.announcement, "Changes can't be saved") })
	b.click("Try again")
	b.until("the notice to go", func() bool { return b.root.notice().kind == noNotice })
	if b.device.tried != 1 {
		t.Errorf("the storage was tried %d times", b.device.tried)
	}
	if b.root.s.announcement != "Changes can be saved again" {
		t.Errorf("it says %q", b.root.s.announcement)
	}
}

func TestDataLossIsShownUntilAcknowledged(t *testing.T) {
	b := open(t, "/")
	b.device.setStorageState(StorageState{Lost: true})
	b.untilText("This browser cleared Rollcall's data.")
	// The last sync was before the loss.
	b.untilText("Reload to load everything that was synced.")
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now().Add(time.Second)})
	b.untilText("has been loaded again")
	b.click("Keep my data")
	b.untilText("The browser will keep your data")
	b.click("Dismiss")
	b.until("the acknowledgement", func() bool { return b.device.acknowledged })
	b.untilGone("This browser cleared")
	b.device.setStorageState(StorageState{Lost: true}) // once more
	b.untilText("This browser cleared Rollcall's data.")
}

func TestLeavingIsGuardedWhileThePageHasTheOnlyCopy(t *testing.T) {
	b := open(t, "/")
	id := b.add("Ann Lee", "ann@example.org")
	b.untilText("1 change waiting")
	if b.device.guarded {
		t.Error("a change that is stored on the device guards the page")
	}
	b.device.setStorageState(StorageState{Volatile: true})
	b.untilText("Nothing is stored on this device.")
	b.until("the guard", func() bool { return b.device.guarded })
	b.reject(id) // a rejected change is only here, too
	b.until("the rejection", func() bool { return b.root.s.counts.Rejected == 1 && b.device.guarded })
	b.change(id, func(e *queue.Entity) { e.Operations = nil })
	b.until("the guard to go", func() bool { return !b.device.guarded })
}

func TestAFormThatFailedToSaveGuardsThePage(t *testing.T) {
	b := open(t, "/")
	b.root.s.Users = fullDisk{b.root.s.Users}
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann Lee", "email": "ann@example.org"})
	if b.device.guarded {
		t.Error("it is guarded before anything failed")
	}
	b.submit()
	b.untilText("Not saved.")
	b.until("the guard", func() bool { return b.device.guarded })
	b.click("Cancel")
	b.closeDialogs()
	b.until("the guard to go", func() bool { return !b.device.guarded })
}

func TestReloadKeepsWhatWasTyped(t *testing.T) {
	for _, edits := range []bool{false, true} {
		b := open(t, "/")
		id := b.add("Ann Lee", "ann@example.org")
		b.untilText("Ann Lee")
		b.device.setStorageState(StorageState{Trouble: queue.ErrOutdated})
		b.untilText("A newer version of Rollcall is in use.")
		good := b.root.s.Users
		b.root.s.Users = outdated{good}
		if edits {
			b.click("Edit Ann Lee")
		} else {
			b.click("Add user")
		}
		typed := map[string]string{"name": "Bea Low", "email": "bea@example.org", "bio": "Long text"}
		b.fill(typed)
		b.submit()
		b.untilText("Not saved. A newer version")
		b.device.guarded = false
		b.click("Reload")
		if !b.device.applied || b.device.resumed == "" || b.device.guarded {
			t.Fatalf("applied %v, draft %q, guarded %v", b.device.applied, b.device.resumed, b.device.guarded)
		}

		again := &browser{t: t, store: b.store, users: b.users, engine: b.engine, device: b.device}
		b.device.crash()
		b.device.storageState = StorageState{}
		again.start(dependencies(b.users, b.device))
		again.visit("/")
		again.until("the form to open", func() bool { return len(again.device.opened) == 1 })
		form := component[*formDialog](again)
		if got := fmt.Sprint(form.edit.values()); got != fmt.Sprint(typed) || form.adding() == edits {
			t.Fatalf("the form holds %s, for a new user: %v", got, form.adding())
		}
		again.submit()
		again.untilText("Bea Low")
		if edits {
			if r, err := good.Get(t.Context(), id); err != nil || r.Value.Name != "Bea Low" {
				t.Errorf("the user is %+v, %v", r, err)
			}
		}
	}
}

// A form that is saved again after an uncertain first time creates one user.
func TestSavingAgainCreatesOneUser(t *testing.T) {
	b := open(t, "/")
	good := b.root.s.Users
	b.root.s.Users = uncertain{good}
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann Lee", "email": "ann@example.org"})
	b.submit()
	b.untilText("The browser did not confirm that this was saved.")
	b.untilText("Press Save again: nothing is saved twice.")
	if form := component[*formDialog](b); form.edit["name"].value != "Ann Lee" {
		t.Errorf("the form holds %v", form.edit.values())
	}
	b.root.s.Users = good
	b.fill(map[string]string{"bio": "More"})
	b.submit()
	b.untilText("1 user")
	page, err := good.List(t.Context(), repository.Query{Limit: 5})
	if err != nil || page.Total != 1 || page.Records.At(0).Value.Bio != "More" {
		t.Errorf("there are %+v, %v", page, err)
	}
}

func TestPersistenceIsRequestedOnceAfterASave(t *testing.T) {
	b := open(t, "/")
	b.click("Add user")
	b.fill(map[string]string{"name": "Ann Lee"})
	b.submit() // not saved: it has no email
	b.untilText("Email is required")
	if n := b.device.timesAsked(); n != 0 {
		t.Fatalf("asked %d times before anything was saved", n)
	}
	b.device.promises = false
	b.fill(map[string]string{"email": "ann@example.org"})
	b.submit()
	b.until("the browser to be asked", func() bool { return b.device.timesAsked() == 1 })
	b.click("Edit Ann Lee")
	b.fill(map[string]string{"bio": "North hall"})
	b.submit()
	b.until("the second save", func() bool { return b.root.s.announcement == "Saved Ann Lee" })
	b.settle()
	if n := b.device.timesAsked(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	b.visit("/sync")
	b.untilText("The browser has not promised to keep your data")
	b.device.promises = true
	b.click("Ask again")
	b.untilText("The browser has promised to keep your data")
}
