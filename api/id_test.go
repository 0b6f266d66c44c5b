package api_test

import (
	"testing"

	"github.com/rollcall/rollcall/api"
)

// TestOperationIDsAreInOrder: a server keeps what it remembers by them side by side.
func TestOperationIDsAreInOrder(t *testing.T) {
	last := ""
	for range 1000 {
		id := api.NewOperationID()
		if !api.ValidID(id) || id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}
