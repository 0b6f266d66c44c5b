package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
)

const annsPassword = "correct horse battery"

// typed makes the first lines of standard input.
func typed(t *testing.T, text string) {
	t.Helper()
	in, err := os.Open(write(t, filepath.Join(t.TempDir(), "in"), text))
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stdin
	os.Stdin = in
	t.Cleanup(func() {
		os.Stdin = was
		_ = in.Close()
	})
}

// bothDatabases are an empty one of each kind.
func bothDatabases(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"sqlite": filepath.Join(t.TempDir(), "r.db"), "postgres": pgtest.Database(t)}
}

// secretIn is the secret in a command's output.
func secretIn(t *testing.T, text string) string {
	t.Helper()
	secret := regexp.MustCompile(`rollcall_[stl]_[A-Za-z0-9_-]{43}`).FindString(text)
	if secret == "" {
		t.Fatalf("there is no secret in %q", text)
	}
	return secret
}

// ask sends a request with a token, or a session's cookie, or neither.
func ask(t *testing.T, method, url, secret string, body any) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(secret, "rollcall_t_") {
		r.Header.Set("Authorization", "Bearer "+secret)
	} else if secret != "" {
		r.Header.Set("Cookie", "rollcall="+secret)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if c := resp.Header.Get("Set-Cookie"); c != "" {
		answer = append(answer, c...)
	}
	return resp.StatusCode, answer
}

// TestAccountCommands: the life of an account, from the command line, on both databases.
func TestAccountCommands(t *testing.T) {
	for name, db := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			command := func(args ...string) result {
				t.Helper()
				return runCommand(t, append([]string{"account", args[0], "-db", db}, args[1:]...)...)
			}
			command("list").fails("there is no directory yet")
			typed(t, "")
			command("add", "-admin", "ann").fails("no password was given")
			typed(t, "short\n")
			command("add", "-admin", "ann").fails("must have at least 12 characters")
			typed(t, annsPassword+"\r\nignored\n")
			command("add", "-admin", "Ann").says("added ann, who is admin")
			command("add", "-admin", "ann").fails("another account has the name ann")
			command("add", "-role", "boss", "bo").fails("must be viewer, editor or admin")
			secretIn(t, command("invite", "-role", "editor", "-url", "https://directory.example.org/", "bo").out)
			command("invite", "cy", "-url", "https://directory.example.org/").says("https://directory.example.org/join#rollcall_l_")
			command("list").says("ann ", "admin", "enabled", "bo ", "invited", "3 accounts")
			command("role", "ann", "viewer").fails("The last admin")
			command("role", "bo", "admin").says("bo is admin")
			command("disable", "ann").says("ann is disabled")
			command("list").says("disabled")
			command("reset", "ann").fails("enable the account")
			command("enable", "ann").says("ann is enabled")
			command("reset", "-days", "40", "ann").fails("at most 30 days")
			secretIn(t, command("reset", "ann").out)
			secretIn(t, command("token", "-role", "editor", "-for", "backups", "bo").out)
			command("token", "-role", "admin", "cy").fails("can't do more than its account")
			tokens := command("sessions", "bo")
			tokens.says("token", "editor", "backups")
			command("sign-out", "bo", strings.Fields(tokens.out)[0]).says("is signed out")
			if again := command("sessions", "bo"); again.err != nil || strings.Contains(again.out, "backups") {
				t.Errorf("the token goes on: %s", again.out)
			}
			command("sign-out", "ann").says("ann is signed out")
			for _, args := range [][]string{{"role", "x", "viewer"}, {"disable", "x"}, {"reset", "x"}, {"sessions", "x"}, {"sign-out", "x"}, {"token", "x"}} {
				command(args...).fails("there is no account x")
			}
			checkAudit(t, runCommand(t, "audit", "-db", db))
			runCommand(t, "check", "-db", db).says("no problems found")
			if name == "sqlite" {
				damage(t, db, `UPDATE accounts SET role = 'bo'||char(27)||'ss' WHERE name = 'cy'; UPDATE grants SET hash = 'x' WHERE kind = 'session'`)
				runCommand(t, "check", "-db", db).found("accounts: account ", `has the role "bo`)
			}
		})
	}
	runCommand(t, "account").fails("rollcall account add")
	runCommand(t, "account", "dance").fails(`unknown command "account dance"`, "rollcall account add")
	runCommand(t, "audit", "-from", "yesterday").fails("-from must be")
}

func checkAudit(t *testing.T, c result) {
	t.Helper()
	c.says()
	var actions []string
	for line := range strings.Lines(strings.TrimSuffix(c.out, "<nil>")) {
		var e auditLine
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.At.IsZero() || e.Name == "" {
			t.Errorf("entry %q: %v", line, err)
		}
		actions = append(actions, e.Action)
	}
	want := "account_added password_set account_added link_made account_added link_made role_changed account_disabled account_enabled link_made token_made token_ended signed_out_everywhere"
	if got := strings.Join(actions, " "); got != want {
		t.Errorf("the audit log has\n%s, want\n%s", got, want)
	}
}

// TestAccountsOfARunningServer: an open server closes with the first account, and what a command
// ends beside it is over within 5 s.
func TestAccountsOfARunningServer(t *testing.T) {
	for name, db := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			s := start(t, "-db", db)
			if status, body := ask(t, "GET", s.url+api.PathSession, "", nil); status != 200 || !bytes.Contains(body, []byte(`"open":true`)) {
				t.Errorf("an open server says %d %s", status, body)
			}
			if !strings.Contains(s.log.String(), "there are no accounts") {
				t.Errorf("the log does not say that it is open: %s", s.log.String())
			}
			within5s := func(what string, secret string, want int) {
				t.Helper()
				began := time.Now()
				eventually(t, what, func() error {
					if status, body := ask(t, "GET", s.url+api.PathUsers, secret, nil); status != want {
						return fmt.Errorf("%d %s", status, body)
					}
					return nil
				})
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s took %v", what, took)
				}
			}
			typed(t, annsPassword+"\n")
			runCommand(t, "account", "add", "-db", db, "-admin", "ann").says("added ann")
			within5s("the server closes", "", 401)
			status, body := ask(t, "POST", s.url+api.PathSession, "", api.SignIn{Name: "ann", Password: annsPassword, Device: "test"})
			if status != 200 || !bytes.Contains(body, []byte("HttpOnly")) || !bytes.Contains(body, []byte("SameSite=Strict")) {
				t.Fatalf("sign in: %d %s", status, body)
			}
			session := secretIn(t, string(body))
			token := secretIn(t, runCommand(t, "account", "token", "-db", db, "-role", "editor", "ann").out)
			within5s("a token lets in", token, 200)
			if status, body := ask(t, "POST", s.url+api.PathUsers, token, map[string]string{"name": "Ada", "email": "ada@example.org"}); status != 201 {
				t.Errorf("create with a token: %d %s", status, body)
			}
			within5s("the session lets in", session, 200)
			runCommand(t, "account", "sign-out", "-db", db, "ann").says("signed out")
			within5s("signing out", session, 401)
			s.stop()
			if err := s.wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRevocationReachesOtherServers: on PostgreSQL, what one server ends is over at another.
func TestRevocationReachesOtherServers(t *testing.T) {
	db := pgtest.Database(t)
	typed(t, annsPassword+"\n")
	runCommand(t, "account", "add", "-db", db, "-admin", "ann").says("added ann")
	a, b := start(t, "-db", db), start(t, "-db", db)
	_, body := ask(t, "POST", a.url+api.PathSession, "", api.SignIn{Name: "ann", Password: annsPassword})
	session := secretIn(t, string(body))
	eventually(t, "the other server knows the session", func() error {
		if status, body := ask(t, "GET", b.url+api.PathUsers, session, nil); status != 200 {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	if status, body := ask(t, "DELETE", a.url+api.PathSession, session, nil); status != 204 {
		t.Fatalf("sign out: %d %s", status, body)
	}
	began := time.Now()
	eventually(t, "the other server refuses it", func() error {
		if status, body := ask(t, "GET", b.url+api.PathUsers, session, nil); status != 401 {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestRestoreEndsSessions: what was ended since a backup must not be back with it. Tokens stay, since
// programs can't sign in.
func TestRestoreEndsSessions(t *testing.T) {
	for name, db := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			typed(t, annsPassword+"\n")
			runCommand(t, "account", "add", "-db", db, "-admin", "ann").says("added")
			token := secretIn(t, runCommand(t, "account", "token", "-db", db, "ann").out)
			link := secretIn(t, runCommand(t, "account", "reset", "-db", db, "ann").out)
			s := start(t, "-db", db)
			_, body := ask(t, "POST", s.url+api.PathSession, "", api.SignIn{Name: "ann", Password: annsPassword})
			session := secretIn(t, string(body))
			s.stop()
			if err := s.wait(); err != nil {
				t.Error(err)
			}
			if name == "sqlite" {
				file := filepath.Join(t.TempDir(), "b.db")
				runCommand(t, "backup", "-db", db, file).says("backed up")
				runCommand(t, "restore", "-db", db, file).says("restored")
			} else {
				runCommand(t, "restored", "-db", db).says("is ready to be served")
			}
			s = start(t, "-db", db)
			for secret, want := range map[string]int{session: 401, token: 200} {
				if status, body := ask(t, "GET", s.url+api.PathUsers, secret, nil); status != want {
					t.Errorf("%.11s: %d %s", secret, status, body)
				}
			}
			if status, body := ask(t, "POST", s.url+api.PathSession, "", api.SignIn{Link: link, Password: "another good password"}); status != 404 {
				t.Errorf("the link: %d %s", status, body)
			}
		})
	}
}

func TestMayStart(t *testing.T) {
	for _, test := range []struct {
		addr           string
		accounts       bool
		tls, proxied   bool
		lacks, sayings string
	}{
		{addr: "127.0.0.1:8080"}, {addr: "localhost:8080"}, {addr: "[::1]:0"}, {addr: "127.1.2.3:1"}, {addr: "[::ffff:127.0.0.1]:1"},
		{addr: ":8080", lacks: "accounts TLS"}, {addr: "0.0.0.0:8080", lacks: "accounts TLS"}, {addr: "[::]:80", lacks: "accounts TLS"},
		{addr: "192.0.2.1:80", lacks: "accounts TLS"}, {addr: "directory.example.org:443", lacks: "accounts TLS"}, {addr: "localhost.example.org:1", lacks: "accounts TLS"},
		{addr: ":8080", tls: true, lacks: "accounts"}, {addr: ":8080", proxied: true, lacks: "accounts"},
		{addr: ":8080", accounts: true, lacks: "TLS"},
		{addr: ":8080", accounts: true, tls: true}, {addr: ":8080", accounts: true, proxied: true},
	} {
		o := serveOptions{addr: test.addr, db: "/data/r.db", behindProxy: test.proxied}
		if test.tls {
			o.cert = "c.pem"
		}
		said := ""
		if err := o.mayStart(test.accounts); err != nil {
			said = err.Error()
		}
		if (said == "") != (test.lacks == "") || strings.Contains(said, "`rollcall account add -admin -db /data/r.db NAME`") != strings.Contains(test.lacks, "accounts") ||
			strings.Contains(said, "-tls-cert FILE") != strings.Contains(test.lacks, "TLS") {
			t.Errorf("%+v: %q", test, said)
		}
	}
}

// TestFirstAdmin: a container's first start says what to type; with that it prints a link, once,
// whose password opens the server to its owner.
func TestFirstAdmin(t *testing.T) {
	db := filepath.Join(t.TempDir(), "r.db")
	serve := []string{"serve", "-addr", "0.0.0.0:0", "-db", db}
	runCommand(t, serve...).fails("-first-admin NAME", "-behind-proxy -trusted-proxies NETWORK", "rollcall account add -admin -db "+db+" NAME")
	if _, err := os.Stat(db); err == nil {
		t.Error("a start that is refused makes a database")
	}
	runCommand(t, append(serve, "-first-admin", "ann")...).fails("-tls-cert FILE") // and makes no account, whose link nobody would see
	runCommand(t, append(serve, "-behind-proxy")...).fails("-behind-proxy needs -trusted-proxies")
	runCommand(t, append(serve, "-behind-proxy", "-trusted-proxies", "192.0.2.1", "-first-admin", "not a name")...).fails("-first-admin", "must be letters")
	serve = append(serve, "-behind-proxy", "-trusted-proxies", "192.0.2.1", "-first-admin", "ann", "-hosts", "directory.example.org")
	port, said, end := startOn(t, serve)
	if !strings.Contains(said, "https://directory.example.org/join#rollcall_l_") {
		t.Fatalf("it said %q", said)
	}
	url := "http://127.0.0.1:" + port
	if status, body := ask(t, "GET", url+api.PathUsers, "", nil); status != 401 {
		t.Errorf("before anybody has signed in: %d %s", status, body)
	}
	link := api.SignIn{Link: secretIn(t, said), Password: annsPassword}
	status, body := ask(t, "POST", url+api.PathSession, "", link)
	if status != 200 {
		t.Fatalf("the link: %d %s", status, body)
	}
	session := secretIn(t, string(body))
	if status, body := ask(t, "POST", url+api.PathSession, "", link); status != 404 {
		t.Errorf("the link again: %d %s", status, body)
	}
	if status, body := ask(t, "GET", url+api.PathAccounts, session, nil); status != 200 || !bytes.Contains(body, []byte(`"role":"admin"`)) {
		t.Errorf("the accounts: %d %s", status, body)
	}
	end()
	port, said, end = startOn(t, serve)
	if strings.Contains(said, "/join#") {
		t.Errorf("the second start prints a link: %q", said)
	}
	if status, _ := ask(t, "GET", "http://127.0.0.1:"+port+api.PathUsers, session, nil); status != 200 {
		t.Errorf("after a restart the session gets %d", status)
	}
	end()
}

// TestRefusedStartLeavesTheDatabase: with a schema from before accounts, so that the program of then
// can go on.
func TestRefusedStartLeavesTheDatabase(t *testing.T) {
	for name, db := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			if name == "postgres" {
				runCommand(t, "serve", "-addr", "0.0.0.0:0", "-db", db).fails("needs accounts")
				runCommand(t, "check", "-db", db).fails("there is no directory yet")
				return
			}
			runCommand(t, "seed", "-db", db, "-n", "1").says("added 1")
			damage(t, db, `DROP TABLE history; DROP TABLE audit; DROP TABLE access; DROP TABLE grants; DROP TABLE credentials; DROP TABLE accounts;
				DELETE FROM goose_db_version WHERE version_id >= 8`)
			runCommand(t, "serve", "-addr", "0.0.0.0:0", "-db", db).fails("needs accounts")
			runCommand(t, "check", "-db", db).fails("older than this program's")
			runCommand(t, "account", "add", "-db", db, "-link", "-admin", "ann").says("sets a password")
			runCommand(t, "serve", "-addr", "0.0.0.0:0", "-db", db).fails("needs TLS")
			runCommand(t, "check", "-db", db).says("no problems found")
		})
	}
}

// startOn starts a server on all addresses, and returns its port and what it has said by then.
func startOn(t *testing.T, args []string) (port, said string, end func()) {
	t.Helper()
	checkAnswers(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var log lockedBuffer
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, in, &log)
		done <- errors.Join(err, in.Close())
	}()
	lines := bufio.NewScanner(out)
	listening := regexp.MustCompile(`^listening on http://\S+:(\d+)$`)
	for port == "" && lines.Scan() {
		said += lines.Text() + "\n"
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			port = m[1]
		}
	}
	if port == "" {
		t.Fatalf("it said %q\n%s", said, &log)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return port, said, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestAuditOfChanges: who did what to whom, among what happened to accounts, in the order of time;
// and what an import and an erase leave.
func TestAuditOfChanges(t *testing.T) {
	for name, db := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := write(t, filepath.Join(dir, "p.csv"), "id,name,email\n018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16,Zdeněk Unerased,zdenek@example.org\n")
			runCommand(t, "import", "-db", db, "-apply", file).says("1 created") // before there are accounts
			typed(t, annsPassword+"\n")
			runCommand(t, "account", "add", "-db", db, "-admin", "ann").says("added")
			token := secretIn(t, runCommand(t, "account", "token", "-db", db, "-role", "admin", "ann").out)
			s := start(t, "-db", db)
			user := s.url + api.PathUsers + "/018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16"
			if status := patched(t, user, token, `{"name":"Zdeněk Changed"}`); status != 200 {
				t.Fatalf("change: %d", status)
			}
			runCommand(t, "account", "invite", "-db", db, "bo").says("sets a password")
			write(t, file, "id,name,email\n018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16,Zdeněk Imported,zdenek@example.org\n")
			runCommand(t, "import", "-db", db, "-apply", file).says("1 changed")
			if _, body := ask(t, "GET", user+"/history", token, nil); !bytes.Contains(body, []byte("Unerased")) || !bytes.Contains(body, []byte("Changed")) {
				t.Errorf("the history is %s", body)
			}
			runCommand(t, "erase", "-db", db, "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16").says("erased")
			if _, body := ask(t, "GET", user+"/history", token, nil); bytes.Contains(body, []byte("Zdeněk")) || !bytes.Contains(body, []byte(`"type":"delete"`)) {
				t.Errorf("after the erase the history is %s", body)
			}
			s.stop()
			if err := s.wait(); err != nil {
				t.Error(err)
			}
			runCommand(t, "erase", "-db", db, "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16").says("erased") // again
			runCommand(t, "erase", "-db", db, "018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d17").fails("there is no user")
			runCommand(t, "erase", "-db", db, "ann").fails("must be a user's")
			c := runCommand(t, "audit", "-db", db)
			var actions []string
			for line := range strings.Lines(strings.TrimSuffix(c.out, "<nil>")) {
				var e auditLine
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				actions = append(actions, e.By+":"+e.Action)
			}
			want := ":account_added :password_set :token_made ann:user_updated :account_added :link_made :user_updated :user_deleted :user_erased :user_erased"
			if got := strings.Join(actions, " "); got != want {
				t.Errorf("the audit log has\n%s, want\n%s", got, want)
			}
			if later := runCommand(t, "audit", "-db", db, "-from", "2999-01-01"); later.out != "<nil>" {
				t.Errorf("from a later time: %s", later.out)
			}
			if name == "sqlite" {
				for _, suffix := range []string{"", "-wal"} {
					b, err := os.ReadFile(db + suffix)
					if err == nil && bytes.Contains(b, []byte("Zdeněk")) {
						t.Errorf("the file%s still has the name", suffix)
					}
				}
			}
		})
	}
}

func patched(t *testing.T, url, token, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PATCH", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", "*")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}
