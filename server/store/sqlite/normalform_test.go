package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestTextsOfAnOlderFile: of a file from before the first migration of texts, and of one from
// before the latest.
func TestTextsOfAnOlderFile(t *testing.T) {
	for _, version := range []string{"5", "6"} {
		t.Run("before migration "+version, func(t *testing.T) { upgradeFrom(t, version) })
	}
}

func upgradeFrom(t *testing.T, version string) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	storetest.RunUpgrade(t, storetest.Upgrade{
		Open: func() storetest.Store { return open(t, path, sqlite.Options{}) },
		Exec: func(text string, args ...any) {
			t.Helper()
			if _, err := side(t, path).ExecContext(t.Context(), text, args...); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		},
		Age:   storetest.WithoutEpochs("BLOB", "x''") + `; DELETE FROM goose_db_version WHERE version_id >= ` + version,
		Check: func() (store.Report, error) { return sqlite.Check(t.Context(), path) },
	})
}
