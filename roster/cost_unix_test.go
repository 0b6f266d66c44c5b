//go:build unix && !race

package roster_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/rostertest"
)

// TestCostIsOfTheSize: no file takes much longer to read than another one of its size.
func TestCostIsOfTheSize(t *testing.T) {
	dear := rostertest.Dear(t, 140_000, func(text string) {
		var refusal *roster.Refusal
		if _, _, err := read(t, text, roster.Options{}); err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.60q: %v", text, err)
		}
	})
	if len(dear) > 0 {
		t.Errorf("these take longer than their size: %q", dear)
	}
	dear = rostertest.Dear(t, 140_000, func(text string) {
		var refusal *roster.Refusal
		_, err := roster.TableOf(strings.NewReader(text), roster.Options{})
		if err == nil {
			_, _, err = read(t, text, roster.Options{Mapping: &roster.Mapping{Names: [][]int{{0}}, Emails: []int{1}}})
		}
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.60q: %v", text, err)
		}
	})
	if len(dear) > 0 {
		t.Errorf("these take longer than their size as tables: %q", dear)
	}
}
