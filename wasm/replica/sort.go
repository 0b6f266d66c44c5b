package replica

import "github.com/rollcall/rollcall/wasm/queue"

func sortBy[T any](s []T, compare func(a, b T) int) { queue.SortBy(s, compare) }
