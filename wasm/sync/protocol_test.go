package sync_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// TestAServerThatTakesNoOldVersions: it says so in words, nothing in the queue is touched, and
// all is sent once a newer version runs.
func TestAServerThatTakesNoOldVersions(t *testing.T) {
	w := testbed.New(t)
	d := w.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.Fallback{
			Batch: &remote.Server{HTTP: http, Paths: directory.Paths},
			Plain: &remote.REST{HTTP: http, Paths: directory.Paths, Dialect: remote.Rollcall, Now: func() time.Time { return w.Now }},
		}
	})
	d.Add("Ann")
	d.Sync()
	for _, name := range []string{"Bo", "Cy", "Di"} {
		d.Add(name)
	}
	data := w.Copy()
	w.Oldest = api.Protocol + 1
	w.StartOn(data)
	before := len(d.Sent())
	for n := range 2 * queue.MaxServerErrors {
		report, err := d.Engine.Round(t.Context(), sync.Manual)
		var failed *sync.RequestError
		if !errors.As(err, &failed) || failed.Kind != sync.TooOld || failed.RetryAfter != sync.MaxRetryAfter || report.Problem.Code != api.CodeClientTooOld {
			t.Fatalf("the round ended with %v, %+v", err, report)
		}
		if sent := len(d.Sent()) - before; sent != n+1 {
			t.Errorf("%d requests in %d rounds", sent, n+1)
		}
	}
	d.Shows("Ann(); Bo() pending; Cy() pending; Di() pending")
	if users := w.Users(); len(users) != 1 {
		t.Errorf("the server has %d users", len(users))
	}
	w.Oldest = api.Protocol
	w.StartOn(data)
	d.Sync()
	d.Shows("Ann(); Bo(); Cy(); Di()")
}

// TestAVersionThatSaysNothing: a program of before there were versions counts as the first.
func TestAVersionThatSaysNothing(t *testing.T) {
	w := testbed.New(t)
	d := w.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.Server{Paths: directory.Paths, HTTP: without{http, api.HeaderProtocol}}
	})
	d.Add("Ann")
	d.Sync()
	d.Add("Bo")
	w.Oldest = 2
	w.StartOn(w.Copy())
	if _, err := d.Engine.Round(t.Context(), sync.Manual); sync.ProblemFor(err).Code != api.CodeClientTooOld {
		t.Errorf("it ended with %v", err)
	}
	d.Shows("Ann(); Bo() pending")
}

// without is an HTTP that leaves a header out.
type without struct {
	sync.HTTP
	header string
}

func (o without) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	r.Header = maps.Clone(r.Header)
	delete(r.Header, o.header)
	return o.HTTP.Do(ctx, r)
}

// TestTooOldAHostAsksSeldom: each try is for nothing until a person has reloaded the page. One
// who presses "Sync now" is told at once.
func TestTooOldAHostAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		w.Oldest = api.Protocol + 1
		w.StartOn(w.Copy())
		h := newHosted(t, w)
		defer h.cancel()
		pass(time.Second)
		begun := len(h.Sent())
		for range 20 {
			h.Add("N" + time.Now().Format("150405"))
			pass(time.Minute)
		}
		if sent := len(h.Sent()) - begun; sent < 2 || sent > 5 {
			t.Errorf("%d requests in 20 minutes: %v", sent, slices.Compact(h.Sent()))
		}
		begun = len(h.Sent())
		report, err := h.SyncAll(t.Context())
		if err != nil || report.Problem == nil || report.Problem.Code != api.CodeClientTooOld || report.Waiting != 20 || len(h.Sent()) != begun+1 {
			t.Errorf("%+v, %v", report, err)
		}
	})
}
