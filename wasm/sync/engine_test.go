package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	serverstore "github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// world is one real server, in memory, and the clock everybody reads.
type world struct {
	t       *testing.T
	now     time.Time
	handler http.Handler
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	hub := feed.NewHub()
	w.handler = rest.New(rest.Config{Store: serverstore.New(serverstore.Options{Now: func() time.Time { return w.now }}), Hub: hub})
	return w
}

// device is a browser: its storage, its engine and its directory. Before, when
// set, sees each request and may answer instead of the server; after may spoil
// the server's answer.
type device struct {
	*directory.Collection
	store   *memory.Store
	channel *memory.Channel
	engine  *sync.Engine
	before  func(sync.Request) (*sync.Response, error)
	after   func(sync.Request, sync.Response) (sync.Response, error)
	world   *world

	mu   stdsync.Mutex // guards before and sent, where a host runs beside the test
	sent []string
}

// meets has all requests from now on seen by before first.
func (d *device) meets(before func(sync.Request) (*sync.Response, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = before
}

// requests is how many were made.
func (d *device) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sent)
}

func (w *world) device() *device {
	return w.deviceOn(func(http sync.HTTP) sync.Remote { return &sync.HTTPRemote{HTTP: http, Paths: directory.Paths} })
}

// deviceOn is a device whose engine drives the remote that is made of its HTTP.
func (w *world) deviceOn(remote func(sync.HTTP) sync.Remote) *device {
	d := &device{store: memory.New(directory.Users), channel: memory.NewChannel(), world: w}
	d.engine = d.freshEngine(remote)
	d.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.store, Bus: d.channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: func() time.Time { return w.now }, After: time.After, NewID: uuid.NewString,
	})
	w.t.Cleanup(d.Close)
	return d
}

// freshEngine is an engine on the device's storage, as after a start.
func (d *device) freshEngine(remote func(sync.HTTP) sync.Remote) *sync.Engine {
	return sync.New(sync.Config{
		Store: d.store, Remote: remote(d), Locks: memory.NewLocks(), Bus: d.channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: func() time.Time { return d.world.now },
		Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
}

// Do implements sync.HTTP with the world's server.
func (d *device) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	d.mu.Lock()
	d.sent = append(d.sent, r.Method+" "+r.Path)
	before := d.before
	d.mu.Unlock()
	if before != nil {
		if resp, err := before(r); err != nil {
			return sync.Response{}, err
		} else if resp != nil {
			return *resp, nil
		}
	}
	resp := d.world.serve(ctx, r)
	if d.after != nil {
		return d.after(r, resp)
	}
	return resp, nil
}

func (w *world) serve(ctx context.Context, r sync.Request) sync.Response {
	req := httptest.NewRequestWithContext(ctx, r.Method, r.Path, bytes.NewReader(r.Body))
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	resp := sync.Response{Status: rec.Code, Body: rec.Body.Bytes(), Header: map[string]string{}}
	for k := range rec.Header() {
		resp.Header[strings.ToLower(k)] = rec.Header().Get(k)
	}
	return resp
}

func patch(name, email, bio string) api.UserPatch {
	return api.UserPatch{Name: &name, Email: &email, Bio: &bio}
}

func bio(s string) api.UserPatch { return api.UserPatch{Bio: &s} }

func named(s string) api.UserPatch { return api.UserPatch{Name: &s} }

func (d *device) create(name string) string {
	d.world.t.Helper()
	done, err := d.Create(context.Background(), patch(name, strings.ToLower(name)+"@example.org", ""))
	d.ok(err)
	return done.ID
}

// wrote is ok for a write.
func (d *device) wrote(_ repository.Written, err error) {
	d.world.t.Helper()
	d.ok(err)
}

func failure(_ repository.Written, err error) error { return err }

// put has the server hold a user of this id.
func (d *device) put(id string, u api.User) {
	d.world.t.Helper()
	body, err := json.Marshal(map[string]string{"id": id, "name": u.Name, "email": u.Email})
	d.ok(err)
	d.world.serve(context.Background(), sync.Request{Method: "POST", Path: "/api/v1/users", Body: body, Header: map[string]string{"Content-Type": "application/json"}})
}

func (d *device) ok(err error) {
	d.world.t.Helper()
	if err != nil {
		d.world.t.Fatal(err)
	}
}

func (d *device) sync() sync.Report {
	d.world.t.Helper()
	report, err := d.engine.Round(context.Background(), sync.Manual)
	d.ok(err)
	return report
}

// list is the visible list in one line: "Ann(bio) pending; Bo()".
func (d *device) list() string {
	d.world.t.Helper()
	page, err := d.List(context.Background(), repository.Query{Limit: 1000})
	d.ok(err)
	var out []string
	for _, r := range page.Records {
		s := fmt.Sprintf("%s(%s)", r.Value.Name, r.Value.Bio)
		if r.State != "" {
			s += " " + string(r.State)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func (d *device) shows(want string) {
	d.world.t.Helper()
	if got := d.list(); got != want {
		d.world.t.Errorf("the list shows %q, want %q", got, want)
	}
}

func TestRoundPushesThenPulls(t *testing.T) {
	w := newWorld(t)
	a, b := w.device(), w.device()
	id := a.create("Ann")
	a.shows("Ann() pending")
	if r := a.sync(); r.Pushed != 1 || r.Waiting != 0 {
		t.Errorf("report %+v", r)
	}
	a.shows("Ann()")
	b.sync()
	b.shows("Ann()")
	b.wrote(b.Update(context.Background(), id, bio("hello")))
	b.sync()
	a.sync()
	a.shows("Ann(hello)")
	a.wrote(a.Delete(context.Background(), id))
	a.shows("")
	a.sync()
	b.sync()
	b.shows("")
}

func TestAnswerLostAfterCommitHasNoDoubleEffect(t *testing.T) {
	w := newWorld(t)
	a := w.device()
	a.create("Ann")
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if r.Method == "POST" {
			return sync.Response{}, errors.New("connection reset")
		}
		return resp, nil
	}
	for range 7 { // more often than answered failures are allowed
		if _, err := a.engine.Round(context.Background(), sync.Manual); err == nil {
			t.Fatal("a lost answer went unnoticed")
		}
	}
	a.shows("Ann() pending")
	a.after = nil
	a.sync()
	a.shows("Ann()")
	page, err := a.List(context.Background(), repository.Query{Limit: 5})
	a.ok(err)
	if page.Records[0].Version != 1 {
		t.Errorf("version %d: the create took effect more than once", page.Records[0].Version)
	}
}

func TestARejectedOperationLeavesTheWayFree(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	a := w.device()
	a.create("Ann")
	a.sync()
	_, err := a.Create(ctx, patch("Other", "ANN@example.org", ""))
	a.ok(err)
	a.create("Zoe")
	if r := a.sync(); r.Pushed != 1 || r.Rejected != 1 {
		t.Errorf("report %+v", r)
	}
	a.shows("Ann(); Other() attention; Zoe()")
	ops, err := a.NeedsAttention(ctx, 10)
	a.ok(err)
	if len(ops) != 1 || ops[0].LastError == nil || ops[0].LastError.Code != api.CodeEmailTaken {
		t.Fatalf("needs attention: %+v", ops)
	}
	a.ok(a.Retry(ctx, ops[0]))
	a.sync()
	a.shows("Ann(); Other() attention; Zoe()")
	other := "other@example.org"
	a.wrote(a.Update(ctx, ops[0].Ref.ID, api.UserPatch{Email: &other}))
	a.sync()
	a.shows("Ann(); Other(); Zoe()")
}

func TestDiscardTakesTheRejectedAway(t *testing.T) {
	ctx := context.Background()
	a := newWorld(t).device()
	a.create("Ann")
	a.sync()
	_, err := a.Create(ctx, patch("Other", "ann@example.org", ""))
	a.ok(err)
	a.sync()
	ops, err := a.NeedsAttention(ctx, 10)
	a.ok(err)
	a.ok(a.Discard(ctx, ops[0]))
	a.shows("Ann()")
	if err := a.Discard(ctx, ops[0]); !errors.Is(err, queue.ErrGone) {
		t.Errorf("discarding twice: %v", err)
	}
}

func TestConflictStrategies(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		strategy sync.StrategyName
		mine     func(*device, string) error
		theirs   func(*device, string) error
		want     string // on both devices, once reviewed
		reversed string
	}{
		{sync.Merge, setBio("mine"), setName("Theirs"), "Theirs(mine)", "Theirs(mine)"},
		{sync.Merge, setBio("mine"), setBio("theirs"), "Ann(mine)", "Ann(theirs)"},
		{sync.LastWriteWins, setBio("mine"), setBio("theirs"), "Ann(mine)", "Ann(theirs)"},
		{sync.ServerWins, setBio("mine"), setBio("theirs"), "Ann(theirs)", "Ann(mine)"},
		{sync.ClientWins, setBio("mine"), setBio("theirs"), "Ann(mine)", "Ann(theirs)"},
		{sync.Merge, setBio("mine"), remove, "", "Ann(mine)"},
		{sync.ServerWins, setBio("mine"), remove, "", "Ann(mine)"},
		{sync.ClientWins, setBio("mine"), remove, "Ann(mine)", ""},
		{sync.LastWriteWins, setBio("mine"), remove, "Ann(mine)", ""},
		{sync.Merge, remove, setBio("theirs"), "", "Ann(theirs)"},
		{sync.ServerWins, remove, setBio("theirs"), "Ann(theirs)", ""},
		{sync.ClientWins, remove, setBio("theirs"), "", "Ann(theirs)"},
		{sync.LastWriteWins, remove, setBio("theirs"), "", "Ann(theirs)"},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, tt.strategy), func(t *testing.T) {
			w := newWorld(t)
			a, b := w.device(), w.device()
			a.ok(a.SetStrategy(ctx, tt.strategy))
			id := a.create("Ann")
			a.sync()
			b.sync()
			b.ok(tt.theirs(b, id))
			b.sync()
			w.now = w.now.Add(time.Minute)
			a.ok(tt.mine(a, id)) // mine is the later one
			if r := a.sync(); r.Conflict != 1 {
				t.Fatalf("report %+v", r)
			}
			b.sync()
			b.shows(tt.want)
			conflicts, err := a.Conflicts(ctx, 10)
			a.ok(err)
			if len(conflicts) != 1 || conflicts[0].Strategy != string(tt.strategy) {
				t.Fatalf("recorded: %+v", conflicts)
			}
			a.ok(a.Reverse(ctx, conflicts[0]))
			a.sync()
			b.sync()
			a.shows(tt.reversed)
			b.shows(tt.reversed)
		})
	}
}

func setBio(s string) func(*device, string) error {
	return func(d *device, id string) error { return failure(d.Update(context.Background(), id, bio(s))) }
}

func setName(s string) func(*device, string) error {
	return func(d *device, id string) error { return failure(d.Update(context.Background(), id, named(s))) }
}

func remove(d *device, id string) error { return failure(d.Delete(context.Background(), id)) }

func TestUndoOfADeleteThatHasArrived(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	a, b := w.device(), w.device()
	id := a.create("Ann")
	a.sync()
	was, err := a.Get(ctx, id)
	a.ok(err)
	a.wrote(a.Delete(ctx, id))
	a.sync()
	b.sync()
	b.shows("")
	a.wrote(a.Restore(ctx, was))
	a.shows("Ann() pending")
	a.sync()
	b.sync()
	a.shows("Ann()")
	b.shows("Ann()")
}

// What the person sees when they delete may be older than what is deleted: a write
// of it is under way, or was when the list was read.
func TestUndoOfADeleteOnTopOfAnotherWrite(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name   string
		before func(a *device) (id string)
		lost   bool // whether the answer to the write before is lost at first
	}{
		{"a create", func(a *device) string { return a.create("Ann") }, false},
		{"a create whose answer is lost", func(a *device) string { return a.create("Ann") }, true},
		{"an update", func(a *device) string {
			id := a.create("Ann")
			a.sync()
			a.wrote(a.Update(ctx, id, named("Anne")))
			a.sync()
			a.wrote(a.Update(ctx, id, named("Ann")))
			return id
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.device(), w.device()
			id := tt.before(a)
			was, err := a.Get(ctx, id)
			a.ok(err)
			if tt.lost {
				a.after = func(sync.Request, sync.Response) (sync.Response, error) {
					return sync.Response{}, errors.New("connection reset")
				}
				if _, err := a.engine.Round(ctx, sync.Manual); err == nil {
					t.Fatal("the answer was not lost")
				}
				a.after = nil
			} else {
				a.sync()
			}
			a.wrote(a.Delete(ctx, id))
			a.sync()
			a.wrote(a.Restore(ctx, was))
			if r := a.sync(); r.Conflict != 0 {
				t.Errorf("report %+v", r)
			}
			b.sync()
			a.shows("Ann()")
			b.shows("Ann()")
		})
	}
}

// The list from which a person deletes may not have been read again since they wrote.
func TestUndoOfADeleteBringsBackWhatWasDeleted(t *testing.T) {
	ctx := context.Background()
	for _, sent := range []bool{false, true} {
		w := newWorld(t)
		a, b := w.device(), w.device()
		id := a.create("Ann")
		a.sync()
		stale, err := a.Get(ctx, id)
		a.ok(err)
		a.wrote(a.Update(ctx, id, bio("Draws")))
		a.wrote(a.Delete(ctx, id))
		if sent {
			a.sync()
		}
		a.wrote(a.Restore(ctx, stale))
		a.sync()
		b.sync()
		a.shows("Ann(Draws)")
		b.shows("Ann(Draws)")
	}
}

func TestUndoOfWhatNeverLeft(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	a := w.device()
	id := a.create("Ann")
	was, err := a.Get(ctx, id)
	a.ok(err)
	a.wrote(a.Delete(ctx, id))
	a.wrote(a.Restore(ctx, was))
	a.sync()
	if now, err := a.Get(ctx, id); err != nil || now.Version != 1 {
		t.Errorf("it has version %d, error %v", now.Version, err)
	}
}

func TestSignedOutPausesTheQueue(t *testing.T) {
	w := newWorld(t)
	a := w.device()
	a.create("Ann")
	a.meets(func(sync.Request) (*sync.Response, error) { return &sync.Response{Status: 401}, nil })
	for range 9 {
		report, err := a.engine.Round(context.Background(), sync.Manual)
		if err == nil || report.Problem == nil || report.Problem.Title != "Sign in to sync" {
			t.Fatalf("report %+v, error %v", report, err)
		}
	}
	ops, err := a.Waiting(context.Background(), 5)
	a.ok(err)
	if len(ops) != 1 || ops[0].RetryCount != 0 {
		t.Errorf("operations %+v", ops)
	}
	a.meets(nil)
	a.sync()
	a.shows("Ann()")
}

func TestAPoisonousOperationIsIsolated(t *testing.T) {
	w := newWorld(t)
	a := w.device()
	for i := range 20 {
		a.create(fmt.Sprintf("User%02d", i))
	}
	a.meets(func(r sync.Request) (*sync.Response, error) {
		if bytes.Contains(r.Body, []byte("User13")) {
			return &sync.Response{Status: 500}, nil
		}
		return nil, nil
	})
	for range queue.MaxServerErrors {
		a.sync()
	}
	counts, err := a.Counts(context.Background())
	a.ok(err)
	if counts.Waiting != 0 || counts.Rejected != 1 {
		t.Errorf("counts %+v", counts)
	}
}

func TestResyncKeepsTheQueueAndTheList(t *testing.T) {
	w := newWorld(t)
	a := w.device()
	gone, kept := a.create("Gone"), a.create("Kept")
	a.sync()
	a.wrote(a.Update(context.Background(), kept, bio("unsent")))
	// A restored backup: another epoch, without Gone, and with a lower version of Kept.
	row, err := a.Get(context.Background(), kept)
	a.ok(err)
	fresh := newWorld(t)
	w.handler = fresh.handler
	a.put(kept, row.Value)
	a.sync()
	a.shows("Kept(unsent)")
	if e, err := a.store.Entity(context.Background(), queue.Ref{Type: "user", ID: gone}); err != nil || e.Confirmed != nil {
		t.Errorf("what the server lost is still there: %+v, %v", e, err)
	}
}

func TestNoRequestWhileAnotherRoundHasTakenOver(t *testing.T) {
	w := newWorld(t)
	a := w.device()
	a.create("Ann")
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if r.Method == "POST" { // while this round waits for its answer, another begins
			_, err := a.store.BeginRound(context.Background())
			a.ok(err)
		}
		return resp, nil
	}
	if _, err := a.engine.Round(context.Background(), sync.Manual); !errors.Is(err, queue.ErrFenced) {
		t.Fatalf("a stale round saved its results: %v", err)
	}
	a.after = nil
	a.sync()
	a.shows("Ann()")
}
