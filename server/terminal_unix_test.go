//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall/rollcall/server/store"
)

// hostile drives a terminal in every way: it writes to the clipboard, colours, moves, turns
// round, and makes a line that looks like one of the program's.
const hostile = "\x1b]52;c;aGk=\x07\x1b[31m\u009b1A\u202egnp.\u2066\u200f\u061c\u2028\u0085\b\r\nforged: line"

// hostileBytes is what a file may be called besides: C1 controls that are no UTF-8.
const hostileBytes = hostile + "\x9b1A\xff"

// onTerminal runs a command as main does, and fails the test when what reaches the terminal
// could drive it.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	finish(run(t.Context(), args, &out, &stderr), &stderr)
	text := out.String() + stderr.String()
	drives := func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	}
	if strings.ContainsFunc(text, drives) || !utf8.ValidString(text) || strings.Contains(text, "\nforged") {
		t.Errorf("%.80q printed %q", args, text)
	}
	if text == "" {
		t.Errorf("%.80q printed nothing", args)
	}
	return text
}

// TestImportCantDriveATerminal: whatever is in a file, or is the name of one.
func TestImportCantDriveATerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), hostileBytes)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(dir, "r.db")
	cell := `"` + hostile + `"`
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cells.csv":   "id,name,email,bio\n" + strings.Join([]string{cell, cell, cell, cell}, ",") + "\n,A" + hostile[:20] + ",a@x.org,x\n,B,b@x.org," + cell + "\n,C\u202e,c@x.org,\n",
		"columns.csv": "email," + cell + "\na@x.org,x\n",
		"first.csv":   hostile + "\n",
		"quotes.csv":  "email,name\n\"" + hostile,
		"1252.csv":    "email,name\na@x.org,J\xfc\x1b[31m\x9b\n",
		"lines.jsonl": fmt.Sprintf("{\"email\":\"a@x.org\",\"name\":%[1]s}\n{%[1]s:1}\n{\"id\":%[1]s,\"email\":%[1]s}\n{\"name\":1} \x1b\n\x1b[31m\n{\"email\":\"b@x.org\"}\x1b[31m\n{\"name\":\"\x1b\"}\n", quoted),
		"array.json":  "[\x1b[31m, {" + string(quoted) + ":[]}, \u009b]",
		"cards.vcf": "BEGIN:VCARD\nX-\x1b[31m:1\nX-\u202e:2\nFN:A\x1b[31m\nEMAIL:a\x1b@x.org\nEND:VCARD\nBEGIN:VCARD\nVERSION:\x1b[31m\nFN:B\nEND:VCARD\n" +
			"BEGIN:VCARD\nKIND:\x1b[31m\u202e\nFN:B\nEND:VCARD\nBEGIN:VCARD\nFN;CHARSET=\x1b[31m:B\nEND:VCARD\nBEGIN:VCARD\nFN:B\n\x1b\nEND:VCARD\n\x1b\n",
		"none.csv":   "",
		hostileBytes: "email,name\na@x.org,A\n",
	} {
		file := write(t, filepath.Join(dir, name), text)
		for _, args := range [][]string{{}, {"-apply"}, {"-format", "vcard"}, {"-encoding", "windows-1252"}} {
			onTerminal(t, append([]string{"import", "-db", db, file}, args...)...)
		}
	}
	for _, args := range [][]string{
		{"import", "-db", db, filepath.Join(dir, "nowhere"+hostile)}, {"import", "-db", db, dir}, {"import", "-db", dir, os.Args[0]},
		{"import", "-" + hostileBytes}, {"import", "-format", hostileBytes, "x"}, {"import", "-encoding", hostileBytes, "x"}, {"import", "-apply=" + hostileBytes, "x"},
		{"import", "x", hostileBytes}, {"import", "-db", "postgres://" + hostileBytes, "x"}, {hostileBytes}, {"help", hostileBytes},
		{"export", "-db", db, filepath.Join(dir, "all"+hostile+".csv")}, {"backup", "-db", db, filepath.Join(dir, "copy"+hostile)},
		{"restore", "-db", db, filepath.Join(dir, "copy"+hostile)}, {"seed", "-db", filepath.Join(dir, "no", hostile)},
	} {
		onTerminal(t, args...)
	}
}

// TestCheckCantDriveATerminal: whatever another program has written into the database.
func TestCheckCantDriveATerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), hostileBytes)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "r.db")
	runCommand(t, "seed", "-db", whole, "-n", "3").says("added 3")
	for _, statement := range []string{
		`UPDATE users SET id = %s || id`, `UPDATE users SET stamp = %s`, `UPDATE users SET email_key = %s || id`, `UPDATE users SET document = %s`,
		`UPDATE users SET document = json_set(document, '$.id', %s)`, `UPDATE users SET document = json_set(document, '$.name', %s)`,
		`UPDATE users SET document = json_set(document, '$.email', %s), email_key = 'x' || id`, `UPDATE users SET document = json_set(document, '$.createdAt', %s)`,
		`UPDATE feed SET contents = %s`, `UPDATE feed SET change = %s`, `INSERT INTO records SELECT * FROM records WHERE %s IS NULL`,
		`ALTER TABLE users RENAME TO "x` + "\x1b" + `" -- %s`,
	} {
		db := write(t, filepath.Join(t.TempDir(), "r.db"), read(t, whole))
		damage(t, db, fmt.Sprintf(statement, "CAST(x'"+fmt.Sprintf("%x", hostile)+"' AS TEXT)"))
		onTerminal(t, "check", "-db", db)
	}
	for _, args := range [][]string{
		{"check", "-db", whole}, {"check", "-db", dir}, {"check", "-db", filepath.Join(dir, "nowhere"+hostile)}, {"check", hostileBytes}, {"check", "-" + hostileBytes},
		{"check", "-db", write(t, filepath.Join(dir, "text"), hostile)}, {"check", "-db", "postgres://u:p@127.0.0.1:1/" + hostileBytes},
	} {
		onTerminal(t, args...)
	}
}

// TestPrint: every text among the arguments is cleaned, of whatever kind.
func TestPrint(t *testing.T) {
	type named string
	var out bytes.Buffer
	err := store.Print(&out, "%s|%v|%v|%d|%s\n", "a\x1b\n", errors.Join(io.EOF, errors.New("b\u009b")), named("c\u202e"), 7, "d\xff")
	if want := "a??|EOF; b?|c?|7|d\ufffd\n"; err != nil || out.String() != want {
		t.Errorf("%q (%v), want %q", &out, err, want)
	}
}
