package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// mark matches the texts that these tests look for, however they are indexed.
var mark = regexp.MustCompile(`(?i)zq[0-9]{7}x|` + storetest.Erased)

// left returns which of the texts are in any file of a directory.
func left(t *testing.T, dir string, texts ...string) (found []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	in := map[string]string{}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range mark.FindAll(content, -1) {
			in[strings.ToLower(string(text))] = f.Name()
		}
	}
	for _, text := range texts {
		if file := in[strings.ToLower(text)]; file != "" {
			found = append(found, text+" in "+file)
		}
	}
	return found
}

// crowd writes as many devices do, and knows which texts must be gone.
type crowd struct {
	t     *testing.T
	s     *sqlite.Store
	rng   *rand.Rand
	texts int
	users []store.Write // as last written, with the version they have
	gone  []string
}

// edit makes a write with a text of its own: of a new user, an edit, or a delete.
func (c *crowd) edit() store.Write {
	c.texts++
	mark := fmt.Sprintf("Zq%07dx", c.texts)
	email, bio := mark+"@example.org", strings.Repeat(mark+" ", 1+c.rng.IntN(120)*c.rng.IntN(2)*c.rng.IntN(2))
	w := store.Write{ID: uuid.NewString(), EntityID: uuid.NewString(), Type: api.Create, Patch: api.UserPatch{Name: &mark, Email: &email, Bio: &bio}}
	w.Key = "operation:" + w.ID
	kind := c.rng.IntN(10)
	if kind < 4 || len(c.users) < 50 {
		c.users = append(c.users, w)
		c.users[len(c.users)-1].BaseVersion = 1
		return w
	}
	i := c.rng.IntN(len(c.users))
	was := c.users[i]
	c.gone = append(c.gone, *was.Patch.Name)
	w.EntityID, w.BaseVersion, w.Type = was.EntityID, was.BaseVersion, api.Update
	if kind >= 7 {
		w.Type, w.Patch = api.Delete, api.UserPatch{}
		c.users = slices.Delete(c.users, i, i+1)
		return w
	}
	c.users[i] = w
	c.users[i].BaseVersion++
	return w
}

func (c *crowd) write(groups, each int) {
	for range groups {
		var writes []store.Write
		for range each {
			writes = append(writes, c.edit())
		}
		outcomes, err := c.s.Apply(c.t.Context(), writes)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range outcomes {
			if o.Result.Status != api.Applied {
				c.t.Fatalf("%+v", o.Result)
			}
		}
	}
}

// TestNothingIsLeftOfTheErased: after a delete or an edit, and a clean stop, no file has the
// text; with so many writes that SQLite divides pages, after the housekeeping.
func TestNothingIsLeftOfTheErased(t *testing.T) {
	for _, test := range []struct {
		name         string
		groups, each int
		tidy         bool
	}{{"few", 4, 25, false}, {"many", 30, 100, true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, filepath.Join(dir, "rollcall.db"), sqlite.Options{})
			c := &crowd{t: t, s: s, rng: rand.New(rand.NewPCG(1, 2))}
			c.write(test.groups, test.each)
			if test.tidy {
				collect(t, s, time.Now().Add(-time.Hour))
				if found := left(t, dir, c.gone...); len(found) > 0 {
					t.Errorf("the running server has left %d, such as %s", len(found), found[0])
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if found := left(t, dir, c.gone...); len(found) > 0 {
				t.Errorf("of %d texts that are gone %d are left, such as %s", len(c.gone), len(found), found[0])
			}
			if found := left(t, dir, *c.users[0].Patch.Name); len(found) == 0 {
				t.Error("this test does not find what is there")
			}
		})
	}
}

func collect(t *testing.T, s *sqlite.Store, before time.Time) {
	t.Helper()
	if _, err := s.Prune(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context(), before); err != nil {
		t.Fatal(err)
	}
}

// TestLogIsEmptiedBesideAReader: a stop empties the log although another program has the
// database open, which keeps SQLite from removing it.
func TestLogIsEmptiedBesideAReader(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rollcall.db")
	s := open(t, path, sqlite.Options{})
	c := &crowd{t: t, s: s, rng: rand.New(rand.NewPCG(1, 2))}
	c.write(4, 25)
	var n int
	if err := side(t, path).QueryRowContext(t.Context(), `SELECT count(*) FROM users`).Scan(&n); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() > 0 {
		t.Errorf("the log is %+v (%v), want an empty one", info, err)
	}
	if found := left(t, dir, c.gone...); len(found) > 0 {
		t.Errorf("left are %s", found)
	}
}

func upgradeOfRecords(t *testing.T, path string) storetest.Upgrade {
	return storetest.Upgrade{
		Open: func() storetest.Store { return open(t, path, sqlite.Options{}) },
		Exec: func(text string, args ...any) {
			t.Helper()
			if _, err := side(t, path).ExecContext(t.Context(), text, args...); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		},
		Age:   `PRAGMA user_version = 0; DELETE FROM goose_db_version WHERE version_id >= 7`,
		Check: func() (store.Report, error) { return sqlite.Check(t.Context(), path) },
	}
}

// TestRecordsOfAnOlderFile: they answer, and no file has their texts.
func TestRecordsOfAnOlderFile(t *testing.T) {
	dir := t.TempDir()
	storetest.RunUpgradeOfRecords(t, upgradeOfRecords(t, filepath.Join(dir, "rollcall.db")))
	if found := left(t, dir, storetest.Erased); len(found) > 0 {
		t.Errorf("left are %s", found)
	}
}

// TestOlderFileIsRewrittenOnce: what an older program has deleted, and only marked as free, is
// overwritten at the next start, and later starts leave the file alone.
func TestOlderFileIsRewrittenOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rollcall.db")
	s := open(t, path, sqlite.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	free := func() {
		t.Helper()
		for range 3 {
			execute(t, side(t, path), `PRAGMA secure_delete = OFF; CREATE TABLE t AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, '`+storetest.Erased+`' || hex(randomblob(300)) FROM n; DROP TABLE t; PRAGMA wal_checkpoint(TRUNCATE)`)
		}
	}
	free()
	execute(t, side(t, path), `PRAGMA user_version = 0`)
	if found := left(t, dir, storetest.Erased); len(found) == 0 {
		t.Fatal("there is nothing to overwrite")
	}
	var log bytes.Buffer
	restart := func() {
		t.Helper()
		s, err := sqlite.Open(context.Background(), path, sqlite.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	if found := left(t, dir, storetest.Erased); len(found) > 0 || log.Len() > 0 {
		t.Errorf("left are %s; %s", found, &log)
	}
	free()
	restart()
	if found := left(t, dir, storetest.Erased); len(found) == 0 {
		t.Error("a second start has rewritten the file")
	}
}
