//go:build js && wasm

package idb_test

import (
	"os"
	"syscall/js"
	"testing"

	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/storetest"
)

// TestMain runs the helper script, which a page loads by its own script element.
func TestMain(m *testing.M) {
	js.Global().Get("Function").New(idb.Helper).Invoke()
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, name string) storetest.Store {
		s, err := idb.Open(t.Context(), idb.Options{Name: t.Name() + " " + name, Schemas: storetest.Schemas})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	})
}
