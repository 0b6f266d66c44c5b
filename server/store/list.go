package store

import (
	"encoding/json"
	"time"
)

// ListQuery asks for a page of live users: those whose Search contains Search
// (already folded), behind After, at most Limit. The order is (Sort, ID); with
// UpdatedAfter set it is UpdatedAt, and only later ones are listed.
type ListQuery struct {
	Search       string
	UpdatedAfter time.Time
	After        Position
	Limit        int
}

// Position is a place in the list's order; zero is before everything. UpdatedAt
// is used in the order of UpdatedAt, Sort and ID in the other.
type Position struct {
	Sort      string    `json:"s,omitempty"`
	ID        string    `json:"i,omitempty"`
	UpdatedAt time.Time `json:"u,omitzero"`
}

// ByUpdate reports whether the query is in the order of UpdatedAt.
func (q ListQuery) ByUpdate() bool { return !q.UpdatedAfter.IsZero() }

// LaterThan is the time behind which a list by update goes on.
func (q ListQuery) LaterThan() time.Time {
	if q.After.UpdatedAt.After(q.UpdatedAfter) {
		return q.After.UpdatedAt
	}
	return q.UpdatedAfter
}

// List is a page of users' documents. Next is the position of the last one, and
// nil when there are no more.
type List struct {
	Documents []json.RawMessage
	Next      *Position
}

// Cut makes a List of one row more than the limit, if there are that many.
// Rows need their Sort, ID, UpdatedAt and Document.
func Cut(rows []Row, limit int) List {
	list := List{Documents: make([]json.RawMessage, 0, min(len(rows), limit))}
	for i, r := range rows {
		if i == limit {
			last := rows[i-1]
			list.Next = &Position{Sort: last.Sort, ID: last.ID, UpdatedAt: last.UpdatedAt}
			break
		}
		list.Documents = append(list.Documents, r.Document)
	}
	return list
}
