package repository

import (
	"context"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Store is what a collection reads and writes: the queue's store, the list and the meta
// values.
type Store interface {
	queue.Store

	// Rows returns a window of the visible rows of a type, ordered by (sort text, id).
	// Sort texts compare by UTF-16 code units, as in IndexedDB.
	Rows(ctx context.Context, w Window) (Rows, error)

	// Meta and SetMeta are those of sync.Store.
	Meta(ctx context.Context, names ...string) (map[string]string, error)
	SetMeta(ctx context.Context, values map[string]string) error
}
