//go:build unix

package roster_test

import (
	"testing"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/rostertest"
)

// TestCostIsOfTheSize: no file takes much longer to read than another one of its size.
func TestCostIsOfTheSize(t *testing.T) {
	dear := rostertest.Dear(t, 140_000, func(text string) {
		if _, _, err := read(t, text, roster.Options{}); err != nil {
			t.Errorf("%.60q: %v", text, err)
		}
	})
	if len(dear) > 0 {
		t.Errorf("these take longer than their size: %q", dear)
	}
}
