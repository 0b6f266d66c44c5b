package repository

import (
	"context"
	"fmt"
	"strings"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Query asks for a window of the list; see Window.
type Query struct {
	Search string
	From   queue.Key
	Skip   int
	Limit  int
}

// Page is a window of the list. Keys[i] is the position of Records[i], from which to ask
// for a neighbouring window. Total is the number of all rows that match the search.
type Page[T any] struct {
	Records []Record[T]
	Keys    []queue.Key
	Total   int
}

// Window is a part of the list: at most Limit rows, starting Skip rows after the first
// row at or after From (zero: the first of all). It counts only rows whose search text
// contains Search, which is folded ("" matches all).
type Window struct {
	Type   string
	Search string
	From   queue.Key
	Skip   int
	Limit  int
}

// Rows is a window's rows, the key of each, and the number of all rows that match the
// window's Type and Search.
type Rows struct {
	Views []queue.View
	Keys  []queue.Key
	Total int
}

// List returns a window of the visible records in the order of the list. A record that
// can't be decoded is listed with an empty value, so that it does not hide the others.
func (c *Collection[T, P]) List(ctx context.Context, q Query) (Page[T], error) {
	reading := c.reading()
	search := strings.TrimSpace(q.Search)
	if fold := c.cfg.Schema.Fold; fold != nil {
		search = fold(search)
	}
	rows, err := c.cfg.Store.Rows(ctx, Window{
		Type: c.cfg.Schema.Type, Search: search,
		From: q.From, Skip: q.Skip, Limit: q.Limit,
	})
	if err != nil {
		return Page[T]{}, fmt.Errorf("read the list from this device: %w", err)
	}
	page := Page[T]{Keys: rows.Keys, Total: rows.Total, Records: make([]Record[T], 0, len(rows.Views))}
	for _, v := range rows.Views {
		r, err := c.record(v, reading)
		if err != nil {
			r = Record[T]{ID: v.Ref.ID, Version: v.Version, State: v.State, SyncedAt: v.SyncedAt}
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}
