package store

import (
	"encoding/json"
	"testing"
)

// TestFit: what a store has stopped reading for is never on the page.
func TestFit(t *testing.T) {
	const half = PageBytes / 2
	for i, test := range []struct {
		sizes      []int
		limit      int
		read, want int
	}{
		{nil, 5, 0, 0},
		{[]int{0, 0, 0}, 2, 3, 2},
		{[]int{half, half, 1, 1}, 5, 3, 2},
		{[]int{half, half, 0}, 5, 3, 3},
		{[]int{half + 1, half, 1}, 5, 2, 1},
		{[]int{2 * PageBytes, 1, 1}, 5, 2, 1}, // always one, so that a reader gets on
		{[]int{2 * PageBytes}, 5, 1, 1},
		{[]int{half, half, half}, 1, 3, 1},
	} {
		var size PageSize
		var rows []Row
		for _, n := range test.sizes {
			rows = append(rows, Row{Document: make(json.RawMessage, n)})
			if size.Add(rows[len(rows)-1]) {
				break
			}
		}
		if got := fit(rows, test.limit); len(rows) != test.read || got != test.want {
			t.Errorf("%d: of %v, %d are read and %d on the page, want %d and %d", i, test.sizes, len(rows), got, test.read, test.want)
		}
	}
}
