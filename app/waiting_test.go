package app

import (
	"fmt"
	"slices"
	"testing"
	"time"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestWhyChangesWait(t *testing.T) {
	now := time.Now()
	failed := func(code api.Code) sync.Status {
		return sync.Status{Phase: sync.Failed, At: now, Problem: &api.Problem{Code: code}}
	}
	for want, s := range map[string]syncState{
		"They are sent in a moment.":                                                        {reach: sync.ReachOnline},
		"They are sent once this device is online and Rollcall is open.":                    {reach: sync.ReachOffline},
		"They are sent once you have signed in.":                                            {reach: sync.ReachOffline, status: failed(api.CodeSignIn)},
		"They stay on this device: this account is disabled.":                               {status: failed(api.CodeAccountDisabled)},
		"They are being sent now.":                                                          {reach: sync.ReachOnline, status: sync.Status{Phase: sync.Syncing, At: now}},
		"The server asks to wait. The next try is in 2 minutes.":                            {reach: sync.ReachOnline, status: sync.Status{At: now, RetryAt: now.Add(2 * time.Minute)}},
		"They are sent once you have reloaded: this version of the app is too old to sync.": {status: failed(api.CodeClientTooOld)},
		"The last try failed. " + problemText(&api.Problem{Code: api.CodeInternal}) + " Rollcall tries again by itself; “Sync now” tries at once.": {
			reach: sync.ReachOnline, status: failed(api.CodeInternal)},
	} {
		s.now = now
		if got := s.waitingText(false); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (syncState{reach: sync.ReachOffline}).waitingText(true); got != "They are sent once this device is online, even if Rollcall is closed by then." {
		t.Error(got)
	}
}

func TestOneDecisionForAllOfAKind(t *testing.T) {
	b := open(t, "/sync")
	for i := range 3 {
		b.reject(b.add(fmt.Sprint("Ann ", i), fmt.Sprintf("ann%d@example.org", i)))
	}
	other := b.add("Bob", "bob@example.org")
	b.change(other, func(e *queue.Entity) {
		e.Operations[0].State, e.Operations[0].LastError = queue.Rejected, &api.Problem{Code: api.CodeForbidden, Title: "Forbidden"}
	})
	const why = "Another user already has this email."
	b.untilText("3 changes were refused for this reason: " + why)
	rejected := func() []string {
		ops, err := b.users.NeedsAttention(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return keysOf(ops, func(o queue.Operation) string { return operationName(o) })
	}
	b.click("Discard all: " + why)
	b.untilText("Discard 3 changes?")
	dialog := component[*confirmDialog](b)
	b.d.Emit(dialog, func() { dialog.yes(contextOf(b), ui.Event{}) })
	b.closeDialogs()
	b.until("Bob alone", func() bool { return slices.Equal(rejected(), []string{"Bob"}) })
	b.untilGone("were refused for this reason")

	for i := range 2 {
		b.reject(b.add(fmt.Sprint("Cy ", i), fmt.Sprintf("cy%d@example.org", i)))
	}
	b.click("Retry all: " + why)
	b.until("Bob alone", func() bool { return slices.Equal(rejected(), []string{"Bob"}) })
	if waiting, err := b.users.Waiting(t.Context(), 10); err != nil || len(waiting) != 2 {
		t.Errorf("%d are sent again, %v", len(waiting), err)
	}
}

func TestWhatWaitsIsInTheTitleAndOnTheIcon(t *testing.T) {
	b := open(t, "/sync")
	b.add("Ann", "ann@example.org")
	b.until("the badge", func() bool { return b.device.app.badge == 1 })
	b.reject(b.add("Bob", "bob@example.org"))
	b.until("the badge", func() bool { return b.device.app.badge == 2 })
	if got := b.root.s.title(); got != "(2) Sync - Rollcall" {
		t.Errorf("the title is %q", got)
	}
}

func TestWhatWouldBeLost(t *testing.T) {
	b := open(t, "/sync")
	b.untilText("nothing would be lost")
	b.add("Ann", "ann@example.org")
	b.untilText("If this device lost its data now, 1 change that the server does not have would be lost.")
}

func TestEstimateOfAFirstSync(t *testing.T) {
	start := time.Now()
	var p pace
	for _, c := range []struct {
		after          time.Duration
		arrived, total int
		want           string
	}{
		{0, 0, 0, ""},
		{0, 500, 10_000, "500 of 10,000 users"},
		{time.Second, 1_000, 10_000, "1,000 of 10,000 users"}, // too early to tell
		{4 * time.Second, 2_500, 10_000, "2,500 of 10,000 users, ready in 12 seconds"},
		{8 * time.Second, 5_000, 10_000, "5,000 of 10,000 users, ready in 8 seconds"},
		{9 * time.Second, 10_200, 10_000, "10,200 users so far"}, // more have been added
		{10 * time.Second, 10_200, 0, "10,200 users so far"},     // a server that says nothing
	} {
		now := start.Add(c.after)
		r := &sync.ResyncProgress{First: true, Arrived: c.arrived, Total: c.total}
		p = p.followed(r, now)
		if text, detail := (syncState{reach: sync.ReachOnline, status: sync.Status{Resync: r, At: now}, pace: p, now: now}).words(); text != "Loading the list" || detail != c.want {
			t.Errorf("after %v: %q, %q", c.after, text, detail)
		}
	}
	if p.followed(nil, start) != (pace{}) {
		t.Error("the pace of one list is that of the next")
	}
}

func TestInstallIsOfferedOnceSomethingIsSaved(t *testing.T) {
	for way, want := range map[InstallWay]string{ByPrompt: "opens like any other app", ByShare: "Add to Home Screen"} {
		b := openPrepared(t, "/", func(d *device) { d.app.way = way })
		if b.root.s.offerInstall(); b.has("button", "Not now") {
			t.Error("it is offered before anything was saved")
		}
		b.click("Add user")
		b.fill(map[string]string{"name": "Ann Lee", "email": "ann@example.org"})
		b.submit()
		b.untilText(want)
		b.click("Not now")
		b.untilGone(want)
		if !b.device.app.declined {
			t.Error("it will be offered again")
		}
		b.visit("/sync")
		b.untilText(want)
	}
}
