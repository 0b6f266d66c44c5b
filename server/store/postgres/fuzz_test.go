package postgres_test

import (
	"testing"

	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// FuzzStrings: no string from outside is kept that should not be, or makes the store fail.
func FuzzStrings(f *testing.F) {
	s, err := postgres.Open(f.Context(), pgtest.Database(f), postgres.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	storetest.FuzzStrings(f, s)
}
