package replica

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMerge: what is in order stays so, all of it, and a goes first where both are alike.
func TestMerge(t *testing.T) {
	type from struct{ n, of int }
	rapid.Check(t, func(t *rapid.T) {
		draw := func(of int, name string) (out []from) {
			for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 200).Draw(t, name) {
				out = append(out, from{n, of})
			}
			slices.SortFunc(out, func(a, b from) int { return cmp.Compare(a.n, b.n) })
			return out
		}
		a, b := draw(1, "a"), draw(2, "b")
		want := append(slices.Clone(a), b...)
		slices.SortStableFunc(want, func(a, b from) int { return cmp.Compare(a.n, b.n) })
		if got := merge(a, b, func(a, b from) int { return cmp.Compare(a.n, b.n) }); !slices.Equal(got, want) {
			t.Fatalf("%v and %v are %v", a, b, got)
		}
	})
}
