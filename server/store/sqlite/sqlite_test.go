package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	os.Exit(m.Run())
}

func open(t *testing.T, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		return open(t, filepath.Join(t.TempDir(), "rollcall.db"), sqlite.Options{Now: o.Now, Committed: o.Committed})
	})
}

func TestRollback(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	storetest.RunRollback(t, storetest.Rollback{
		Open:    func() storetest.Store { return open(t, path, sqlite.Options{}) },
		Save:    func() { copyFiles(t, path, path+".copy") },
		PutBack: func() { copyFiles(t, path+".copy", path) },
	})
}

func TestHotRollback(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rollcall.db")
	storetest.RunHotRollback(t, func() storetest.Store { return open(t, path, sqlite.Options{}) }, func() {
		copyFiles(t, path, filepath.Join(dir, "snapshot.db"))
		path = filepath.Join(dir, "snapshot.db")
	})
}

// copyFiles copies a database with its log, as a snapshot of the disk does.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, part := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = os.RemoveAll(to + part)
		case err == nil:
			err = os.WriteFile(to+part, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
