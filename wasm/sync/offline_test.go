package sync_test

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestReachOfEvidence(t *testing.T) {
	const unknown, online, offline = sync.ReachUnknown, sync.ReachOnline, sync.ReachOffline
	for _, c := range []struct {
		attempt sync.Attempt
		stale   bool
		want    map[sync.Reach]sync.Reach // by the conclusion before
	}{
		{sync.NoAttempt, false, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: offline}},
		{sync.NoAttempt, true, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: offline}},
		{sync.Answered, false, map[sync.Reach]sync.Reach{unknown: online, online: online, offline: online}},
		{sync.Answered, true, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: offline}},
		{sync.Unanswered, false, map[sync.Reach]sync.Reach{unknown: offline, online: offline, offline: offline}},
		{sync.Unanswered, true, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: offline}},
		{sync.DeviceFailed, false, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: unknown}},
		{sync.DeviceFailed, true, map[sync.Reach]sync.Reach{unknown: unknown, online: unknown, offline: offline}},
	} {
		for was, want := range c.want {
			e := sync.Evidence{Attempt: c.attempt, Stale: c.stale, Was: was}
			if got := e.Reach(); got != want {
				t.Errorf("%+v: got %v, want %v", e, got, want)
			}
			e.BrowserOffline = true
			want := offline
			if c.attempt == sync.Answered && !c.stale {
				want = online // the server knows better
			}
			if got := e.Reach(); got != want {
				t.Errorf("%+v: got %v, want %v", e, got, want)
			}
		}
	}
}

func TestReachOfAStatus(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	failed := func(code api.Code) sync.Status {
		return sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: code}}
	}
	for _, c := range []struct {
		name   string
		was    sync.Reach
		age    time.Duration
		status sync.Status
		want   sync.Reach
	}{
		{"nothing was tried", sync.ReachUnknown, 0, sync.Status{}, sync.ReachUnknown},
		{"the server answered", sync.ReachOffline, 0, sync.Status{Phase: sync.Success, Online: true}, sync.ReachOnline},
		{"with an error", sync.ReachUnknown, 0, sync.Status{Phase: sync.Failed, Online: true}, sync.ReachOnline},
		{"it did not answer", sync.ReachOnline, 0, failed(api.CodeUnavailable), sync.ReachOffline},
		{"the next try is under way", sync.ReachOffline, 0, sync.Status{Phase: sync.Syncing}, sync.ReachOffline},
		{"no worker runs", sync.ReachOnline, 0, failed(sync.CodeNoWorker), sync.ReachUnknown},
		{"the storage fails", sync.ReachOffline, 0, failed(api.CodeInternal), sync.ReachUnknown},
		{"renewed in time", sync.ReachOnline, sync.StatusLasts, sync.Status{Online: true}, sync.ReachOnline},
		{"not renewed", sync.ReachOnline, sync.StatusLasts + 1, sync.Status{Online: true}, sync.ReachUnknown},
	} {
		c.status.At = now.Add(-c.age)
		if got := c.status.Reach(c.was, true, now); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
		want := sync.ReachOffline
		if c.want == sync.ReachOnline {
			want = sync.ReachOnline
		}
		if got := c.status.Reach(c.was, false, now); got != want {
			t.Errorf("%s, and the browser is offline: got %v", c.name, got)
		}
	}
}
