package store

import (
	"encoding/json"
	"time"
)

// ListQuery selects a page of live users: those whose Search contains Search (in
// api.FoldText), after After, at most Limit. The order is (Sort, ID). With UpdatedAfter it is
// UpdatedAt, and only later ones are selected.
type ListQuery struct {
	Search       string
	UpdatedAfter time.Time
	After        Position
	Limit        int
}

// Position is a place in the list; the zero Position is its start. UpdatedAt is for the order
// by UpdatedAt, Sort and ID for the other one.
type Position struct {
	Sort      string    `json:"s,omitempty"`
	ID        string    `json:"i,omitempty"`
	UpdatedAt time.Time `json:"u,omitzero"`
}

// ByUpdate reports whether the query is in the order of UpdatedAt.
func (q ListQuery) ByUpdate() bool { return !q.UpdatedAfter.IsZero() }

// LaterThan is the time after which a list by update continues.
func (q ListQuery) LaterThan() time.Time {
	if q.After.UpdatedAt.After(q.UpdatedAfter) {
		return q.After.UpdatedAt
	}
	return q.UpdatedAfter
}

// List is a page of users' documents. Next is the position of the last one, or nil if there
// are no more.
type List struct {
	Documents []json.RawMessage
	Next      *Position
}

// CutList makes a page of rows, which may be more than the page takes. They need Sort, ID,
// UpdatedAt and Document.
func CutList(rows []Row, limit int) List {
	n := fit(rows, limit)
	list := List{Documents: make([]json.RawMessage, n)}
	for i, r := range rows[:n] {
		list.Documents[i] = r.Document
	}
	if n < len(rows) && n > 0 {
		last := rows[n-1]
		list.Next = &Position{Sort: last.Sort, ID: last.ID, UpdatedAt: last.UpdatedAt}
	}
	return list
}
