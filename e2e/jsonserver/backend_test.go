//go:build e2e

package jsonserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/e2e/harness"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// backend is a json-server process with its own file. It keeps its address across restarts.
type backend struct {
	t      *testing.T
	script string
	addr   string
	file   string
	log    string
	cmd    *exec.Cmd
	exited chan error
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	script, err := filepath.Abs("../node_modules/json-server/lib/cli/bin.js")
	must(t, err)
	if _, err := os.Stat(script); err != nil {
		t.Fatalf("json-server is not installed (make e2e installs it): %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	dir := t.TempDir()
	b := &backend{t: t, script: script, addr: l.Addr().String(), file: filepath.Join(dir, "db.json"), log: filepath.Join(dir, "log")}
	must(t, l.Close())
	must(t, os.WriteFile(b.file, []byte(`{"users":[]}`), 0o600))
	t.Cleanup(func() {
		if b.cmd != nil {
			b.kill()
		}
		if log, err := os.ReadFile(b.log); err == nil && t.Failed() {
			t.Logf("json-server log, the end of it:\n%s", log[max(0, len(log)-4000):])
		}
	})
	b.start()
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *backend) start() {
	b.t.Helper()
	host, port, err := net.SplitHostPort(b.addr)
	must(b.t, err)
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(b.t, err)
	b.cmd = exec.Command("node", b.script, "--host", host, "--port", port, b.file)
	b.cmd.Dir, b.cmd.Stdout, b.cmd.Stderr = filepath.Dir(b.file), log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(b.t, b.cmd.Start())
	must(b.t, log.Close())
	exited := make(chan error, 1)
	go func(cmd *exec.Cmd) { exited <- cmd.Wait() }(b.cmd)
	b.exited = exited
	harness.Eventually(b.t, "json-server answers", func() error {
		select {
		case err := <-exited:
			b.t.Fatalf("json-server ended: %v", err)
		default:
		}
		_, err := b.ask(http.MethodGet, "/users", "")
		return err
	})
}

// stop ends the process, once it has written its file: json-server answers before that.
func (b *backend) stop() {
	b.t.Helper()
	harness.Eventually(b.t, "json-server has written its file", func() error {
		saved, err := os.ReadFile(b.file)
		if err != nil {
			return err
		}
		var file struct{ Users []map[string]any }
		if err := json.Unmarshal(saved, &file); err != nil {
			return err
		}
		if has := b.rows(); !reflect.DeepEqual(byID(b.t, file.Users), has) {
			return fmt.Errorf("the file has %d of %d users, or older ones", len(file.Users), len(has))
		}
		return nil
	})
	b.kill()
}

func (b *backend) kill() {
	b.t.Helper()
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.t.Fatalf("end json-server: %v", err)
	}
	b.t.Logf("json-server ended: %v", <-b.exited)
	b.cmd = nil
}

// ask sends a request, bypassing the engine.
func (b *backend) ask(method, path, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+b.addr+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return answer, err
}

func (b *backend) send(method, path, body string) {
	b.t.Helper()
	_, err := b.ask(method, path, body)
	must(b.t, err)
}

// rows returns the backend's rows, by id.
func (b *backend) rows() map[string]map[string]any {
	b.t.Helper()
	answer, err := b.ask(http.MethodGet, "/users", "")
	must(b.t, err)
	var list []map[string]any
	must(b.t, json.Unmarshal(answer, &list))
	return byID(b.t, list)
}

func byID(t *testing.T, list []map[string]any) map[string]map[string]any {
	t.Helper()
	rows := map[string]map[string]any{}
	for _, row := range list {
		id, ok := row["id"].(string)
		if !ok || rows[id] != nil {
			t.Fatalf("a row without an id of its own: %v", row)
		}
		rows[id] = row
	}
	return rows
}

// reset restarts the backend with these rows.
func (b *backend) reset(rows []map[string]any) {
	b.t.Helper()
	b.stop()
	file, err := json.Marshal(map[string]any{"users": rows})
	must(b.t, err)
	must(b.t, os.WriteFile(b.file, file, 0o600))
	b.start()
}

// client is a device: the engine with a store in memory, connected to the backend over HTTP.
type client struct {
	*directory.Collection
	b      *backend
	store  *memory.Store
	engine *sync.Engine
	rest   *remote.REST
	writes int // requests that write
	// intercept, if set, receives the number of each write, and drops its answer by an error.
	intercept func(n int) error
}

func (b *backend) client() *client {
	c := &client{b: b, store: memory.New(directory.Users)}
	c.rest = &remote.REST{HTTP: c, Paths: map[string]string{api.EntityUser: "/users"}, Dialect: remote.JSONServer, Now: time.Now}
	channel := memory.NewChannel()
	c.engine = sync.New(sync.Config{
		Store: c.store, Remote: c.rest, Locks: memory.NewLocks(), Bus: channel.Bus(), Schemas: []queue.Schema{directory.Users},
		Now: time.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
	c.rest.Observe = c.engine.ObserveClock
	c.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: c.store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString,
	})
	b.t.Cleanup(c.Close)
	return c
}

// Do implements sync.HTTP.
func (c *client) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+c.b.addr+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return sync.Response{}, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sync.Response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return sync.Response{}, err
	}
	if r.Method != http.MethodGet {
		c.writes++
		if c.intercept != nil {
			if err := c.intercept(c.writes); err != nil {
				return sync.Response{}, err
			}
		}
	}
	out := sync.Response{Status: resp.StatusCode, Body: body, Header: map[string]string{}}
	for name := range resp.Header {
		out.Header[strings.ToLower(name)] = resp.Header.Get(name)
	}
	return out, nil
}

func (c *client) create(name string) string {
	c.b.t.Helper()
	email, none := strings.ToLower(name)+"@example.org", ""
	written, err := c.Create(c.b.t.Context(), api.UserPatch{Name: &name, Email: &email, Bio: &none})
	must(c.b.t, err)
	return written.ID
}

// now is a user as somebody sees it right now.
func (c *client) now(id string) repository.Record[api.User] {
	c.b.t.Helper()
	r, err := c.Get(c.b.t.Context(), id)
	must(c.b.t, err)
	return r
}

func (c *client) writesBio(id, bio string) {
	c.b.t.Helper()
	_, err := c.Update(c.b.t.Context(), c.now(id), api.UserPatch{Bio: &bio})
	must(c.b.t, err)
}

func (c *client) rename(id, name string) {
	c.b.t.Helper()
	_, err := c.Update(c.b.t.Context(), c.now(id), api.UserPatch{Name: &name})
	must(c.b.t, err)
}

func (c *client) remove(id string) {
	c.b.t.Helper()
	_, err := c.Delete(c.b.t.Context(), c.now(id))
	must(c.b.t, err)
}

// sync runs a round that must succeed.
func (c *client) sync() sync.Report {
	c.b.t.Helper()
	report, err := c.engine.Round(c.b.t.Context(), sync.Manual)
	must(c.b.t, err)
	return report
}

// syncFully runs a round that lists everything.
func (c *client) syncFully() {
	c.b.t.Helper()
	c.rest.ListEvery = 1
	c.sync()
	c.rest.ListEvery = 0
}

// offline runs a round that must fail without counting as an attempt.
func (c *client) offline() {
	c.b.t.Helper()
	if _, err := c.engine.Round(c.b.t.Context(), sync.Manual); err == nil {
		c.b.t.Fatal("a round without a backend succeeded")
	}
	waiting, err := c.Waiting(c.b.t.Context(), 1000)
	must(c.b.t, err)
	for _, o := range waiting {
		if o.RetryCount != 0 {
			c.b.t.Errorf("being offline counted as an attempt: %+v", o)
		}
	}
}

// shows returns the visible name and bio of an entity, empty if there is none.
func (c *client) shows(id string) (name, bio string) {
	c.b.t.Helper()
	record, err := c.Get(c.b.t.Context(), id)
	if errors.Is(err, repository.ErrNotFound) {
		return "", ""
	}
	must(c.b.t, err)
	return record.Value.Name, record.Value.Bio
}

// converge syncs all clients, and checks that each shows the backend's rows, field by field,
// and has nothing left to send.
func converge(b *backend, clients ...*client) {
	b.t.Helper()
	for range 2 {
		for _, c := range clients {
			c.syncFully()
		}
	}
	want := b.rows()
	for i, c := range clients {
		page, err := c.List(b.t.Context(), repository.Query{Limit: 1000})
		must(b.t, err)
		got := map[string]map[string]any{}
		for _, record := range page.Records.All() {
			e, err := c.store.Entity(b.t.Context(), queue.Ref{Type: api.EntityUser, ID: record.Value.ID})
			must(b.t, err)
			var fields map[string]any
			must(b.t, json.Unmarshal(e.Document(), &fields))
			got[record.Value.ID] = fields
		}
		if !reflect.DeepEqual(got, want) {
			b.t.Errorf("client %d shows %v\nthe backend has %v", i, got, want)
		}
		counts, err := c.Counts(b.t.Context())
		must(b.t, err)
		if counts.Waiting != 0 || counts.Rejected != 0 {
			b.t.Errorf("client %d still has %+v", i, counts)
		}
	}
}
