package postgres_test

import (
	"os"
	"testing"

	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// FuzzStrings: no string from outside is kept that should not be, or makes the store fail.
func FuzzStrings(f *testing.F) {
	// The processes that fuzz share the database of the one that starts them.
	const shared = "ROLLCALL_FUZZED_DATABASE"
	address := os.Getenv(shared)
	if address == "" {
		address = pgtest.Database(f)
		f.Setenv(shared, address)
	}
	s, err := postgres.Open(f.Context(), address, postgres.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	storetest.FuzzStrings(f, s)
}
