package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// FuzzStrings: no string from outside is kept that should not be, or makes the store fail.
func FuzzStrings(f *testing.F) {
	s, err := sqlite.Open(f.Context(), filepath.Join(f.TempDir(), "rollcall.db"), sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	storetest.FuzzStrings(f, s)
}
