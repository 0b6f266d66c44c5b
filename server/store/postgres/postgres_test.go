package postgres_test

import (
	"os"
	"testing"

	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T, address string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		return open(t, pgtest.Database(t), postgres.Options{Now: o.Now, Committed: o.Committed})
	})
}
