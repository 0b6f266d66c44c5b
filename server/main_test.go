package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

// TestMain makes the test binary the program itself, for tests of signals.
func TestMain(m *testing.M) {
	if os.Getenv("ROLLCALL_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(pgtest.Main(m))
}

// checkAnswers has every answer that the default client gets held against the
// contract, whoever asks.
func checkAnswers(t *testing.T) {
	t.Helper()
	checked.Do(func() { http.DefaultClient.Transport = contracttest.Load(t).Transport(http.DefaultTransport) })
}

var checked sync.Once

// started is a running `rollcall serve` in this process.
type started struct {
	t    *testing.T
	url  string
	stop context.CancelFunc
	done chan error
	log  lockedBuffer
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	checkAnswers(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	s := &started{t: t, stop: cancel, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := run(ctx, append([]string{"serve", "-addr", "127.0.0.1:0"}, args...), in, &s.log)
		s.done <- errors.Join(err, in.Close())
	}()
	s.url = address(t, out)
	t.Cleanup(func() { // it writes into the test's directory until it has ended
		cancel()
		<-ended
	})
	return s
}

// address reads the line that says where the server listens.
func address(t *testing.T, out io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening on ")
	if err != nil || !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("the server said %q (%v)", line, err)
	}
	return url
}

// operator returns where a server's log says that it serves the operator.
func operator(t *testing.T, log *lockedBuffer) (url string) {
	t.Helper()
	eventually(t, "the log has the operator's address", func() error {
		_, rest, there := strings.Cut(log.String(), "serving the operator\" url=")
		if url, _, _ = strings.Cut(rest, "\n"); !there || url == "" {
			return errors.New(log.String())
		}
		return nil
	})
	return url
}

// wait waits for the server's end.
func (s *started) wait() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(20 * time.Second):
		s.t.Fatal("the server did not end within 20 s")
		return nil
	}
}

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestServe(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rollcall.db")
	s := start(t, "-db", db)
	resp, err := http.Post(s.url+"/api/v1/users", "application/json", strings.NewReader(`{"name":"Ada","email":"ada@example.org"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != 201 {
		t.Fatalf("create: %d, %v", resp.StatusCode, err)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 404, "/api/nothing": 404} {
		if status, body := get(t, s.url+path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := get(t, s.url+"/"); status != 200 && status != 503 {
		t.Errorf("the page: %d, want it, or 503 from a program without web files", status)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}

	s = start(t, "-db", db) // and it is still there
	if _, body := get(t, s.url+"/api/v1/users"); !bytes.Contains(body, []byte("ada@example.org")) {
		t.Errorf("after a restart: %s", body)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	db := filepath.Join(t.TempDir(), "by-environment.db")
	t.Setenv("ROLLCALL_DB", db)
	t.Setenv("ROLLCALL_ADDR", "127.0.0.1:0")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"seed", "-n", "3"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), db) {
		t.Errorf("seed: %q, %v", &out, err)
	}
	if _, err := os.Stat(db); err != nil {
		t.Error(err)
	}
}

// TestSIGTERM: the real program ends its streams on a signal, answers what it
// has accepted and exits with 0.
func TestSIGTERM(t *testing.T) {
	checkAnswers(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := exec.CommandContext(t.Context(), program, "serve", "-addr", "127.0.0.1:0", "-metrics", "127.0.0.1:0", "-db", filepath.Join(t.TempDir(), "r.db"))
		cmd.Env = append(os.Environ(), "ROLLCALL_TEST_MAIN=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var log lockedBuffer
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		url := address(t, out)
		stream, err := http.Get(url + "/api/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		// A request whose body is under way when the signal comes: accepted, so answered.
		slow, rest := io.Pipe()
		answered := make(chan string, 1)
		go func() { answered <- post(url+"/api/v1/users", slow) }()
		if _, err := rest.Write([]byte(`{"name":"Ada",`)); err != nil {
			t.Fatal(err)
		}
		waitForRequests(t, operator(t, &log), 1)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, stream.Body); err != nil {
			t.Errorf("%v: the stream broke instead of ending: %v", signal, err)
		}
		if err := stream.Body.Close(); err != nil {
			t.Error(err)
		}
		if _, err := rest.Write([]byte(`"email":"ada@example.org"}`)); err != nil {
			t.Fatal(err)
		}
		if err := rest.Close(); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got != "201 Created" {
			t.Errorf("%v: the request under way was answered %q", signal, got)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", signal, err, &log)
		}
	}
}

func post(url string, body io.Reader) string {
	resp, err := http.Post(url, "application/json", body)
	if err != nil {
		return err.Error()
	}
	if err := resp.Body.Close(); err != nil {
		return err.Error()
	}
	return resp.Status
}

// waitForRequests waits until the server has n streams open, and so has taken
// the connections that were made before.
func waitForRequests(t *testing.T, url string, n int) {
	t.Helper()
	want := fmt.Sprintf("rollcall_streams %d", n)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if _, body := get(t, url+"/metrics"); bytes.Contains(body, []byte(want)) {
			return
		}
	}
	t.Fatalf("the metrics never said %q", want)
}

func TestSeed(t *testing.T) {
	dir := t.TempDir()
	seed := func(db string, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"seed", "-db", filepath.Join(dir, db)}, args...), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	people := func(db string) (all []string) {
		t.Helper()
		d, err := sql.Open("sqlite", filepath.Join(dir, db))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
		rows, err := d.QueryContext(t.Context(), `SELECT document FROM users ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var document []byte
			var u api.User
			if err := errors.Join(rows.Scan(&document), json.Unmarshal(document, &u)); err != nil {
				t.Fatal(err)
			}
			patch := api.UserPatch{Name: &u.Name, Email: &u.Email, Bio: &u.Bio}
			if _, errs := patch.Clean(true); len(errs) > 0 || !api.ValidID(u.ID) {
				t.Errorf("%+v is not valid: %v", u, errs)
			}
			all = append(all, u.ID+" "+u.Name+" "+u.Email+" "+u.Bio)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if out := seed("a.db", "-n", "2050"); !strings.HasPrefix(out, "added 2050 people to ") {
		t.Errorf("seed said %q", out)
	}
	seed("b.db", "-n", "2050")
	a, b := people("a.db"), people("b.db")
	if len(a) != 2050 || strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Errorf("one seed made %d and %d people, or other ones", len(a), len(b))
	}
	if out := seed("a.db", "-n", "2050"); !strings.Contains(out, "added 0 people") {
		t.Errorf("seeding again said %q", out)
	}
	if len(people("a.db")) != 2050 {
		t.Error("seeding again added people")
	}
	seed("c.db", "-n", "10", "-seed", "2")
	if c := people("c.db"); len(c) != 10 || strings.Contains(strings.Join(a, "\n"), c[0]) {
		t.Errorf("another seed made the same people: %q", c)
	}
}

func TestInvalidArguments(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := busy.Close(); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	db := filepath.Join(dir, "r.db")
	for _, test := range []struct {
		args  []string
		usage bool
		says  string
	}{
		{nil, true, "Usage:"},
		{[]string{"dance"}, true, `unknown command "dance"`},
		{[]string{"serve", "-port", "80"}, true, "-port"},
		{[]string{"serve", "now"}, true, `no argument "now"`},
		{[]string{"serve", "-hosts", "https://directory.example.org"}, true, "-hosts: \"https://directory.example.org\" must be a name without"},
		{[]string{"serve", "-origins", "directory.example.org"}, true, "-origins: \"directory.example.org\" must be the scheme"},
		{[]string{"seed", "-n", "0"}, true, "-n must be"},
		{[]string{"seed", "-n", "many"}, true, "-n"},
		{[]string{"serve", "-addr", busy.Addr().String(), "-db", db}, false, "address already in use"},
		{[]string{"serve", "-addr", "nowhere", "-db", db}, false, "listen on nowhere"},
		{[]string{"serve", "-addr", "127.0.0.1:0", "-db", dir}, false, "open database " + dir},
		{[]string{"seed", "-db", filepath.Join(dir, "no", "r.db")}, false, "open database"},
	} {
		var stderr bytes.Buffer
		err := run(t.Context(), test.args, io.Discard, &stderr)
		said := stderr.String() + fmt.Sprint(err)
		if err == nil || errors.Is(err, errUsage) != test.usage || !strings.Contains(said, test.says) {
			t.Errorf("rollcall %v: %v\n%s, want it to say %q", test.args, err, &stderr, test.says)
		}
	}
	for _, args := range [][]string{{"version"}, {"help"}, {"serve", "-h"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out, &out); err != nil || out.Len() == 0 {
			t.Errorf("rollcall %v: %v, %q", args, err, &out)
		}
	}
}

func httpDelete(url string) (int, error) {
	r, err := http.NewRequest("DELETE", url, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header.Set("If-Match", "*")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
