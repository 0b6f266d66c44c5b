package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// newPlainWorld is the real server's plain resources and nothing else.
func newPlainWorld(t *testing.T) *world {
	w := newWorld(t)
	whole := w.handler
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/users") {
			http.NotFound(rw, r)
			return
		}
		whole.ServeHTTP(rw, r)
	})
	return w
}

func (w *world) rest(http sync.HTTP) *sync.REST {
	return &sync.REST{HTTP: http, Paths: directory.Paths, Dialect: sync.Rollcall, Now: func() time.Time { return w.now }}
}

func (w *world) plain(http sync.HTTP) sync.Remote { return w.rest(http) }

func (w *world) plainDevice() *device { return w.deviceOn(w.plain) }

// asked counts the requests whose method and path begin so.
func (d *device) asked(prefix string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.sent {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// later lets so much time pass that everything is listed again.
func (w *world) later() { w.now = w.now.Add(sync.DefaultListEvery) }

func TestPlainRESTSyncsTwoDevices(t *testing.T) {
	ctx := context.Background()
	w := newPlainWorld(t)
	a, b := w.plainDevice(), w.plainDevice()
	id, gone := a.create("Ann"), a.create("Bo")
	if r := a.sync(); r.Pushed != 2 || r.Waiting != 0 {
		t.Errorf("report %+v", r)
	}
	b.sync()
	b.shows("Ann(); Bo()")
	w.now = w.now.Add(time.Second)
	b.wrote(b.Update(ctx, id, bio("hello")))
	b.wrote(b.Delete(ctx, gone))
	b.sync()
	b.shows("Ann(hello)")
	a.sync()
	a.shows("Ann(hello); Bo()") // a poll tells of no deletion
	w.later()
	a.sync()
	a.shows("Ann(hello)")
	if n := b.asked("PATCH") + b.asked("DELETE"); n != 2 || b.asked("GET /api/v1/users/") != 0 {
		t.Errorf("two operations took %q", b.sent)
	}
}

func TestPlainRESTHasNoDoubleEffect(t *testing.T) {
	ctx := context.Background()
	for _, keys := range []bool{true, false} { // with Idempotency-Key, and where the backend knows none
		t.Run(fmt.Sprint("keys ", keys), func(t *testing.T) {
			w := newPlainWorld(t)
			a := w.plainDevice()
			lost := 0
			a.before = func(r sync.Request) (*sync.Response, error) {
				if !keys {
					delete(r.Header, "Idempotency-Key")
				}
				return nil, nil
			}
			a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
				if r.Method != "GET" && lost < 7 { // more often than answered failures are allowed
					lost++
					return sync.Response{}, errors.New("connection reset")
				}
				return resp, nil
			}
			step := func(version int64) {
				t.Helper()
				lost = 0
				for range 8 {
					_, err := a.engine.Round(ctx, sync.Manual)
					if lost < 7 && err == nil {
						t.Fatal("a lost answer went unnoticed")
					}
				}
				if c, err := a.Counts(ctx); err != nil || c.Waiting+c.Rejected+c.Conflicts != 0 {
					t.Fatalf("counts %+v, %v", c, err)
				}
				if own, err := a.Conflicts(ctx, 5); err != nil || len(own) != 0 {
					t.Fatalf("an own write was taken for another's: %+v, %v", own, err)
				}
				page := w.users()
				if version == 0 && len(page) == 0 {
					return
				}
				if len(page) != 1 || page[0].Version != version {
					t.Fatalf("the server has %+v, want one of version %d", page, version)
				}
			}
			id := a.create("Ann")
			step(1)
			a.wrote(a.Update(ctx, id, bio("x")))
			step(2)
			a.wrote(a.Delete(ctx, id))
			step(0)
		})
	}
}

// users is what the server has.
func (w *world) users() []api.User {
	w.t.Helper()
	resp := w.serve(context.Background(), sync.Request{Method: "GET", Path: "/api/v1/users?limit=500"})
	var page api.UserPage
	if err := json.Unmarshal(resp.Body, &page); err != nil {
		w.t.Fatalf("list the users: %v: %s", err, resp.Body)
	}
	return page.Users
}

func TestPlainRESTFindsConflicts(t *testing.T) {
	tests := []struct {
		name         string
		mine, theirs func(*device, string) error
		want         string
	}{
		{"other fields", setBio("mine"), setName("Theirs"), "Theirs(mine)"},
		{"the same field", setBio("mine"), setBio("theirs"), "Ann(mine) conflict"},
		{"deleted there", setBio("mine"), remove, ""},
		{"deleted here", remove, setBio("theirs"), ""},
		{"deleted on both sides", remove, remove, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPlainWorld(t)
			a, b := w.plainDevice(), w.plainDevice()
			id := a.create("Ann")
			a.sync()
			b.sync()
			w.now = w.now.Add(time.Second)
			b.ok(tt.theirs(b, id))
			b.sync()
			w.now = w.now.Add(time.Second)
			a.ok(tt.mine(a, id))
			r := a.sync()
			if tt.name != "deleted on both sides" && r.Conflict != 1 {
				t.Errorf("report %+v", r)
			}
			w.later()
			a.sync()
			b.sync()
			a.shows(tt.want)
			b.shows(strings.TrimSuffix(tt.want, " conflict"))
		})
	}
}

func TestPlainRESTFaultsOfOneHoldUpNoOther(t *testing.T) {
	tests := []struct {
		name     string
		answer   *sync.Response // nil for none
		waiting  int
		rejected int
		retries  int
		sent     bool // the others
	}{
		{"broken", &sync.Response{Status: 500}, 1, 0, 1, true},
		{"refused", problem(422, `{"title":"No","code":"invalid"}`), 0, 1, 0, true},
		{"refused by a backend that isn't ours", problem(422, `{"error":"not like this"}`), 0, 1, 0, true},
		{"too large", &sync.Response{Status: 413}, 0, 1, 0, true},
		{"no answer", nil, 1, 0, 0, true},
		{"some proxy's page", &sync.Response{Status: 403, Header: map[string]string{"content-type": "text/html"}}, 1, 0, 0, true},
		{"gateway timeout", &sync.Response{Status: 504}, 1, 0, 0, true},
		{"slow down", &sync.Response{Status: 429}, 4, 0, 0, false},
		{"unavailable for a time", &sync.Response{Status: 503, Header: map[string]string{"retry-after": "9"}}, 4, 0, 0, false},
		{"signed out", &sync.Response{Status: 401}, 4, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPlainWorld(t)
			a := w.plainDevice()
			for _, name := range []string{"Bad", "Ann", "Bo", "Cy"} {
				a.create(name)
			}
			a.meets(func(r sync.Request) (*sync.Response, error) {
				if !bytes.Contains(r.Body, []byte("Bad")) {
					return nil, nil
				}
				if tt.answer == nil {
					return nil, errors.New("connection reset")
				}
				return tt.answer, nil
			})
			_, err := a.engine.Round(t.Context(), sync.Manual)
			if unsure := tt.waiting > 0 && tt.retries == 0; unsure != (err != nil) {
				t.Errorf("the round ended with %v", err)
			}
			c, err := a.Counts(t.Context())
			a.ok(err)
			if c.Waiting != tt.waiting || c.Rejected != tt.rejected || (len(w.users()) == 3) != tt.sent {
				t.Errorf("counts %+v, the server has %d", c, len(w.users()))
			}
			ops, err := a.Waiting(t.Context(), 10)
			a.ok(err)
			for _, o := range ops {
				if o.RetryCount != tt.retries {
					t.Errorf("%s counted %d attempts, want %d", o.Data, o.RetryCount, tt.retries)
				}
			}
			a.meets(nil)
			w.now = w.now.Add(time.Hour)
			a.sync()
			if left, err := a.Counts(t.Context()); err != nil || left.Waiting != 0 {
				t.Errorf("once it works again: %+v, %v", left, err)
			}
		})
	}
}

func problem(status int, body string) *sync.Response {
	return &sync.Response{Status: status, Body: []byte(body), Header: map[string]string{"content-type": "application/json"}}
}

func TestPlainRESTCutOffInTheMiddleKeepsWhatWasAnswered(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	for i := range 10 {
		a.create(fmt.Sprintf("User%d", i))
	}
	done := 0
	a.meets(func(_ sync.Request) (*sync.Response, error) {
		if done == 4 {
			return nil, errors.New("the network is gone")
		}
		done++
		return nil, nil
	})
	report, err := a.engine.Round(t.Context(), sync.Manual)
	if err == nil || report.Pushed != 4 || report.Waiting != 6 {
		t.Errorf("report %+v, %v", report, err)
	}
	if n := a.asked("POST"); n != 6 {
		t.Errorf("%d requests into a network that is gone, want 2", n-4)
	}
	ops, err := a.Waiting(t.Context(), 10)
	a.ok(err)
	for _, o := range ops {
		if o.RetryCount != 0 {
			t.Errorf("being offline counted: %+v", o)
		}
	}
	a.meets(nil)
	a.sync()
	if n := len(w.users()); n != 10 || a.asked("POST") != 12 {
		t.Errorf("%d users after %d requests", n, a.asked("POST"))
	}
}

func TestPlainRESTRejectsATakenEmail(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	a.create("Ann")
	a.sync()
	_, err := a.Create(t.Context(), patch("Other", "ANN@example.org", ""))
	a.ok(err)
	a.sync()
	ops, err := a.NeedsAttention(t.Context(), 5)
	a.ok(err)
	if len(ops) != 1 || ops[0].LastError.Code != api.CodeEmailTaken {
		t.Errorf("needs attention: %+v", ops)
	}
}

func TestPlainRESTPassesOverNoChange(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	b := w.plainDevice()
	a.sync()
	for i := range 1100 { // over two pages, all of one moment
		b.create(fmt.Sprintf("User%04d", i))
	}
	for b.sync().Waiting > 0 {
	}
	a.sync()
	if c, err := a.Counts(t.Context()); err != nil || c.Rows != 1100 {
		t.Fatalf("counts %+v, %v", c, err)
	}
	// Committed late: dated before what a has seen when it first shows up.
	b.create("Late")
	b.sync()
	w.now = w.now.Add(sync.DefaultOverlap / 2)
	b.create("Next")
	b.sync()
	a.after = func(_ sync.Request, resp sync.Response) (sync.Response, error) {
		var page api.UserPage
		a.ok(json.Unmarshal(resp.Body, &page))
		page.Users = slices.DeleteFunc(page.Users, func(u api.User) bool { return u.Name == "Late" })
		var err error
		resp.Body, err = json.Marshal(page)
		return resp, err
	}
	a.sync()
	a.after = nil
	a.sync()
	if c, err := a.Counts(t.Context()); err != nil || c.Rows != 1102 {
		t.Errorf("the late one was passed over: %+v, %v", c, err)
	}
}

func TestPlainRESTListsAtAStartAndKeepsTheQueue(t *testing.T) {
	ctx := t.Context()
	w := newPlainWorld(t)
	a, b := w.plainDevice(), w.plainDevice()
	gone, kept := a.create("Gone"), a.create("Kept")
	a.sync()
	b.sync()
	b.wrote(b.Delete(ctx, gone))
	b.sync()
	a.wrote(a.Update(ctx, kept, bio("unsent")))
	w.now = w.now.Add(2 * time.Minute)
	a.meets(func(r sync.Request) (*sync.Response, error) {
		if r.Method != "GET" {
			return &sync.Response{Status: 503}, nil
		}
		return nil, nil
	})
	if _, err := a.freshEngine(w.plain).Round(ctx, sync.Start); err == nil {
		t.Error("nothing was said of the push that failed")
	}
	a.shows("Kept(unsent) pending")
	// Another start a moment later does not list again.
	asked := a.asked("GET /api/v1/users?updated_after=1970")
	if _, err := a.freshEngine(w.plain).Round(ctx, sync.Start); err == nil {
		t.Error("nothing was said of the push that failed")
	}
	if n := a.asked("GET /api/v1/users?updated_after=1970"); n != asked {
		t.Errorf("%d more listings", n-asked)
	}
}

func TestFallbackUsesTheBatchWhereItIsOffered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		world  *world
		offers bool
	}{{"offered", newWorld(t), true}, {"not offered", newPlainWorld(t), false}} {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.world
			a := w.deviceOn(w.fallback)
			a.create("Ann")
			a.create("Bo")
			a.sync()
			a.shows("Ann(); Bo()")
			if batches := a.asked("POST /api/v1/operations"); batches != 1 || (a.asked("POST /api/v1/users") == 0) != tt.offers {
				t.Errorf("asked %q", a.sent)
			}
			a.create("Cy")
			a.sync()
			if probed := a.asked("POST /api/v1/operations") > 1; probed != tt.offers {
				t.Errorf("asked %q", a.sent)
			}
			if n := len(w.users()); n != 3 {
				t.Errorf("the server has %d users", n)
			}
		})
	}
}

func (w *world) fallback(http sync.HTTP) sync.Remote {
	return &sync.Fallback{Batch: &sync.HTTPRemote{HTTP: http, Paths: directory.Paths}, Plain: w.rest(http)}
}

func TestFallbackTakesNoPortalForABackend(t *testing.T) {
	w := newWorld(t)
	a := w.deviceOn(w.fallback)
	a.create("Ann")
	a.meets(func(sync.Request) (*sync.Response, error) {
		return &sync.Response{Status: 404, Header: map[string]string{"content-type": "text/html"}}, nil
	})
	if _, err := a.engine.Round(t.Context(), sync.Manual); err == nil {
		t.Fatal("a portal went unnoticed")
	}
	a.meets(nil)
	a.sync()
	if a.asked("POST /api/v1/users") != 0 || len(w.users()) != 1 {
		t.Errorf("asked %q", a.sent)
	}
}

func TestFallbackGoesBackToTheFeed(t *testing.T) {
	w := newPlainWorld(t)
	a := w.deviceOn(w.fallback)
	id := a.create("Ann")
	a.sync()
	other := newWorld(t) // the backend learns the batch, and has lost Ann
	w.handler = other.handler
	if _, err := a.freshEngine(w.fallback).Round(t.Context(), sync.Start); err != nil {
		t.Fatal(err)
	}
	a.shows("")
	if e, err := a.store.Entity(t.Context(), queue.Ref{Type: "user", ID: id}); err != nil || e.Confirmed != nil {
		t.Errorf("%+v, %v", e, err)
	}
}
