package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

func create(name string) store.Write {
	id := uuid.NewString()
	email := id + "@example.org"
	return store.Write{ID: id, EntityID: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email}}
}

// side opens the file beside the store, as an operator might.
func side(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func execute(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?#%20 é.db")
	s := open(t, path, sqlite.Options{})
	if _, err := s.Apply(t.Context(), []store.Write{create("Ada")}); err != nil {
		t.Fatal(err)
	}
	before, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // closing twice is closing
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the file is elsewhere: %v", err)
	}
	s = open(t, path, sqlite.Options{})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	page, err := s.Changes(t.Context(), before, 10)
	if err != nil || len(page.Changes) > 0 {
		t.Errorf("after reopening the feed goes on with %+v (%v)", page, err)
	}
	page, err = s.Changes(t.Context(), "", 10)
	if err != nil || len(page.Changes) != 1 {
		t.Errorf("after reopening the feed has %+v (%v)", page, err)
	}
	if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
		t.Errorf("after reopening: %v", err)
	}
}

func TestDatabaseSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, path, sqlite.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var mode string
	if err := side(t, path).QueryRowContext(t.Context(), `PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q (%v), want wal", mode, err)
	}
}

func TestUnusableFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database, but long enough ", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer, sqlite.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, side(t, newer), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	for path, want := range map[string]string{
		text:                                   "not a database",
		newer:                                  "newer program",
		filepath.Join(dir, "none", "there.db"): "open the lock",
		dir:                                    "is a directory",
	} {
		_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v, want it to name the file and say %q", path, err, want)
		}
	}
}

// TestOneFailsAlone: the database fails on one write in the middle of a batch, as
// a defect or a full index might; the others are kept.
func TestOneFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, path, sqlite.Options{})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	execute(t, side(t, path), `CREATE TRIGGER poison BEFORE INSERT ON records WHEN NEW.key LIKE '%poison%'
		BEGIN SELECT RAISE(ABORT, 'poisoned'); END`)
	writes := []store.Write{create("A"), create("B"), create("C")}
	for i := range writes {
		writes[i].Key = fmt.Sprint("key ", i)
	}
	writes[1].Key = "poison" // fails after its row was put: the row must go again
	outcomes, err := s.Apply(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []api.Status{api.Applied, api.Rejected, api.Applied} {
		if got := outcomes[i].Result; got.Status != want {
			t.Errorf("write %d: %+v, want %s", i, got, want)
		}
		_, err := s.User(t.Context(), writes[i].EntityID)
		if stored := err == nil; stored != (want == api.Applied) {
			t.Errorf("write %d was answered %s, and is stored: %v", i, want, stored)
		}
	}
	// A record that can't be read fails the write that asks for it, and no other.
	execute(t, side(t, path), `UPDATE records SET version = 'x' WHERE key = 'key 0'`)
	again, err := s.Apply(t.Context(), writes)
	if err != nil || again[0].Result.Status != api.Retry || again[1].Result.Status != api.Rejected || !again[2].Replayed {
		t.Errorf("beside a damaged record: %+v (%v)", again, err)
	}
	// What is not the fault of a write is tried once, not halved down to each.
	execute(t, side(t, path), `ALTER TABLE records RENAME TO away`)
	if _, err := s.Apply(t.Context(), writes); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a table: %v", err)
	}
	execute(t, side(t, path), `ALTER TABLE away RENAME TO records`)
	if p := outcomes[1].Result.Problem; p == nil || p.Code != api.CodeInvalid {
		t.Errorf("problem %+v", p)
	}
	page, err := s.Changes(t.Context(), "", 10)
	if err != nil || len(page.Changes) != 2 {
		t.Errorf("the feed has %+v (%v)", page.Changes, err)
	}
	if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
		t.Errorf("what was undone is counted: %v", err)
	}
}

// TestGroupCommit: while the database is held, requests wait; released, they are
// committed together, each with its own answer, and not above the limit.
func TestGroupCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	var commits atomic.Int64
	s := open(t, path, sqlite.Options{Committed: func() { commits.Add(1) }})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	holder, err := side(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	const batch = 64
	var group sync.WaitGroup
	var applied, busy atomic.Int64
	firstBusy := make(chan struct{}, 200)
	for range 200 {
		group.Go(func() {
			var writes []store.Write
			for range batch {
				writes = append(writes, create("P"))
			}
			outcomes, err := s.Apply(context.Background(), writes)
			switch {
			case errors.Is(err, store.ErrBusy):
				busy.Add(1)
				firstBusy <- struct{}{}
			case err != nil:
				t.Error(err)
			default:
				for _, o := range outcomes {
					if o.Result.Status == api.Applied {
						applied.Add(1)
					}
				}
			}
		})
	}
	<-firstBusy // more than may wait: the rest is refused at once, not kept
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Apply(gone, nil); err == nil {
		t.Error("a canceled request was served")
	}
	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if want := (200 - busy.Load()) * batch; applied.Load() != want {
		t.Errorf("%d writes applied, %d were accepted", applied.Load(), want)
	}
	if requests := applied.Load() / batch; commits.Load() >= requests || requests == 0 {
		t.Errorf("%d commits for %d requests: they were not grouped", commits.Load(), requests)
	}
	var users, counter int64
	if err := side(t, path).QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM users), change FROM feed`).Scan(&users, &counter); err != nil {
		t.Fatal(err)
	}
	if users != applied.Load() || counter != users {
		t.Errorf("%d users, counter %d, applied %d", users, counter, applied.Load())
	}
}

// TestARowThatCantBeReadFailsAlone: somebody has put nonsense into a row by hand. Only the
// writes about that user wait; those beside them in a group don't.
func TestARowThatCantBeReadFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, path, sqlite.Options{})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	bad := create("Bad")
	if _, err := s.Apply(t.Context(), []store.Write{bad}); err != nil {
		t.Fatal(err)
	}
	execute(t, side(t, path), `UPDATE users SET created_at = 'yesterday'`)
	bad.Type, bad.BaseVersion = api.Update, 1
	outcomes, err := s.Apply(t.Context(), []store.Write{create("A"), bad, create("B")})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []api.Status{api.Applied, api.Retry, api.Applied} {
		if got := outcomes[i].Result.Status; got != want {
			t.Errorf("write %d: %s, want %s", i, got, want)
		}
	}
}
