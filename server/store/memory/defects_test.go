//go:build defects

package memory_test

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/rollcall/rollcall/internal/defect"
	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestDefectsAreNotLinearizable: a store without one of its safeguards gives
// answers that no order of the calls explains.
func TestDefectsAreNotLinearizable(t *testing.T) {
	defer defect.Set("")
	for _, d := range []defect.Switch{
		"", defect.NoRecord, defect.IgnoreBase, defect.DeadRise, defect.ReplayAsItWas, defect.VersionStandsPut,
	} {
		defect.Set(d)
		result, err := storetest.Linearizable(t.Context(), memory.New(memory.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if good := result == porcupine.Ok; good != (d == "") {
			t.Errorf("without the safeguard %q the outcomes are %s", d, result)
		}
	}
}
