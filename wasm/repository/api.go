package repository

import (
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Record is a visible row decoded to its type.
type Record[T any] struct {
	ID       string
	Value    T
	Version  int64
	State    queue.RowState
	SyncedAt time.Time // zero when the server has not confirmed it yet
}

// Query is a window of the list as a caller asks for it; see Window.
type Query struct {
	Search string
	From   queue.Key
	Skip   int
	Limit  int
}

// Page is a window of the list. Keys[i] is the place of Records[i], for asking
// for a neighbouring window; Total counts all rows that match the search.
type Page[T any] struct {
	Records []Record[T]
	Keys    []queue.Key
	Total   int
}
