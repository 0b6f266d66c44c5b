package replica

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// selection is the rows of a table that a window asks for in an order of its own, or a part of
// them. It is made of the texts when it is asked for, and kept until another one is: stored
// beside the list, each order would be written with every row.
type selection struct {
	of      repository.Selection
	rows    []*selected     // in the order
	changed map[string]bool // ids of entries that have changed since
	mixed   bool            // the list changed while it was made: it is good for once
}

// selected is a row of a selection.
type selected struct {
	key  queue.Key // its place in the order
	sort string    // and in the list
	head uint64    // of key.Sort, see inOrder
}

// selected returns a window of a selection.
func (s *Store) selected(waiting context.Context, w repository.Window, of repository.Selection) (out repository.Rows, err error) {
	ctx := context.WithoutCancel(waiting)
	for waiting.Err() == nil {
		made := false
		err := s.read(ctx, func(st *state) error {
			t := st.tables[w.Type]
			t.mirror(of)
			if made = t.selection != nil && t.selection.of.Same(of); made {
				out = st.selectedPart(t, w)
			}
			return nil
		})
		if made || err != nil {
			return out.Whole(), err
		}
		var g, next gathering
		err = s.inTurn(waiting, reading{
			begin: func() { g = gathering{of: of, stored: storedWords(w), entityType: w.Type} },
			run: func(st *state) bool {
				next = g
				return next.run(st)
			},
			keep: func() { g = next },
		})
		if err != nil {
			return out, err
		}
	}
	return out, context.Cause(waiting)
}

// mirror turns the selection around if that is what is asked for.
func (t *table) mirror(of repository.Selection) {
	if s := t.selection; s != nil && s.of.Mirrors(of) {
		t.catchUp()
		slices.Reverse(s.rows)
		s.of = of
	}
}

// inOrder sorts rows. Most are told apart by a few letters behind what all begin with: comparing
// those as a number takes a tenth of the time.
func inOrder(rows []*selected, of repository.Selection) {
	if len(rows) == 0 {
		return
	}
	same := rows[0].key.Sort
	for _, r := range rows {
		n := 0
		for n < len(same) && n < len(r.key.Sort) && same[n] == r.key.Sort[n] {
			n++
		}
		same = same[:n]
	}
	for _, r := range rows {
		r.head = head(r.key.Sort[len(same):])
	}
	reverse := of.Compare(queue.Key{Sort: "a"}, queue.Key{Sort: "b"}) > 0
	slices.SortFunc(rows, func(a, b *selected) int {
		switch {
		case a.head == b.head || a.head == 0 || b.head == 0:
			return of.Compare(a.key, b.key)
		case a.head < b.head != reverse:
			return -1
		}
		return 1
	})
}

// head is the beginning of a text as a number that compares as it does; 0 where that may differ: in
// queue.Key's order of characters that are no ASCII.
func head(text string) (n uint64) {
	for i := range 8 {
		n <<= 8
		if i < len(text) {
			if text[i] >= 0x80 {
				return 0
			}
			n |= uint64(text[i])
		}
	}
	return n
}

// selectedPart returns a window of the table's selection.
func (st *state) selectedPart(t *table, w repository.Window) repository.Rows {
	t.catchUp()
	s := t.selection
	from, to := s.of.Part(w, len(s.rows), func(i int) queue.Key { return s.rows[i].key })
	out := repository.Rows{First: from, Total: len(s.rows), Views: []queue.View{}, Keys: []queue.Key{}}
	for _, r := range s.rows[from:to] {
		view, found, ok := st.viewOf(t, r)
		switch {
		case !ok:
		case !found:
			s.mixed = true // it is damaged, and may come back
		default:
			out.Views, out.Keys = append(out.Views, view), append(out.Keys, r.key)
		}
	}
	if s.mixed && len(st.missing) == 0 {
		t.selection = nil
	}
	return out
}

// viewOf returns a visible row; ok is false if a page is missing.
func (st *state) viewOf(t *table, r *selected) (v queue.View, found, ok bool) {
	id := r.key.ID
	if e := t.entries[id]; e != nil {
		if e.shown == nil {
			return v, false, true
		}
		return e.shown.view(t.schema.Type), true, true
	}
	row, ok := st.findRow(t, idRow{id: id, sort: r.sort})
	if row == nil && ok {
		// It may be listed by another rule than that of its text.
		var by idRow
		if by, found, ok = st.findID(t, id); !ok || !found {
			return v, false, ok
		}
		row, ok = st.findRow(t, by)
	}
	if row == nil {
		return v, false, ok
	}
	return row.view(t.schema.Type), true, true
}

// catchUp takes in what has changed since the selection was made.
func (t *table) catchUp() {
	s := t.selection
	if s == nil || len(s.changed) == 0 {
		return
	}
	t.visible()
	s.rows = slices.DeleteFunc(s.rows, func(r *selected) bool { return s.changed[r.key.ID] })
	var fresh []*selected
	for id := range s.changed {
		if e := t.entries[id]; e != nil && e.shown != nil {
			fresh = t.appendShown(fresh, s.of, e.shown)
		}
	}
	clear(s.changed)
	inOrder(fresh, s.of)
	s.rows = merge(s.rows, fresh, func(a, b *selected) int { return s.of.Compare(a.key, b.key) })
}

// appendShown appends the row of an entry if it is selected.
func (t *table) appendShown(rows []*selected, of repository.Selection, s *shown) []*selected {
	text := s.text(t.schema)
	c := repository.Candidate{ID: text.id, Search: text.search, Changed: text.changed}
	if s.pending != nil {
		c.State = s.pending.State
	}
	return appendSelected(rows, of, c, func() json.RawMessage { return s.view(t.schema.Type).Document })
}

func appendSelected(rows []*selected, of repository.Selection, c repository.Candidate, document func() json.RawMessage) []*selected {
	if of.Has(c, document) {
		rows = append(rows, &selected{key: of.Key(c), sort: of.ListKey(c).Sort})
	}
	return rows
}

// gathering is how far a selection is made.
type gathering struct {
	of         repository.Selection
	stored     []string // the search's words as lines have them
	entityType string
	leaf       int
	listed     int64
	mixed      bool
	rows       []*selected
}

// Parts of a gathering are this many times Bounds.PartPages texts, or a fraction of that of leaves.
const (
	gatherTexts  = 4
	gatherLeaves = 4
)

// run gathers from the next leaves, and from the entries at last. It is false at the end.
func (g *gathering) run(st *state) (more bool) {
	t := st.tables[g.entityType]
	if g.leaf == 0 {
		g.listed = st.listed
	}
	g.mixed = g.mixed || g.listed != st.listed
	part := gatherTexts * st.bounds.PartPages
	if g.of.Deep() {
		part = max(1, st.bounds.PartPages/gatherLeaves)
	}
	if g.of.Unsynced() { // those are entries
		g.leaf = len(t.list.leaves)
	}
	from, end := g.leaf, min(g.leaf+part, len(t.list.leaves))
	for i := from; i < end; i++ {
		g.gather(st, t, i)
	}
	if len(st.missing) > 0 || st.again {
		return true
	}
	if g.leaf = end; end < len(t.list.leaves) {
		return true
	}
	for _, s := range t.visible().all() {
		g.rows = t.appendShown(g.rows, g.of, s)
	}
	inOrder(g.rows, g.of)
	t.selection = &selection{of: g.of, rows: g.rows, changed: map[string]bool{}, mixed: g.mixed}
	return false
}

// gather adds the rows of a leaf that no entry hides.
func (g *gathering) gather(st *state, t *table, i int) {
	texts, ok := st.texts(t, i)
	if !ok || !g.of.Deep() && !repository.HasAll(texts.text, g.stored) {
		return
	}
	var leaf *leafPage
	if g.of.Deep() || g.of.Dated() && !texts.dated {
		if leaf, ok = st.leaf(t, i); !ok {
			return
		}
	}
	for n := range texts.rows {
		text := texts.row(n)
		if t.entries[text.id] != nil {
			continue
		}
		c := repository.Candidate{ID: text.id, Search: text.search, Changed: text.changed}
		document := func() json.RawMessage { return json.RawMessage(leaf.find(text.id, n).document()) }
		if g.of.Dated() && !text.dated {
			c.Changed = t.schema.ChangedAt(nil, document())
		}
		g.rows = appendSelected(g.rows, g.of, c, document)
	}
}
