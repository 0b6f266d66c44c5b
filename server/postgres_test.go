package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

// send posts JSON and returns the answer.
func send(t *testing.T, url string, body []byte) (int, []byte) {
	t.Helper()
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// events passes on the lines of a server's event stream until the test ends.
func events(t *testing.T, url string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer func() { _ = resp.Body.Close() }()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

func await(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	for late := time.After(30 * time.Second); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, want) {
				return
			}
		case <-late:
			t.Fatalf("no line with %q came within 30 s", want)
		}
	}
}

// headOf is the cursor behind everything a server has.
func headOf(t *testing.T, url string) string {
	t.Helper()
	var page api.ChangePage
	if _, body := get(t, url+"/api/v1/changes?limit=1000"); json.Unmarshal(body, &page) != nil || page.HasMore {
		t.Fatalf("the feed: %s", body)
	}
	return page.Cursor
}

// TestTwoServers: two servers on one PostgreSQL database act as one: what is written at one is
// read at the other, its clients are notified, and a replay is recognized.
func TestTwoServers(t *testing.T) {
	db := pgtest.Database(t)
	a, b := start(t, "-db", db), start(t, "-db", db)
	notified := events(t, b.url)
	await(t, notified, "data:") // the head; what follows are notifications
	ops := batchOf(1, 0, nil)
	body, err := json.Marshal(map[string]any{"clientId": ops[0].ID, "operations": ops})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := send(t, a.url+"/api/v1/operations", body); status != 200 || strings.Count(string(answer), `"applied"`) != 1 {
		t.Fatalf("the batch: %d %s", status, answer)
	}
	await(t, notified, headOf(t, a.url))
	if status, answer := send(t, b.url+"/api/v1/operations", body); status != 200 || strings.Count(string(answer), `"duplicate"`) != 1 {
		t.Errorf("its replay at the other: %d %s", status, answer)
	}
	if headOf(t, a.url) != headOf(t, b.url) {
		t.Error("the two are at different places of the feed")
	}
	for _, s := range []*started{a, b} {
		if status, body := get(t, s.url+"/readyz"); status != 200 {
			t.Errorf("ready: %d %s", status, body)
		}
	}
	// They are also notified of an import.
	runCommand(t, "import", "-db", db, "-apply", write(t, filepath.Join(t.TempDir(), "p.csv"), "name,email\nBo,bo@example.org\n")).says("1 created")
	await(t, notified, headOf(t, a.url))

	drop(t, db)
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/api/v1/users": 503, "/api/v1/changes": 503} {
		if status, body := get(t, a.url+path); status != want {
			t.Errorf("without its database, %s: %d %s", path, status, body)
		}
	}
	if status, answer := send(t, a.url+"/api/v1/operations", body); status != 503 {
		t.Errorf("without its database, a batch: %d %s", status, answer)
	}
	for _, s := range []*started{a, b} {
		s.stop()
		if err := s.wait(); err != nil {
			t.Error(err)
		}
	}
}

// drop takes a database away from those who use it.
func drop(t *testing.T, db string) {
	t.Helper()
	config, err := pgx.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `DROP DATABASE `+name+` WITH (FORCE)`)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestOperatePostgres: the operator's commands on a PostgreSQL database, and its
// backup with pg_dump as the documentation has it.
func TestOperatePostgres(t *testing.T) {
	db, dir := pgtest.Database(t), t.TempDir()
	runCommand(t, "export", "-db", db, filepath.Join(dir, "none.csv")).fails("no directory")
	runCommand(t, "seed", "-db", db, "-n", "50").says("added 50 people to postgres://rollcall@")
	runCommand(t, "check", "-db", db).says("50 users, 0 tombstones, 0 records, change 50; no problems found")
	people := filepath.Join(dir, "people.jsonl")
	runCommand(t, "export", "-db", db, people).says("exported 50 users")
	runCommand(t, "import", "-db", db, people).says("50 unchanged")
	runCommand(t, "backup", "-db", db, filepath.Join(dir, "b")).fails("pg_dump")
	runCommand(t, "restore", "-db", db, people).fails("pg_restore", "rollcall restored")
	runCommand(t, "restored", "-db", filepath.Join(dir, "x.db")).fails("for PostgreSQL databases")

	dump := filepath.Join(dir, "dump")
	postgresProgram(t, "pg_dump", "--format=custom", "--file="+dump, db)
	runCommand(t, "import", "-db", db, "-apply", write(t, filepath.Join(dir, "p.csv"), "name,email\nLost,lost@example.org\n")).says("1 created")
	old := start(t, "-db", db)
	lost := headOf(t, old.url)
	old.stop()
	if err := old.wait(); err != nil {
		t.Error(err)
	}
	fresh := pgtest.Database(t)
	postgresProgram(t, "pg_restore", "--dbname="+fresh, dump)
	runCommand(t, "restored", "-db", fresh).says("the versions of 50 users")
	runCommand(t, "check", "-db", fresh).says("50 users", "no problems found")
	s := start(t, "-db", fresh)
	if status, body := get(t, s.url+"/api/v1/changes?cursor="+lost); status != 410 {
		t.Errorf("a cursor from before: %d %s", status, body)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Error(err)
	}
	damageRows(t, fresh)
	runCommand(t, "check", "-db", fresh).found("its digest does not match", "indexed as another text")
}

func postgresProgram(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), pgtest.Program(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// damageRows changes a database behind the program's back.
func damageRows(t *testing.T, db string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `UPDATE users SET version = version + 1, sort = 'x' WHERE change = 7`)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestPasswordsAreNotPrinted: neither an error nor help says the password.
func TestPasswordsAreNotPrinted(t *testing.T) {
	const db = "postgres://rollcall:s3cr%2Ft@127.0.0.1:1/none?connect_timeout=1"
	t.Setenv("ROLLCALL_DB", db)
	for _, args := range [][]string{
		{"check"}, {"seed"}, {"serve", "-addr", "127.0.0.1:0"}, {"export", "x.csv"}, {"restored"}, {"backup", "x"}, {"restore", "x"},
		{"help", "check"}, {"help", "serve"}, {"serve", "-nonsense"},
	} {
		if c := runCommand(t, args...); strings.Contains(c.out, "s3cr") {
			t.Errorf("%v printed the password: %s", args, c.out)
		}
	}
}
