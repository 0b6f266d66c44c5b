package remote_test

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
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// world is one whose devices use plain resources.
type world struct{ *testbed.World }

// newPlainWorld has the real server's plain resources and nothing else.
func newPlainWorld(t *testing.T) world {
	w := world{testbed.New(t)}
	whole := w.Handler
	w.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/users") {
			http.NotFound(rw, r)
			return
		}
		whole.ServeHTTP(rw, r)
	})
	return w
}

func (w world) rest(http sync.HTTP) *remote.REST {
	return &remote.REST{HTTP: http, Paths: directory.Paths, Dialect: remote.Rollcall, Now: func() time.Time { return w.Now }}
}

func (w world) plain(http sync.HTTP) sync.Remote { return w.rest(http) }

func (w world) plainDevice() *testbed.Device { return w.DeviceOn(w.plain) }

// later lets time pass until everything is listed again.
func (w world) later() { w.Now = w.Now.Add(remote.DefaultListEvery) }

func TestTwoDevicesSync(t *testing.T) {
	ctx := context.Background()
	w := newPlainWorld(t)
	a, b := w.plainDevice(), w.plainDevice()
	id, gone := a.Add("Ann"), a.Add("Bo")
	if r := a.Sync(); r.Pushed != 2 || r.Waiting != 0 {
		t.Errorf("report %+v", r)
	}
	b.Sync()
	b.Shows("Ann(); Bo()")
	w.Now = w.Now.Add(time.Second)
	b.Wrote(b.Update(ctx, id, testbed.Bio("hello")))
	b.Wrote(b.Delete(ctx, gone))
	b.Sync()
	b.Shows("Ann(hello)")
	a.Sync()
	a.Shows("Ann(hello); Bo()") // a poll shows no deletion
	w.later()
	a.Sync()
	a.Shows("Ann(hello)")
	if n := b.Count("PATCH") + b.Count("DELETE"); n != 2 || b.Count("GET /api/v1/users/") != 0 {
		t.Errorf("two operations took %q", b.Sent())
	}
}

func TestALostAnswerHasNoDoubleEffect(t *testing.T) {
	ctx := context.Background()
	for _, keys := range []bool{true, false} { // with Idempotency-Key, and where the backend knows none
		t.Run(fmt.Sprint("keys ", keys), func(t *testing.T) {
			w := newPlainWorld(t)
			a := w.plainDevice()
			lost := 0
			a.Intercept(func(r sync.Request) (*sync.Response, error) {
				if !keys {
					delete(r.Header, "Idempotency-Key")
				}
				return nil, nil
			})
			a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
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
					_, err := a.Engine.Round(ctx, sync.Manual)
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
				page := w.Users()
				if version == 0 && len(page) == 0 {
					return
				}
				if len(page) != 1 || page[0].Version != version {
					t.Fatalf("the server has %+v, want one of version %d", page, version)
				}
			}
			id := a.Add("Ann")
			step(1)
			a.Wrote(a.Update(ctx, id, testbed.Bio("x")))
			step(2)
			a.Wrote(a.Delete(ctx, id))
			step(0)
		})
	}
}

func TestConflictsAreFound(t *testing.T) {
	tests := []struct {
		name         string
		mine, theirs func(*testbed.Device, string) error
		want         string
	}{
		{"other fields", testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Name("Theirs")), "Theirs(mine)"},
		{"the same field", testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), "Ann(mine) conflict"},
		{"deleted there", testbed.Update(testbed.Bio("mine")), testbed.Delete, ""},
		{"deleted here", testbed.Delete, testbed.Update(testbed.Bio("theirs")), ""},
		{"deleted on both sides", testbed.Delete, testbed.Delete, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPlainWorld(t)
			a, b := w.plainDevice(), w.plainDevice()
			id := a.Add("Ann")
			a.Sync()
			b.Sync()
			w.Now = w.Now.Add(time.Second)
			b.OK(tt.theirs(b, id))
			b.Sync()
			w.Now = w.Now.Add(time.Second)
			a.OK(tt.mine(a, id))
			r := a.Sync()
			if tt.name != "deleted on both sides" && r.Conflict != 1 {
				t.Errorf("report %+v", r)
			}
			w.later()
			a.Sync()
			b.Sync()
			a.Shows(tt.want)
			b.Shows(strings.TrimSuffix(tt.want, " conflict"))
		})
	}
}

func TestAFailureOfOneHoldsUpNoOther(t *testing.T) {
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
				a.Add(name)
			}
			a.Intercept(func(r sync.Request) (*sync.Response, error) {
				if !bytes.Contains(r.Body, []byte("Bad")) {
					return nil, nil
				}
				if tt.answer == nil {
					return nil, errors.New("connection reset")
				}
				return tt.answer, nil
			})
			_, err := a.Engine.Round(t.Context(), sync.Manual)
			if unsure := tt.waiting > 0 && tt.retries == 0; unsure != (err != nil) {
				t.Errorf("the round ended with %v", err)
			}
			c, err := a.Counts(t.Context())
			a.OK(err)
			if c.Waiting != tt.waiting || c.Rejected != tt.rejected || (len(w.Users()) == 3) != tt.sent {
				t.Errorf("counts %+v, the server has %d", c, len(w.Users()))
			}
			ops, err := a.Waiting(t.Context(), 10)
			a.OK(err)
			for _, o := range ops {
				if o.RetryCount != tt.retries {
					t.Errorf("%s counted %d attempts, want %d", o.Data, o.RetryCount, tt.retries)
				}
			}
			a.Intercept(nil)
			w.Now = w.Now.Add(time.Hour)
			a.Sync()
			if left, err := a.Counts(t.Context()); err != nil || left.Waiting != 0 {
				t.Errorf("once it works again: %+v, %v", left, err)
			}
		})
	}
}

func problem(status int, body string) *sync.Response {
	return &sync.Response{Status: status, Body: []byte(body), Header: map[string]string{"content-type": "application/json"}}
}

func TestACutOffPushKeepsWhatWasAnswered(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	for i := range 10 {
		a.Add(fmt.Sprintf("User%d", i))
	}
	done := 0
	a.Intercept(func(_ sync.Request) (*sync.Response, error) {
		if done == 4 {
			return nil, errors.New("the network is gone")
		}
		done++
		return nil, nil
	})
	report, err := a.Engine.Round(t.Context(), sync.Manual)
	if err == nil || report.Pushed != 4 || report.Waiting != 6 {
		t.Errorf("report %+v, %v", report, err)
	}
	if n := a.Count("POST"); n != 6 {
		t.Errorf("%d requests into a network that is gone, want 2", n-4)
	}
	ops, err := a.Waiting(t.Context(), 10)
	a.OK(err)
	for _, o := range ops {
		if o.RetryCount != 0 {
			t.Errorf("being offline counted: %+v", o)
		}
	}
	a.Intercept(nil)
	a.Sync()
	if n := len(w.Users()); n != 10 || a.Count("POST") != 12 {
		t.Errorf("%d users after %d requests", n, a.Count("POST"))
	}
}

func TestATakenEmailIsRejected(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	a.Add("Ann")
	a.Sync()
	_, err := a.Create(t.Context(), testbed.Patch("Other", "ANN@example.org", ""))
	a.OK(err)
	a.Sync()
	ops, err := a.NeedsAttention(t.Context(), 5)
	a.OK(err)
	if len(ops) != 1 || ops[0].LastError.Code != api.CodeEmailTaken {
		t.Errorf("needs attention: %+v", ops)
	}
}

func TestAPollMissesNoChange(t *testing.T) {
	w := newPlainWorld(t)
	a := w.plainDevice()
	b := w.plainDevice()
	a.Sync()
	for i := range 1100 { // over two pages, all of one moment
		b.Add(fmt.Sprintf("User%04d", i))
	}
	for b.Sync().Waiting > 0 {
	}
	a.Sync()
	if c, err := a.Counts(t.Context()); err != nil || c.Rows != 1100 {
		t.Fatalf("counts %+v, %v", c, err)
	}
	// Committed late: dated before what a has seen when it first shows up.
	b.Add("Late")
	b.Sync()
	w.Now = w.Now.Add(remote.DefaultOverlap / 2)
	b.Add("Next")
	b.Sync()
	a.After = func(_ sync.Request, resp sync.Response) (sync.Response, error) {
		var page api.UserPage
		a.OK(json.Unmarshal(resp.Body, &page))
		page.Users = slices.DeleteFunc(page.Users, func(u api.User) bool { return u.Name == "Late" })
		var err error
		resp.Body, err = json.Marshal(page)
		return resp, err
	}
	a.Sync()
	a.After = nil
	a.Sync()
	if c, err := a.Counts(t.Context()); err != nil || c.Rows != 1102 {
		t.Errorf("the late one was passed over: %+v, %v", c, err)
	}
}

func TestAListingAtAStartKeepsTheQueue(t *testing.T) {
	ctx := t.Context()
	w := newPlainWorld(t)
	a, b := w.plainDevice(), w.plainDevice()
	gone, kept := a.Add("Gone"), a.Add("Kept")
	a.Sync()
	b.Sync()
	b.Wrote(b.Delete(ctx, gone))
	b.Sync()
	a.Wrote(a.Update(ctx, kept, testbed.Bio("unsent")))
	w.Now = w.Now.Add(2 * time.Minute)
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if r.Method != "GET" {
			return &sync.Response{Status: 503}, nil
		}
		return nil, nil
	})
	if _, err := a.NewEngine(w.plain).Round(ctx, sync.Start); err == nil {
		t.Error("nothing was said of the push that failed")
	}
	a.Shows("Kept(unsent) pending")
	// Another start a moment later does not list again.
	listings := a.Count("GET /api/v1/users?updated_after=1970")
	if _, err := a.NewEngine(w.plain).Round(ctx, sync.Start); err == nil {
		t.Error("nothing was said of the push that failed")
	}
	if n := a.Count("GET /api/v1/users?updated_after=1970"); n != listings {
		t.Errorf("%d more listings", n-listings)
	}
}

func TestFallbackUsesTheBatchWhereItIsOffered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		world  world
		offers bool
	}{{"offered", world{testbed.New(t)}, true}, {"not offered", newPlainWorld(t), false}} {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.world
			a := w.DeviceOn(w.fallback)
			a.Add("Ann")
			a.Add("Bo")
			a.Sync()
			a.Shows("Ann(); Bo()")
			// Where it is not offered, an empty batch has confirmed that.
			batches := a.Count("POST /api/v1/operations")
			if (batches == 1) != tt.offers || batches > 2 || (a.Count("POST /api/v1/users") == 0) != tt.offers {
				t.Errorf("requested %q", a.Sent())
			}
			a.Add("Cy")
			a.Sync()
			if probed := a.Count("POST /api/v1/operations") > batches; probed != tt.offers {
				t.Errorf("requested %q", a.Sent())
			}
			if n := len(w.Users()); n != 3 {
				t.Errorf("the server has %d users", n)
			}
		})
	}
}

func (w world) fallback(http sync.HTTP) sync.Remote {
	return &remote.Fallback{Batch: &remote.Server{HTTP: http, Paths: directory.Paths}, Plain: w.rest(http)}
}

func TestFallbackTakesNoPortalForABackend(t *testing.T) {
	w := world{testbed.New(t)}
	a := w.DeviceOn(w.fallback)
	a.Add("Ann")
	a.Intercept(func(sync.Request) (*sync.Response, error) {
		return &sync.Response{Status: 404, Header: map[string]string{"content-type": "text/html"}}, nil
	})
	if _, err := a.Engine.Round(t.Context(), sync.Manual); err == nil {
		t.Fatal("a portal went unnoticed")
	}
	a.Intercept(nil)
	a.Sync()
	if a.Count("POST /api/v1/users") != 0 || len(w.Users()) != 1 {
		t.Errorf("requested %q", a.Sent())
	}
}

func TestFallbackReturnsToTheFeed(t *testing.T) {
	w := newPlainWorld(t)
	a := w.DeviceOn(w.fallback)
	id := a.Add("Ann")
	a.Sync()
	other := testbed.New(t) // the backend learns the batch, and has lost Ann
	w.Handler = other.Handler
	if _, err := a.NewEngine(w.fallback).Round(t.Context(), sync.Start); err != nil {
		t.Fatal(err)
	}
	a.Shows("")
	if e, err := a.Store.Entity(t.Context(), queue.Ref{Type: "user", ID: id}); err != nil || e.Confirmed != nil {
		t.Errorf("%+v, %v", e, err)
	}
}
