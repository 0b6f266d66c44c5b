package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

var kills = flag.Int("kills", 4, "how often each test of kills kills")

// process is a `rollcall serve` of its own.
type process struct {
	cmd *exec.Cmd
	url string
	log bytes.Buffer
}

func spawn(t *testing.T, db string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(program, "serve", "-addr", "127.0.0.1:0", "-db", db)}
	p.cmd.Env = append(os.Environ(), "ROLLCALL_TEST_MAIN=1")
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // when the test failed; else it has ended
	p.url = address(t, out)
	return p
}

// kill ends the process at once, wherever it is.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var end *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &end) || end.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the server ended by itself: %v\n%s", err, &p.log)
	}
}

// end has the process answer what it has accepted and go.
func (p *process) end(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v\n%s", err, &p.log)
	}
}

// fleet is clients that send batches, and each until it is acknowledged, to
// whichever server there is.
type fleet struct {
	ctx     context.Context
	servers atomic.Pointer[[]string]
	batches atomic.Int64 // acknowledged
	failed  atomic.Int64 // requests that got no answer, or "not now"
	replays atomic.Int64 // operations that had been done when they were sent again
	stop    chan struct{}
	works   sync.WaitGroup
	ended   sync.Once

	mu           sync.Mutex
	acknowledged []acknowledged // by client
	errs         []error
}

// acknowledged is what a client got acknowledged: how many operations, and of each user the
// version.
type acknowledged struct {
	operations int64
	versions   map[string]int64
}

const clients = 16

func launch(t *testing.T, servers ...string) *fleet {
	f := &fleet{ctx: t.Context(), stop: make(chan struct{}), acknowledged: make([]acknowledged, clients)}
	f.servers.Store(&servers)
	for i := range clients {
		f.works.Go(func() {
			got, err := f.sail(i)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.acknowledged[i] = got
			if err != nil {
				f.errs = append(f.errs, fmt.Errorf("client %d: %w", i, err))
			}
		})
	}
	t.Cleanup(f.end)
	return f
}

// end lets each client get its last batch acknowledged.
func (f *fleet) end() {
	f.ended.Do(func() { close(f.stop) })
	f.works.Wait()
}

func (f *fleet) sail(i int) (acknowledged, error) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	got := acknowledged{versions: map[string]int64{}}
	for n := 0; ; n++ {
		select {
		case <-f.stop:
			return got, nil
		default:
		}
		ops := batchOf(i, n, got.versions)
		for {
			servers := *f.servers.Load()
			results, err := f.send(client, servers[rand.IntN(len(servers))], i, ops)
			if err != nil {
				return got, fmt.Errorf("batch %d: %w", n, err)
			}
			if results != nil {
				f.batches.Add(1)
				got.operations += int64(len(ops))
				for k, result := range results {
					got.versions[ops[k].EntityID] = result.Version
				}
				break
			}
			f.failed.Add(1)
			select {
			case <-pause.C:
			case <-f.ctx.Done():
				return got, f.ctx.Err()
			}
		}
	}
}

// userOf is the nth user of a client.
func userOf(client, n int) string { return nameOf(client, n, "user") }

func nameOf(client, n int, what string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%d/%d/%s", client, n, what)).String()
}

// isDeleted reports whether a client deletes its nth user.
func isDeleted(n int) bool { return n%3 == 2 }

// batchOf is the nth batch of a client, given the versions of its users: it creates a user,
// updates the one before, and may delete the one before that.
func batchOf(client, n int, versions map[string]int64) []api.Operation {
	user := userOf(client, n)
	ops := []api.Operation{{Type: api.Create, EntityID: user, Data: fmt.Appendf(nil, `{"name":"N","email":"%s@example.org"}`, user)}}
	if n >= 1 {
		ops = append(ops, api.Operation{Type: api.Update, EntityID: userOf(client, n-1), Data: []byte(`{"bio":"changed"}`)})
	}
	if n >= 2 && isDeleted(n-2) {
		ops = append(ops, api.Operation{Type: api.Delete, EntityID: userOf(client, n-2)})
	}
	for i := range ops {
		op := &ops[i]
		op.ID, op.EntityType, op.BaseVersion = nameOf(client, n, string(op.Type)), api.EntityUser, versions[op.EntityID]
	}
	return ops
}

// send sends a batch once, and returns its results if all of it was acknowledged. An error means
// that the server answered what it never should.
func (f *fleet) send(client *http.Client, server string, i int, ops []api.Operation) (results []api.Result, err error) {
	body, err := json.Marshal(map[string]any{"clientId": uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%d", i)).String(), "operations": ops})
	if err != nil {
		return nil, err
	}
	ctx, cancel := f.ctx, context.CancelFunc(func() {})
	if rand.IntN(8) == 0 { // a client that leaves before it receives the answer
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.Int64N(int64(20*time.Millisecond))))
	}
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", server+"/api/v1/operations", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil // it is dead, or died, or the client has gone
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode == http.StatusServiceUnavailable {
		return nil, nil
	}
	var answer struct{ Results []api.Result }
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != 200 || len(answer.Results) != len(ops) {
		return nil, fmt.Errorf("answered %d %s", resp.StatusCode, text)
	}
	done := true
	for k, result := range answer.Results {
		switch base := ops[k].BaseVersion; {
		case result.Status == api.Retry:
			done = false
		case result.Status == api.Applied && result.Version > base:
		case result.Status == api.Duplicate && result.Version > base:
			f.replays.Add(1)
		default:
			return nil, fmt.Errorf("operation %d was answered %+v", k, result)
		}
	}
	if !done {
		return nil, nil
	}
	return answer.Results, nil
}

// more waits until the clients got some more batches acknowledged, now and then fewer.
func (f *fleet) more(t *testing.T) {
	t.Helper()
	target := f.batches.Load() + 8 + rand.Int64N(40)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); f.batches.Load() < target; {
		f.mu.Lock()
		errs := f.errs
		f.mu.Unlock()
		if len(errs) > 0 {
			t.Fatal(errors.Join(errs...))
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no %d batches were acknowledged within a minute", target)
		}
	}
}

// agree fails the test unless the database holds exactly what the clients were answered:
// users, tombstones, versions, change numbers, records and counter.
func (f *fleet) agree(t *testing.T, db string) {
	t.Helper()
	if len(f.errs) > 0 {
		t.Fatal(errors.Join(f.errs...))
	}
	versions, deleted := map[string]int64{}, map[string]bool{}
	var ops int64
	for i, got := range f.acknowledged {
		maps.Copy(versions, got.versions)
		ops += got.operations
		for n := range len(got.versions) - 2 {
			if isDeleted(n) {
				deleted[userOf(i, n)] = true
			}
		}
	}
	users, tombstones := int64(len(versions)-len(deleted)), int64(len(deleted))
	report, err := checkDatabase(t.Context(), db)
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("the check found %q (%v)", report.Problems, err)
	}
	if report.Users != users || report.Tombstones != tombstones || report.Records != ops || report.Change != ops {
		t.Errorf("the database has %d users, %d tombstones, %d records, change %d; acknowledged were %d, %d, %d, %d",
			report.Users, report.Tombstones, report.Records, report.Change, users, tombstones, ops, ops)
	}
	s, err := openExisting(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin, err := feed.ParseCursor(head)
	if err != nil {
		t.Fatal(err)
	}
	begin.Change = 0 // without a cursor there would be no tombstones
	for cursor, more := begin.String(), true; more; {
		page, err := s.Changes(t.Context(), cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			if versions[c.EntityID] != c.Version || c.Deleted != deleted[c.EntityID] {
				t.Errorf("the feed has %+v, acknowledged was version %d", c, versions[c.EntityID])
			}
			delete(versions, c.EntityID)
		}
		cursor, more = page.Cursor, page.HasMore
	}
	if len(versions) > 0 {
		t.Errorf("%d acknowledged users are not in the feed", len(versions))
	}
	t.Logf("%d batches, %d operations acknowledged; %d requests failed, %d operations were replays", f.batches.Load(), ops, f.failed.Load(), f.replays.Load())
}

// databases are an empty database of each kind.
func databases(t *testing.T, test func(t *testing.T, db string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "rollcall.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.Database(t)) })
}

// TestServerKilled: the server is killed again and again while clients send batches
// and replay what was not acknowledged.
func TestServerKilled(t *testing.T) {
	databases(t, func(t *testing.T, db string) {
		server := spawn(t, db)
		f := launch(t, server.url)
		for range *kills {
			f.more(t)
			server.kill(t)
			server = spawn(t, db)
			f.servers.Store(&[]string{server.url})
		}
		f.more(t)
		f.end()
		server.end(t)
		f.agree(t, db)
	})
}

// TestBackendKilled: the server lives, and PostgreSQL's own processes are ended under it,
// in good order or by SIGKILL, after which PostgreSQL recovers.
func TestBackendKilled(t *testing.T) {
	db := pgtest.Database(t)
	server := spawn(t, db)
	f := launch(t, server.url)
	for n := range *kills {
		f.more(t)
		if n%2 == 0 {
			terminate(t, db)
		} else if pids := pgtest.Backends(t, db); len(pids) > 0 {
			if err := syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
		}
	}
	f.more(t)
	f.end()
	server.end(t)
	f.agree(t, db)
}

// terminate has PostgreSQL end all connections to a database but the one that asks.
func terminate(t *testing.T, db string) {
	t.Helper()
	pgtest.Query(t, db, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()`)
		return err
	})
}

// TestOneOfTwoKilled: two servers share a database. One of them dies, the other goes
// on by itself, and clients that were with either miss nothing.
func TestOneOfTwoKilled(t *testing.T) {
	db := pgtest.Database(t)
	servers := []*process{spawn(t, db), spawn(t, db)}
	f := launch(t, servers[0].url, servers[1].url)
	for n := range *kills {
		f.more(t)
		servers[n%2].kill(t)
		f.servers.Store(&[]string{servers[(n+1)%2].url})
		f.more(t)
		servers[n%2] = spawn(t, db)
		f.servers.Store(&[]string{servers[0].url, servers[1].url})
	}
	f.more(t)
	f.end()
	for _, s := range servers {
		s.end(t)
	}
	f.agree(t, db)
}
