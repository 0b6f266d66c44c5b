package main

import (
	"strings"
	"testing"
)

// TestReport: columns go by processor, then by people; cells are medians of rounds.
func TestReport(t *testing.T) {
	var samples []sample
	for round, ms := range []float64{30, 10, 20} {
		samples = append(samples,
			sample{round, 10_000, 1, saving, map[string]float64{"ms": ms}},
			sample{round, 1000, 4, saving, map[string]float64{"ms": 4 * ms}},
			sample{round, 1000, 1, saving, map[string]float64{"ms": ms / 10}})
	}
	text := report(samples)
	for _, want := range []string{
		"|  | wanted | 1000 people | 10000 people | 1000 people, 4× slower |\n",
		"| save a person, ms | ≤ 50 | 2 | 20 | 80 |\n",
		"| jump to the middle, ms | ≤ 100 |  |  |  |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}
