package repository

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Query asks for a window of the list; see Window. Since is by the device's clock.
type Query struct {
	Search  string
	Deep    bool
	State   queue.RowState
	Since   time.Time
	Order   string
	Reverse bool
	From    queue.Key
	Skip    int
	Limit   int
	Early   bool
}

// Page is a window of the list. Keys[i] is the position of Records[i], from which to ask
// for a neighbouring window. First is how many rows come before it, Total is the number of all,
// each of those that match the query; there may be more if it is Partial, as it only is where the query
// is Early.
type Page[T any] struct {
	Records Records[T]
	Keys    []queue.Key
	First   int
	Total   int
	Partial bool
}

// Records are decoded when they are asked for: a list shows few of those that it has. One
// that can't be decoded has an empty value, so that it does not hide the others.
type Records[T any] struct {
	views  []queue.View
	decode func(queue.View) Record[T]
}

// Len is their number.
func (r Records[T]) Len() int { return len(r.views) }

// At returns one of them.
func (r Records[T]) At(i int) Record[T] { return r.decode(r.views[i]) }

// All returns them in the order of the list.
func (r Records[T]) All() iter.Seq2[int, Record[T]] {
	return func(yield func(int, Record[T]) bool) {
		for i := range r.views {
			if !yield(i, r.At(i)) {
				return
			}
		}
	}
}

// First returns the first of them, at most n.
func (r Records[T]) First(n int) []Record[T] {
	out := make([]Record[T], min(n, len(r.views)))
	for i := range out {
		out[i] = r.At(i)
	}
	return out
}

// same reports whether nothing of a page has changed.
func (p Page[T]) same(other Page[T]) bool {
	return p.Partial == other.Partial && p.First == other.First && p.Total == other.Total && slices.Equal(p.Keys, other.Keys) && slices.EqualFunc(p.Records.views, other.Records.views, queue.View.Equal)
}

// List returns a window of the visible records in the order of the list.
func (c *Collection[T, P]) List(ctx context.Context, q Query) (Page[T], error) {
	reading := c.reading()
	search := strings.TrimSpace(q.Search)
	if fold := c.cfg.Schema.Fold; fold != nil {
		search = fold(search)
	}
	if !q.Since.IsZero() {
		given, err := c.cfg.Store.Meta(ctx, sync.MetaSkew)
		if err != nil {
			return Page[T]{}, fmt.Errorf("read from this device: %w", err)
		}
		q.Since = q.Since.Add(parseSkew(given[sync.MetaSkew]))
	}
	rows, err := c.cfg.Store.Rows(ctx, Window{
		Type: c.cfg.Schema.Type, Search: search, Deep: q.Deep, State: q.State, Since: q.Since,
		Order: q.Order, Reverse: q.Reverse, From: q.From, Skip: q.Skip, Limit: q.Limit, Early: q.Early,
	})
	if err != nil {
		return Page[T]{}, fmt.Errorf("read the list from this device: %w", err)
	}
	decode := func(v queue.View) Record[T] {
		r, err := c.record(v, reading)
		if err != nil {
			r = Record[T]{ID: v.Ref.ID, Version: v.Version, State: v.State, SyncedAt: v.SyncedAt}
		}
		return r
	}
	return Page[T]{Keys: rows.Keys, First: rows.First, Total: rows.Total, Partial: rows.Partial, Records: Records[T]{rows.Views, decode}}, nil
}
