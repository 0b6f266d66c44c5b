package repository

import (
	"encoding/json"
	"sort"
	"strings"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// Window is a part of the list: at most Limit rows, starting Skip rows after the first
// row at or after From (zero: the first of all), in its order.
//
// It has only rows that match all of these: those whose search text contains each word of Search, which
// is folded ("" matches all), or whose deep text does if Deep is set; those in State ("" matches
// all); those that were changed at Since or later (zero matches all).
//
// Order is one of queue.Schema.Orders, and Reverse turns it around; the keys of the rows are
// then those of that order. A name that the schema does not have is the list's own order.
type Window struct {
	Type    string
	Search  string
	Deep    bool
	State   queue.RowState
	Since   time.Time
	Order   string
	Reverse bool
	From    queue.Key
	Skip    int
	Limit   int
	// Early is satisfied with the first Limit rows of a search as soon as they are known.
	Early bool
}

// Words are what Search asks for, in whatever order a row has them.
func (w Window) Words() []string { return strings.Fields(w.Search) }

// HasAll reports whether a text has all words.
func HasAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Rows is a window's rows, the key of each, how many rows come before them (0 where it has none),
// and the number of all rows, both of those that match. Partial says that there may be more than Total:
// nobody has looked further.
type Rows struct {
	Views   []queue.View
	Keys    []queue.Key
	First   int
	Total   int
	Partial bool
}

// Selection is which rows a window shows, and in which order.
type Selection struct {
	schema  queue.Schema
	search  string
	words   []string
	deep    bool
	state   queue.RowState
	since   string
	order   string
	reverse bool
}

// Candidate is what a row is selected by, and ordered by.
type Candidate struct {
	ID, Search, Changed string
	State               queue.RowState
}

// Selection returns the window's, of rows with a schema; false if that is all rows with a search
// text, in the list's own order.
func (w Window) Selection(schema queue.Schema) (s Selection, special bool) {
	if schema.Orders == nil {
		return s, false
	}
	s = Selection{schema: schema, search: w.Search, words: w.Words(), state: w.State, order: w.Order, reverse: w.Reverse}
	s.deep = w.Deep && w.Search != "" && schema.Deep != nil
	if !w.Since.IsZero() {
		s.since = queue.TimeText(w.Since)
	}
	if schema.Orders[s.order] == nil {
		s.order = ""
	}
	return s, s.deep || s.state != "" || s.since != "" || s.order != "" || s.reverse
}

// Whole returns rows as they are told: where nothing is, nothing comes before it.
func (r Rows) Whole() Rows {
	if len(r.Views) == 0 {
		r.First = 0
	}
	return r
}

// Same reports whether another selection of the same type has the same rows in the same order.
func (s Selection) Same(other Selection) bool {
	return s.search == other.search && s.deep == other.deep && s.state == other.state && s.since == other.since &&
		s.order == other.order && s.reverse == other.reverse
}

// Mirrors reports whether another selection of the same type has the same rows in the reverse
// order.
func (s Selection) Mirrors(other Selection) bool {
	s.reverse = !s.reverse
	return s.Same(other)
}

// Deep reports whether documents are needed to decide.
func (s Selection) Deep() bool { return s.deep }

// Dated reports whether it matters when a row was changed.
func (s Selection) Dated() bool { return s.since != "" || s.order != "" }

// Unsynced reports whether rows without operations and conflicts are none of it.
func (s Selection) Unsynced() bool { return s.state != "" }

// Has reports whether a row is selected. document is asked only for a deep search.
func (s Selection) Has(c Candidate, document func() json.RawMessage) bool {
	if s.state != "" && s.state != c.State || c.Changed < s.since {
		return false
	}
	if HasAll(c.Search, s.words) || !s.deep {
		return HasAll(c.Search, s.words)
	}
	text := s.schema.Deep(document())
	for _, word := range s.words {
		if !strings.Contains(c.Search, word) && !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Key returns the place of a row in the order.
func (s Selection) Key(c Candidate) queue.Key {
	return queue.Key{Sort: s.schema.Orders[s.order](c.Search, c.Changed), ID: c.ID}
}

// ListKey returns the place of a row in the list's own order.
func (s Selection) ListKey(c Candidate) queue.Key {
	return queue.Key{Sort: s.schema.Orders[""](c.Search, c.Changed), ID: c.ID}
}

// Compare compares places in the order.
func (s Selection) Compare(a, b queue.Key) int {
	if s.reverse {
		a, b = b, a
	}
	return a.Compare(b)
}

// Part returns which of n rows in the order a window has, of which key returns the places.
func (s Selection) Part(w Window, n int, key func(i int) queue.Key) (from, to int) {
	if w.From != (queue.Key{}) {
		from = sort.Search(n, func(i int) bool { return s.Compare(key(i), w.From) >= 0 })
	}
	from = min(from+max(w.Skip, 0), n)
	return from, min(from+max(w.Limit, 0), n)
}
