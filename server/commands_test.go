package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// result is a command's output and error.
type result struct {
	t   *testing.T
	out string
	err error
}

// runCommand runs a command.
func runCommand(t *testing.T, args ...string) result {
	t.Helper()
	var out, stderr bytes.Buffer
	err := run(t.Context(), args, &out, &stderr)
	return result{t, out.String() + stderr.String() + fmt.Sprint(err), err}
}

// says fails the test unless the command succeeded and printed all of it.
func (c result) says(want ...string) {
	c.t.Helper()
	if c.err != nil {
		c.t.Fatalf("failed: %s", c.out)
	}
	c.contains(want...)
}

func (c result) contains(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if !strings.Contains(c.out, w) {
			c.t.Errorf("it printed %q, want %q in it", c.out, w)
		}
	}
}

// fails fails the test unless the command failed and printed why.
func (c result) fails(want ...string) {
	c.t.Helper()
	if c.err == nil {
		c.t.Errorf("it succeeded: %s", c.out)
	}
	c.contains(want...)
}

func (c result) found(want ...string) {
	c.t.Helper()
	if !errors.Is(c.err, errFound) {
		c.t.Errorf("it returned %v, want errFound: %s", c.err, c.out)
	}
	c.contains(want...)
}

// damage changes a database with another program.
func damage(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBackupAndRestore: a backup is made while the server writes, and restored after it has
// stopped, not before.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "r.db"), filepath.Join(dir, "b.db")
	s := start(t, "-db", db)
	add := func(n int) {
		t.Helper()
		body := fmt.Sprintf(`{"name":"N","email":"n%d@example.org"}`, n)
		if got := post(s.url+"/api/v1/users", strings.NewReader(body)); got != "201 Created" {
			t.Fatalf("create %d: %s", n, got)
		}
	}
	for n := range 20 {
		add(n)
	}
	_, feed := get(t, s.url+"/api/v1/changes")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 1000; ; n++ {
			select {
			case <-stop:
				return
			default:
				post(s.url+"/api/v1/users", strings.NewReader(fmt.Sprintf(`{"name":"N","email":"n%d@example.org"}`, n)))
			}
		}
	}()
	runCommand(t, "backup", "-db", db, file).says("backed up " + db + " to " + file)
	close(stop)
	<-stopped
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has mode %v (%v), want it for its owner alone", info.Mode(), err)
	}
	runCommand(t, "backup", "-db", db, file).fails("exists already")
	runCommand(t, "check", "-db", file).says("no problems found")
	add(2000)

	runCommand(t, "restore", "-db", db, file).fails("stop it first")
	s.stop()
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	// Another program that has it open is in the way as well.
	shell, err := sql.Open("sqlite", db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shell.ExecContext(t.Context(), `SELECT count(*) FROM users`); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "restore", "-db", db, file).fails("stop it first")
	if err := shell.Close(); err != nil {
		t.Fatal(err)
	}
	_, before, _ := strings.Cut(runCommand(t, "check", "-db", db).out, ":")
	restored := runCommand(t, "restore", "-db", db, file)
	restored.says("restored "+db, "kept as "+db+".replaced-")
	runCommand(t, "check", "-db", db).says("no problems found")
	aside, err := filepath.Glob(db + ".replaced-*")
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v (%v)", aside, err)
	}
	runCommand(t, "check", "-db", aside[0]).says(before, "no problems found")
	if err := os.Remove(aside[0] + ".lock"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(db + ".restoring*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}

	s = start(t, "-db", db)
	_, users := get(t, s.url+"/api/v1/users?limit=500&q=n2000")
	if strings.Contains(string(users), "n2000@") {
		t.Error("what came after the backup is still there")
	}
	_, cursor, _ := strings.Cut(string(feed), `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if status, body := get(t, s.url+"/api/v1/changes?cursor="+cursor); status != 410 {
		t.Errorf("a cursor from before the restore: %d %s", status, body)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
}

// TestRestoreOverCorruptDatabase: the usual reason for a restore. A corrupt database is kept
// unchanged with its other files, and none of them is taken for the restored one's.
func TestRestoreOverCorruptDatabase(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "r.db"), filepath.Join(dir, "b.db")
	runCommand(t, "seed", "-db", db, "-n", "50").says("added 50")
	runCommand(t, "backup", "-db", db, file).says("backed up")
	write(t, db, strings.Repeat("damaged ", 4096))
	write(t, db+"-wal", "what was written last")
	runCommand(t, "backup", "-db", db, file+"2").fails("not a database")
	runCommand(t, "restore", "-db", db, file).says("kept as")
	runCommand(t, "check", "-db", db).says("50 users", "no problems found")
	aside, _ := filepath.Glob(db + ".replaced-*")
	if len(aside) != 2 || !strings.HasPrefix(read(t, aside[0]), "damaged") || !strings.HasPrefix(read(t, aside[1]), "what was") {
		t.Errorf("set aside: %v", aside)
	}
	// On a new machine there is nothing to keep.
	fresh := filepath.Join(dir, "fresh.db")
	if c := runCommand(t, "restore", "-db", fresh, file); strings.Contains(c.out, "kept as") || c.err != nil {
		t.Errorf("on a new machine it said %s", c.out)
	}
	runCommand(t, "check", "-db", fresh).says("50 users", "no problems found")

	for name, want := range map[string]string{
		filepath.Join(dir, "none"): "there is no backup",
		dir:                        "is a directory",
		fresh:                      "is the database itself",
		write(t, filepath.Join(dir, "text"), "not at all"): "can't be used",
	} {
		runCommand(t, "restore", "-db", fresh, name).fails(want)
	}
	other := filepath.Join(dir, "other.db")
	damage(t, other, `CREATE TABLE letters (a)`)
	runCommand(t, "restore", "-db", fresh, other).fails("not one of Rollcall")
	cut := read(t, file)
	runCommand(t, "restore", "-db", fresh, write(t, filepath.Join(dir, "cut.db"), cut[:len(cut)/2])).fails("can't be used")
	write(t, file+"-wal", "changes")
	runCommand(t, "restore", "-db", fresh, file).fails("in use")
	runCommand(t, "check", "-db", fresh).says("50 users", "no problems found") // through all of this
}

func TestCheckFindsCorruption(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.db")
	runCommand(t, "seed", "-db", whole, "-n", "20").says("added 20")
	s := start(t, "-db", whole)
	operation := `{"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","operations":[{"id":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f12",` +
		`"entityType":"user","entityId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f13","type":"create","data":{"name":"N","email":"n@example.org"}}]}`
	if got := post(s.url+"/api/v1/operations", strings.NewReader(operation)); got != "200 OK" {
		t.Fatal(got)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "check", "-db", whole).says("21 users, 0 tombstones, 1 records, change 21; no problems found")
	content := read(t, whole)
	for statement, want := range map[string]string{
		`UPDATE feed SET change = change + 1`:                                         "the counter is 22",
		`UPDATE feed SET clock = 0`:                                                   "its clock",
		`UPDATE feed SET contents = zeroblob(length(contents))`:                       "digest",
		`DELETE FROM feed`:                                                            "its row is missing",
		`UPDATE users SET version = 7 WHERE change = 5`:                               "document has version 1, the row 7",
		`UPDATE users SET email_key = 'x@example.org' WHERE change = 5`:               "its email is indexed as",
		`UPDATE users SET sort = 'zzz' WHERE change = 5`:                              "indexed as another text",
		`UPDATE users SET document = 'x' WHERE change = 5`:                            "decode the document",
		`UPDATE users SET stamp = 'x' WHERE change = 5`:                               "its stamp",
		`UPDATE users SET id = 'x' WHERE change = 5`:                                  "its id is not a UUID",
		`UPDATE users SET deleted = 1, document = NULL WHERE change = 5`:              "personal data is left",
		`DELETE FROM users WHERE email_key = 'n@example.org'`:                         "is missing",
		`UPDATE records SET status = 'odd'`:                                           `its status is "odd"`,
		`UPDATE users SET updated_at = updated_at + 1 WHERE change = 5`:               "different times",
		`UPDATE users SET document = json_set(document, '$.name', ' ') WHERE id > ''`: "name is required",
	} {
		db := write(t, filepath.Join(t.TempDir(), "r.db"), content)
		damage(t, db, statement)
		runCommand(t, "check", "-db", db).found(want)
	}
	// SQLite's own check: an index that lacks a row.
	db := write(t, filepath.Join(t.TempDir(), "r.db"), content)
	damage(t, db, `PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'users_list'`)
	runCommand(t, "check", "-db", db).found("file: ")
	runCommand(t, "check", "-db", filepath.Join(dir, "none.db")).fails("there is no database")
	damage(t, whole, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	runCommand(t, "check", "-db", whole).fails("upgrades it")
}

// TestExportAndImport: what is exported is imported as it was, formulas and all.
func TestExportAndImport(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "r.db")
	runCommand(t, "seed", "-db", db, "-n", "1").says("added 1")
	odd := write(t, filepath.Join(dir, "odd.jsonl"), `{"name":"=cmd|' /C calc'!A0","email":"a@example.org","bio":"+1\n\"two\", three"}
{"name":"'=really","email":"b@example.org","bio":"@home"}
{"name":"'quoted'","email":"c@example.org","bio":"'-"}
{"name":"＝wide","email":"d@example.org","bio":"\tend"}
`)
	runCommand(t, "import", "-db", db, odd).says("would be: 4 created, 0 changed, 0 unchanged, 0 refused", `line 3: create 'quoted' <c@example.org>`)
	runCommand(t, "check", "-db", db).says("1 users")
	runCommand(t, "import", "-db", db, odd, "-apply").says("4 created", "line 1: create")
	runCommand(t, "import", "-db", db, "-apply", odd).says("0 created, 0 changed, 4 unchanged, 0 refused")

	for _, name := range []string{"all.csv", "all.jsonl", "all.json", "all.vcf"} {
		file := filepath.Join(dir, name)
		runCommand(t, "export", "-db", db, file).says("exported 5 users to " + file)
		runCommand(t, "export", "-db", db, file).fails("exists already")
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", name, info.Mode(), err)
		}
		runCommand(t, "import", "-db", db, file).says("0 created, 0 changed, 5 unchanged, 0 refused")
		other := filepath.Join(dir, name+".db")
		runCommand(t, "seed", "-db", other, "-n", "1", "-seed", "2").says("added 1")
		runCommand(t, "import", "-db", other, file, "-apply", "-quiet").says("5 created")
		runCommand(t, "check", "-db", other).says("6 users", "no problems found")
		if name != "all.vcf" { // which has no ids of ours
			runCommand(t, "import", "-db", other, filepath.Join(dir, "all.csv")).says("5 unchanged, 0 refused")
		}
	}
	text := read(t, filepath.Join(dir, "all.csv"))
	for _, cell := range []string{`,"'=cmd|`, `"'+1`, `,"''=really",`, `,"'@home",`, `,"'quoted'",`, `,"''-",`, `,"'＝wide",`} {
		if !strings.Contains(text, cell) {
			t.Errorf("the export lacks the cell %s:\n%s", cell, text)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"export", "-db", db, "-format", "csv"}, &out, io.Discard); err != nil || out.String() != text {
		t.Errorf("to the output it writes %q (%v)", &out, err)
	}
}

func TestImportByLine(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "r.db")
	runCommand(t, "seed", "-db", db, "-n", "1").says("added 1")
	const gone = "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f13"
	first := write(t, filepath.Join(dir, "first.csv"), "id,name,email,bio\n"+gone+",Gone,gone@example.org,\n,Ann,ann@example.org,first\n,Bo,bo@example.org,\n")
	runCommand(t, "import", "-db", db, first, "-apply").says("3 created")
	s := start(t, "-db", db)
	del, err := httpDelete(s.url + "/api/v1/users/" + gone)
	if err != nil || del != 204 {
		t.Fatal(del, err)
	}
	file := filepath.Join(dir, "second.csv")
	write(t, file, "\xef\xbb\xbfName;E-Mail\r\n")
	runCommand(t, "import", "-db", db, file).fails("must name the columns")
	write(t, file, "\xef\xbb\xbfID;Name;EMAIL;bio\r\n"+
		";Ann Lee;ANN@example.org;first\r\n"+ // line 2: found by email; its case changes, too
		";Bo;bo@example.org;\r\n"+ // line 3: as it is
		gone+";Gone;gone@example.org;\r\n"+
		";Cy;cy@example.org;\"two\r\nlines; and a \"\"quote\"\"\"\r\n"+ // lines 5 and 6
		";;dee@example.org;\r\n"+
		";Eve;eve;\r\n"+
		";Fay;ann@example.org;\r\n"+
		"7;Guy;guy@example.org;\r\n"+
		";Hal;hal@example.org\r\n"+
		";Ida;ida@example.org;\"never closed\r\n"+
		";Jo;jo@example.org;\r\n"+
		";Kim\xff;kim@example.org;\r\n"+
		";"+strings.Repeat("x", 70000)+";lee@example.org;\r\n"+
		"\r\n"+
		"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f14;Max;bo@example.org;\r\n"+
		"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f15;Ned;ned@example.org;"+strings.Repeat("y", api.MaxBio+1)+"\r\n"+
		";Oz\x1b[31m;oz@example.org;\r\n"+
		";Pat;pat@example.org;last, without an end")
	want := []string{
		"line 2: change Ann Lee <ANN@example.org>: name, email\n",
		"line 4: refused Gone <gone@example.org>: this user was deleted",
		"line 5: create Cy <cy@example.org>\n",
		"line 7: refused dee@example.org: name is required",
		"line 8: refused Eve <eve>: email is not an email address",
		"line 9: refused Fay <ann@example.org>: line 2 is about the same user",
		"line 10: refused Guy <guy@example.org>: id must be a lower-case UUID",
		"line 11: create Hal <hal@example.org>\n", // its last cell, which is empty, was left out
		"line 12: refused : the line has a quote that is not closed",
		"line 13: create Jo <jo@example.org>",
		"line 14: refused : the line has bytes that are not text",
		"line 15: refused : the line is longer than 64 kB",
		"line 17: refused Max <bo@example.org>: line 3 is about the same user",
		"line 18: refused Ned <ned@example.org>: bio is 2001 characters long",
		"line 19: refused Oz?[31m <oz@example.org>: name has a control character",
		"line 20: create Pat <pat@example.org>",
	}
	const sums = "4 created, 1 changed, 1 unchanged, 11 refused"
	runCommand(t, "import", "-db", db, file).found(append(want, "would be: "+sums)...)
	runCommand(t, "import", "-db", db, file, "-apply").found(append(want, sums)...) // beside the server
	again := runCommand(t, "import", "-db", db, file, "-apply")
	again.found("0 created, 0 changed, 6 unchanged, 11 refused")
	if _, body := get(t, s.url+"/api/v1/users?q=cy@example.org"); !strings.Contains(string(body), `two\nlines; and a \"quote\"`) {
		t.Errorf("imported %s", body)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "check", "-db", db).says("no problems found")
	// Whom it deleted, an import without the id brings as someone new.
	runCommand(t, "import", "-db", db, write(t, filepath.Join(dir, "new.csv"), "email,name\ngone@example.org,Gone\n"), "-apply").says("1 created")
	for text, why := range map[string]string{
		"":                              "it is empty",
		"name,email,phone\n":            `"phone"`,
		"name,email,name\n":             "twice",
		"a,b\n1,2\n":                    "must name the columns",
		strings.Repeat("email,", 20000): "longer than",
	} {
		runCommand(t, "import", "-db", db, write(t, file, text)).fails(why)
	}
	lines := write(t, filepath.Join(dir, "l.ndjson"), "{\"email\":\"q@example.org\",\"name\":7}\n[]\n{\"surname\":\"Q\"}\n{\n\n{\"name\":\"Q\",\"email\":\"q@example.org\"}\n{\"name\":\"Q\",\"email\":\"r@example.org\",\"name\":\"R\"}\n{\"name\":\"S\",\"email\":\"s@example.org\"}\n")
	runCommand(t, "import", "-db", db, lines).found("line 1: refused q@example.org: the object has a field that is not a string: name", "line 2: refused", `line 3: refused : the object has an unknown field "surname"`,
		"line 4: refused", "line 6: create Q", `line 7: refused Q <r@example.org>: the object has the field "name" twice`)
	runCommand(t, "import", "-db", db, filepath.Join(dir, "none.csv")).fails("open the file")
}

func TestInvalidOperatorArguments(t *testing.T) {
	for _, test := range [][]string{
		{"backup", "", "backup needs a FILE"},
		{"backup", "a b", `backup takes no argument "b"`},
		{"restore", "", "restore needs a FILE"},
		{"check", "x", `check takes no argument "x"`},
		{"export", "people", "unknown file format"},
		{"export", "-format xml a", "unknown file format"},
		{"import", "", "import needs a FILE"},
		{"import", "a.csv -aply", "-aply"},
		{"import", "a.csv -format xls", "-format must be"},
		{"import", "a.csv -n -apply", "leave one of them out"},
		{"import", "a.csv -encoding koi8-r", "-encoding must be one of [utf-8 utf-16le utf-16be windows-1252]"},
		{"export", "-bom a.jsonl", "-bom is for CSV"},
		{"help", "dance", `unknown command "dance"`},
		{"serve", "-tls-cert c.pem", "must be given together"},
		{"serve", "-log-format xml", "-log-format"},
		{"serve", "-log-level loud", "-log-level"},
		{"serve", "-pprof 0.0.0.0:6060", "must be a loopback address"},
		{"serve", "-pprof 6060", "-pprof"},
		{"serve", "-trusted-proxies caddy", "-trusted-proxies"},
		{"serve", "-exempt me", "-exempt"},
		{"serve", "-network-share 101", "-network-share must be"},
		{"serve", "-oldest-protocol 0", "-oldest-protocol must be from 1 to"},
		{"serve", "-oldest-protocol 99", "-oldest-protocol must be from 1 to"},
		{"serve", "-max-streams 0", "-max-streams must be"},
		{"serve", "-event-rate 0", "-event-rate must be"},
		{"serve", "-auth-header X-User", "-auth-header needs -trusted-proxies"},
		{"serve", "-oidc-issuer http://id.example.org -oidc-client-id rollcall", "-oidc-issuer must begin with https://"},
		{"serve", "-trusted-proxies 10.0.0.1 -auth-header a:b", "-auth-header must be"},
		{"serve", "-keep-history -1", "-keep-history must be"},
		{"serve", "-bulk-limit -1", "-bulk-limit"},
		{"serve", "-address-rate -1", "-address-rate must be"},
		{"serve", "-client-rate NaN", "-client-rate must be"},
	} {
		c := runCommand(t, append([]string{test[0]}, strings.Fields(test[1])...)...)
		if !errors.Is(c.err, errUsage) {
			t.Errorf("%v: %v is no complaint about the arguments", test, c.err)
		}
		c.contains(test[2])
	}
	t.Setenv("ROLLCALL_MAX_STREAMS", "many")
	if c := runCommand(t, "serve"); !errors.Is(c.err, errUsage) || !strings.Contains(c.out, "ROLLCALL_MAX_STREAMS") {
		t.Errorf("a bad variable: %s", c.out)
	}
	for _, db := range []string{"mysql://h/d", "file://x"} {
		for _, args := range [][]string{{"backup", "x"}, {"restore", "x"}, {"check"}, {"export", "x.csv"}, {"seed"}} {
			runCommand(t, append([]string{args[0], "-db", db}, args[1:]...)...).fails("is not supported")
		}
	}
}

func TestHelp(t *testing.T) {
	all := runCommand(t, "help")
	for _, c := range commands() {
		all.says("rollcall " + c.name)
		runCommand(t, "help", c.name).says("rollcall "+c.name, c.summary)
		if c.name != "version" {
			runCommand(t, "help", c.name).says("-db")
		}
	}
	runCommand(t, "help", "import").says("-apply")
}
