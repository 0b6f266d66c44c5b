package figures

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, test := range []struct {
		values []int
		p      float64
		want   int
	}{
		{nil, 99, 0}, {[]int{7}, 0, 7}, {[]int{7}, 100, 7}, {[]int{3, 1, 2}, 50, 2}, {[]int{4, 3, 1, 2}, 50, 2},
		{hundred, 99, 99}, {hundred, 99.5, 100}, {hundred, 1, 1}, {hundred, 0, 1},
	} {
		if got := Percentile(slices.Clone(test.values), test.p); got != test.want {
			t.Errorf("%v%% of %v is %d, want %d", test.p, test.values, got, test.want)
		}
	}
}

// TestPercentileDefinition: at least p percent of the values do not exceed it, and that is
// true of no smaller value.
func TestPercentileDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 50).Draw(t, "values")
		p := rapid.Float64Range(0.1, 100).Draw(t, "p")
		got := Percentile(slices.Clone(values), p)
		within := func(limit int) float64 {
			n := 0
			for _, v := range values {
				if v <= limit {
					n++
				}
			}
			return 100 * float64(n) / float64(len(values))
		}
		if !slices.Contains(values, got) || within(got) < p-1e-9 || within(got-1) >= p+1e-9 {
			t.Fatalf("%v%% of %v is %d: %v%% are within it, %v%% below", p, values, got, within(got), within(got-1))
		}
	})
}

func TestTable(t *testing.T) {
	table := Table{Head: []string{"a", "b"}}
	table.Add("1", Milliseconds(1500*time.Microsecond))
	if want := "| a | b |\n|---|---|\n| 1 | 1.50 |\n"; table.String() != want {
		t.Errorf("got %q, want %q", table.String(), want)
	}
	const document = "x\n<!-- load -->\nold\n<!-- /load -->\ny"
	got, err := Replace(document, "load", "new\n")
	if want := "x\n<!-- load -->\nnew\n<!-- /load -->\ny"; err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	if _, err := Replace(document, "growth", ""); err == nil {
		t.Error("figures went into a document without markers")
	}
}
