package postgres_test

import (
	"strings"
	"testing"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestTextsOfAnOlderDatabase: of one from before the first migration of texts, and of one from
// before the latest.
func TestTextsOfAnOlderDatabase(t *testing.T) {
	for _, version := range []string{"2", "3"} {
		t.Run("before migration "+version, func(t *testing.T) { upgradeFrom(t, version) })
	}
}

func upgradeFrom(t *testing.T, version string) {
	address := pgtest.Database(t)
	up := upgradeOf(t, address)
	up.Age = storetest.WithoutEpochs("bytea", "''") + `; ALTER TABLE feed DROP COLUMN run; DELETE FROM goose_db_version WHERE version_id >= ` + version
	storetest.RunUpgrade(t, up)
}

func upgradeOf(t *testing.T, address string) storetest.Upgrade {
	return storetest.Upgrade{
		Open: func() storetest.Store { return open(t, address, postgres.Options{}) },
		Exec: func(text string, args ...any) {
			t.Helper()
			if _, err := side(t, address).Exec(t.Context(), strings.ReplaceAll(text, "?", "$"), args...); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		},
		Check: func() (store.Report, error) { return postgres.Check(t.Context(), address) },
	}
}
