package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestTextsOfAnOlderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	storetest.RunUpgrade(t, storetest.Upgrade{
		Open: func() storetest.Store { return open(t, path, sqlite.Options{}) },
		Exec: func(text string, args ...any) {
			t.Helper()
			if _, err := side(t, path).ExecContext(t.Context(), text, args...); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		},
		Age:   storetest.WithoutEpochs("BLOB", "x''") + `; DELETE FROM goose_db_version WHERE version_id >= 5`,
		Check: func() (store.Report, error) { return sqlite.Check(t.Context(), path) },
	})
}
