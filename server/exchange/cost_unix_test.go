//go:build unix && !race

package exchange_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/rostertest"
)

// TestCostIsOfTheSize: no file takes much longer to import than another one of its size.
func TestCostIsOfTheSize(t *testing.T) {
	dear := rostertest.Dear(t, 70_000, func(text string) {
		var refusal *roster.Refusal
		if _, err := run(&empty{}, strings.NewReader(text)); err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.60q: %v", text, err)
		}
	})
	if len(dear) > 0 {
		t.Errorf("these take longer than their size: %q", dear)
	}
}
