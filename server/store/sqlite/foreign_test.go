package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// change opens a file as an attacker or an operator might.
func change(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // pragmas are the connection's
	for _, text := range statements {
		if _, e := db.ExecContext(t.Context(), text); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// filled makes a backup with one user.
func filled(t *testing.T, path string) {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, name := uuid.NewString(), "Ann"
	email := id + "@example.org"
	_, err = s.Apply(t.Context(), []store.Write{{ID: id, EntityID: id, Key: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}}})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

func restore(t *testing.T, backup string, force bool) error {
	_, err := Restore(context.Background(), Restoring{Path: filepath.Join(t.TempDir(), "r.db"), Backup: backup, Now: time.Now(), Force: force})
	return err
}

// TestRestoreRefusesAForeignSchema: what somebody has added would run with the server's
// statements, or change what they mean.
func TestRestoreRefusesAForeignSchema(t *testing.T) {
	for statement, want := range map[string]string{
		`CREATE TRIGGER evil AFTER UPDATE ON users BEGIN DELETE FROM records; END`:           `trigger "evil"`,
		`CREATE TRIGGER evil AFTER INSERT ON goose_db_version BEGIN DELETE FROM users; END`:  `trigger "evil"`,
		`CREATE VIEW evil AS SELECT * FROM users`:                                            `view "evil"`,
		`CREATE INDEX evil ON users (abs(version))`:                                          `index "evil"`,
		`CREATE TABLE evil (a REFERENCES users (id) ON DELETE RESTRICT)`:                     `table "evil"`,
		`CREATE VIRTUAL TABLE evil USING fts5 (a)`:                                           `table "evil`,
		`ALTER TABLE users ADD COLUMN evil AS (hex(zeroblob(1000)))`:                         `table "users" is another`,
		`CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER DEFAULT (1 + 1))`: `table "_litestream_seq"`,
		`DROP INDEX tombstones`: `lacks the index "tombstones"`,
		`PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (version > 0)', '/* CHECK (version > 0) */')`: `table "users" is another`,
	} {
		backup := filepath.Join(t.TempDir(), "b.db")
		filled(t, backup)
		change(t, backup, statement)
		for _, force := range []bool{false, true} {
			if err := restore(t, backup, force); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", statement, err)
			}
		}
		report, err := Check(t.Context(), backup)
		if err != nil || len(report.Problems) == 0 || !strings.Contains(report.Problems[0], want) {
			t.Errorf("%s: check says %v (%v)", statement, report.Problems, err)
		}
		if err := Backup(t.Context(), backup, backup+"2"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: a backup that can't be restored: %v", statement, err)
		}
	}
}

// TestRestoreRefusesAnotherEncoding: in UTF-16, SQLite compares texts in another order.
func TestRestoreRefusesAnotherEncoding(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "b.db")
	change(t, backup, `PRAGMA encoding = 'UTF-16le'`, `CREATE TABLE t (a)`, `DROP TABLE t`)
	filled(t, backup)
	if err := restore(t, backup, true); err == nil || !strings.Contains(err.Error(), "UTF-16le") {
		t.Error(err)
	}
}

// TestRestoreTakesWhatIsInert: statistics, what Litestream adds, and comments of older programs.
func TestRestoreTakesWhatIsInert(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "b.db")
	filled(t, backup)
	change(t, backup, `ANALYZE`,
		`CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);`,
		`CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);`,
		`PRAGMA writable_schema = 1`,
		`UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL,', 'INTEGER   NOT NULL, -- it''s how "older" ones said it'||char(10)) WHERE name = 'feed'`)
	if err := restore(t, backup, false); err != nil {
		t.Error(err)
	}
}

// TestRestoreOfEachVersion: the schema of an older program is one of Rollcall's, too.
func TestRestoreOfEachVersion(t *testing.T) {
	for version := int64(1); version <= 6; version++ {
		backup := filepath.Join(t.TempDir(), "b.db")
		db, err := sql.Open("sqlite", dsn(backup, "rwc"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := schema(db)
		if err == nil {
			_, err = p.UpTo(t.Context(), version)
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if err := restore(t, backup, false); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
	}
	newer := filepath.Join(t.TempDir(), "b.db")
	filled(t, newer)
	change(t, newer, `ALTER TABLE users ADD COLUMN later`, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	if err := restore(t, newer, false); err == nil || !strings.Contains(err.Error(), "use a newer program") {
		t.Errorf("a newer schema: %v", err)
	}
}

// TestRestoreChecksTheContent: before the backup takes the place of what may be better.
func TestRestoreChecksTheContent(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "b.db")
	filled(t, backup)
	change(t, backup, `UPDATE users SET search = 'somebody else'`)
	if err := restore(t, backup, false); err == nil || !strings.Contains(err.Error(), "1 problems, the first: user ") {
		t.Errorf("restored: %v", err)
	}
	if err := restore(t, backup, true); err != nil {
		t.Errorf("with force: %v", err)
	}
	shared := filepath.Join(t.TempDir(), "b.db")
	filled(t, shared)
	id := uuid.NewString()
	change(t, shared, `INSERT INTO users SELECT rowid + 1, '`+id+`', version, change + 1, deleted, json_set(document, '$.id', '`+id+`'), stamp, created_at, updated_at,
		email_key || char(10) || '`+id+`', sort, search FROM users`, `UPDATE feed SET change = change + 1`)
	if err := restore(t, shared, false); err != nil {
		t.Errorf("two users with one email, as after an upgrade: %v", err)
	}
}

func TestWithoutComments(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE  TABLE a (b, -- c 'd\n\te)": "CREATE TABLE a (b, e)",
		"a /* b -- */ c/**/d":               "a c d",
		"a '-- b' \"/* c\" `--d` [-- e]":    "a '-- b' \"/* c\" `--d` [-- e]",
		"a 'it''s  -- so' -- b":             "a 'it''s  -- so' ",
		"a /* b":                            "a ",
		"a - - b":                           "a - - b",
	} {
		if got := withoutComments(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
