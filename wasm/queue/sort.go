package queue

import "sort"

// SortBy sorts by compare; what compares equal comes in any order. It is one function for all
// types: an instance of slices.SortFunc for each takes 60 kB of a wasm program.
func SortBy[T any](s []T, compare func(a, b T) int) {
	sort.Sort(order{len(s), func(i, j int) bool { return compare(s[i], s[j]) < 0 }, func(i, j int) { s[i], s[j] = s[j], s[i] }})
}

// order is what package sort needs of a slice.
type order struct {
	n    int
	less func(i, j int) bool
	swap func(i, j int)
}

func (o order) Len() int           { return o.n }
func (o order) Less(i, j int) bool { return o.less(i, j) }
func (o order) Swap(i, j int)      { o.swap(i, j) }
