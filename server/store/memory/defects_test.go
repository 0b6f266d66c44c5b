package memory_test

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/storetest"
	"github.com/rollcall/rollcall/sim/defects/active"
)

// TestDefectsAreNotLinearizable: a store without one of its safeguards gives
// answers that no order of the calls explains, or that it should never give.
func TestDefectsAreNotLinearizable(t *testing.T) {
	if !active.Patched {
		t.Skip("built without the patched copies: see make defects")
	}
	defer active.Set("")
	for _, d := range []string{"", "no-record", "base-ignored", "any-tombstone-restored", "replay-as-it-was", "version-not-counted"} {
		active.Set(d)
		result, err := storetest.Linearizable(t.Context(), memory.New(memory.Options{}))
		if err != nil && d == "" {
			t.Fatal(err)
		}
		if good := result == porcupine.Ok && err == nil; good != (d == "") {
			t.Errorf("with the defect %q the outcomes are %s", d, result)
		}
	}
}
