package repository

import (
	"context"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Store is what a collection reads and writes: the queue's store and the list.
type Store interface {
	queue.Store

	// Rows returns a window of the visible rows of a type in the order of
	// (sort text, id), comparing sort texts by UTF-16 code units as IndexedDB does.
	Rows(ctx context.Context, w Window) (Rows, error)

	// Meta and SetMeta are those of the engine's store.
	Meta(ctx context.Context, names ...string) (map[string]string, error)
	SetMeta(ctx context.Context, values map[string]string) error
}

// Window is a part of the list: at most Limit rows, beginning Skip rows behind
// the first row at or after From (zero: the first of all), among those whose
// search text contains Search (already lower-cased; "" takes all).
type Window struct {
	Type   string
	Search string
	From   queue.Key
	Skip   int
	Limit  int
}

// Rows is a window's rows with the key of each, and the number of all rows that
// match the window's Type and Search.
type Rows struct {
	Views []queue.View
	Keys  []queue.Key
	Total int
}
