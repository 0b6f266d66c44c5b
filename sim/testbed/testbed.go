// Package testbed puts devices against a real server, for the tests of the engine: the
// product's own code, with the stores in memory and no network between.
package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
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
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// World is one server and the clock that everybody reads.
type World struct {
	T       testing.TB
	Now     time.Time
	Handler http.Handler // the server
	Oldest  int          // version of the protocol that it takes from its next start on; 0 for its default

	server *serverstore.Store
}

// New returns a world with an empty server.
func New(t testing.TB) *World {
	w := &World{T: t, Now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	w.StartOn(serverstore.New(serverstore.Options{Now: func() time.Time { return w.Now }}))
	return w
}

// Copy returns a copy of the server's data.
func (w *World) Copy() *serverstore.Store { return w.server.Copy() }

// StartOn starts the server anew, on these data.
func (w *World) StartOn(data *serverstore.Store) {
	w.Now = w.Now.Add(time.Second)
	data.Enter()
	w.server = data
	w.Handler = rest.New(rest.Config{Store: data, Hub: feed.NewHub(), Oldest: w.Oldest})
}

// Serve has the server answer a request.
func (w *World) Serve(ctx context.Context, r sync.Request) sync.Response {
	req := httptest.NewRequestWithContext(ctx, r.Method, r.Path, bytes.NewReader(r.Body))
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, req)
	resp := sync.Response{Status: rec.Code, Body: rec.Body.Bytes(), Header: map[string]string{}}
	for k := range rec.Header() {
		resp.Header[strings.ToLower(k)] = rec.Header().Get(k)
	}
	return resp
}

// Users returns the server's users, at most 500.
func (w *World) Users() []api.User {
	w.T.Helper()
	resp := w.Serve(context.Background(), sync.Request{Method: "GET", Path: api.PathUsers + "?limit=500"})
	var page api.UserPage
	if err := json.Unmarshal(resp.Body, &page); err != nil {
		w.T.Fatalf("list the users: %v: %s", err, resp.Body)
	}
	return page.Users
}

// Device is a browser: its storage, its engine and its directory.
type Device struct {
	*directory.Collection
	World   *World
	Store   *memory.Store
	Channel *memory.Channel
	Engine  *sync.Engine
	After   func(sync.Request, sync.Response) (sync.Response, error) // may change the server's answer

	mu     stdsync.Mutex // guards what follows, where a host runs beside the test
	before func(sync.Request) (*sync.Response, error)
	sent   []string
}

// Device returns a new device that uses the protocol.
func (w *World) Device() *Device {
	return w.DeviceOn(func(http sync.HTTP) sync.Remote { return &remote.Server{HTTP: http, Paths: directory.Paths} })
}

// DeviceOn returns a new device whose engine uses the remote that is made of its HTTP.
func (w *World) DeviceOn(remote func(sync.HTTP) sync.Remote) *Device {
	d := &Device{Store: memory.New(directory.Users), Channel: memory.NewChannel(), World: w}
	d.Engine = d.NewEngine(remote)
	d.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.Store, Bus: d.Channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: func() time.Time { return w.Now }, After: time.After, NewID: uuid.NewString,
	})
	w.T.Cleanup(d.Close)
	return d
}

// Update changes a user whom somebody looks at right now.
func (d *Device) Update(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error) {
	now, err := d.Get(ctx, id)
	if err != nil {
		return repository.Written{}, err
	}
	return d.Collection.Update(ctx, now, patch)
}

// Delete deletes a user whom somebody looks at right now.
func (d *Device) Delete(ctx context.Context, id string) (repository.Written, error) {
	now, err := d.Get(ctx, id)
	if err != nil {
		return repository.Written{}, err
	}
	return d.Collection.Delete(ctx, now)
}

// NewEngine returns an engine on the device's storage, as after a restart.
func (d *Device) NewEngine(remote func(sync.HTTP) sync.Remote) *sync.Engine {
	return sync.New(sync.Config{
		Store: d.Store, Remote: remote(d), Locks: memory.NewLocks(), Bus: d.Channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: func() time.Time { return d.World.Now },
		Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
}

// Do implements sync.HTTP with the world's server.
func (d *Device) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
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
	resp := d.World.Serve(ctx, r)
	if d.After != nil {
		return d.After(r, resp)
	}
	return resp, nil
}

// Intercept passes all requests to before first, which may answer instead of the server.
func (d *Device) Intercept(before func(sync.Request) (*sync.Response, error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = before
}

// Sent returns the method and the path of each request so far.
func (d *Device) Sent() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sent)
}

// Count counts the requests whose method and path begin with the prefix.
func (d *Device) Count(prefix string) int {
	n := 0
	for _, s := range d.Sent() {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// Add creates a user of this name and returns its id.
func (d *Device) Add(name string) string {
	d.World.T.Helper()
	w, err := d.Create(context.Background(), Patch(name, strings.ToLower(name)+"@example.org", ""))
	d.OK(err)
	return w.ID
}

// Put creates a user on the server.
func (d *Device) Put(id string, u api.User) {
	d.World.T.Helper()
	body, err := json.Marshal(map[string]string{"id": id, "name": u.Name, "email": u.Email})
	d.OK(err)
	d.World.Serve(context.Background(), sync.Request{Method: "POST", Path: api.PathUsers, Body: body, Header: map[string]string{"Content-Type": "application/json"}})
}

// Sync does one round.
func (d *Device) Sync() sync.Report {
	d.World.T.Helper()
	report, err := d.Engine.Round(context.Background(), sync.Manual)
	d.OK(err)
	return report
}

// Line is the visible list in one line: "Ann(bio) pending; Bo()".
func (d *Device) Line() string {
	d.World.T.Helper()
	page, err := d.List(context.Background(), repository.Query{Limit: 1000})
	d.OK(err)
	var out []string
	for _, r := range page.Records.All() {
		s := fmt.Sprintf("%s(%s)", r.Value.Name, r.Value.Bio)
		if r.State != "" {
			s += " " + string(r.State)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// Shows checks the visible list; see Line.
func (d *Device) Shows(want string) {
	d.World.T.Helper()
	if got := d.Line(); got != want {
		d.World.T.Errorf("the list shows %q, want %q", got, want)
	}
}

// OK ends the test on an error.
func (d *Device) OK(err error) {
	d.World.T.Helper()
	if err != nil {
		d.World.T.Fatal(err)
	}
}

// Wrote is OK for a write.
func (d *Device) Wrote(_ repository.Written, err error) {
	d.World.T.Helper()
	d.OK(err)
}

// Patch sets all fields.
func Patch(name, email, bio string) api.UserPatch {
	return api.UserPatch{Name: &name, Email: &email, Bio: &bio}
}

// Bio sets the bio.
func Bio(s string) api.UserPatch { return api.UserPatch{Bio: &s} }

// Name sets the name.
func Name(s string) api.UserPatch { return api.UserPatch{Name: &s} }

// Update is a write of a patch, for tables of tests.
func Update(p api.UserPatch) func(*Device, string) error {
	return func(d *Device, id string) error {
		_, err := d.Update(context.Background(), id, p)
		return err
	}
}

// Delete is a delete, for tables of tests.
func Delete(d *Device, id string) error {
	_, err := d.Delete(context.Background(), id)
	return err
}
