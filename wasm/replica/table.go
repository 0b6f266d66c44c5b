package replica

import (
	"slices"
	"sort"

	"github.com/rollcall/rollcall/wasm/queue"
)

// table is the rows of one type: those of the base, and over them the entries, which the
// log has changed since, or which have operations or open conflicts.
type table struct {
	schema  queue.Schema
	list    tree // leafPage, with a textPage beside each
	ids     tree // idsPage
	entries map[string]*entry
	places  ordered         // where their rows are and were in the list, in its order
	byID    ordered         // the entries
	seen    map[string]mark // generations of rows of the base that are otherwise as they were
	fresh   fresh
	known   *idSet // nil when nothing is known
	shown   listing
	unseen  map[string]*entry // with operations or conflicts, that shown lacks until it is read
	ahead   []int             // rows of the base before each leaf, less those that entries hide; nil when not known
	changed int               // entries with a past
	in      int64             // the number of the log that all of the base stands for
	suspect *suspicion        // of Store

	selection *selection // that was asked for last
}

// mark is the generation of a row, and the number of the log that says so.
type mark struct{ generation, seq int64 }

// entry stands in the place of what the base has of an entity.
type entry struct {
	id         string
	row        *row          // without operations and open conflicts
	pending    *queue.Entity // with them
	counts     queue.Counts  // of pending, as state.counts has them
	generation int64         // of the confirmed row of pending
	past       []place       // where its row was in the list, in the order of the log
	shown      *shown
	forgotten  bool
	touched    bool     // by the record that is being taken in
	room       [2]place // of past, as a rule
}

// place is where a row was in the list from a number of the log on, if it was there at all.
type place struct {
	seq  int64
	sort string
	row  bool
}

// confirmedBefore reports whether the generation of the confirmed row is before another. One
// without a row is of none.
func (e *entry) confirmedBefore(generation int64) bool {
	switch {
	case e.pending != nil:
		return e.generation < generation
	case e.row != nil:
		return e.row.generation < generation
	}
	return true
}

// shown is a visible row of an entry.
type shown struct {
	key     queue.Key
	entry   *entry
	search  textRow
	indexed bool        // search is known
	pending *queue.View // of an entry with operations or conflicts
	gone    bool
}

func (s *shown) view(entityType string) queue.View {
	if s.entry.pending != nil {
		v := *s.pending
		v.Document = slices.Clone(v.Document)
		return v
	}
	return s.entry.row.view(entityType)
}

// text is what a search looks in.
func (s *shown) text(schema queue.Schema) textRow {
	if !s.indexed {
		s.search, s.indexed = textOf(schema, s.entry.row), true
	}
	return s.search
}

func listName(s queue.Schema) string { return "list/" + s.Type }
func idsName(s queue.Schema) string  { return "ids/" + s.Type }

func newTable(schema queue.Schema, suspect *suspicion) *table {
	return &table{
		schema:  schema,
		list:    newTree(listName(schema), byList),
		ids:     newTree(idsName(schema), byID),
		entries: map[string]*entry{},
		seen:    map[string]mark{},
		unseen:  map[string]*entry{},
		suspect: suspect,
	}
}

// entry returns what stands over the base for an id, and makes it.
func (t *table) entry(id string) *entry {
	e := t.entries[id]
	if e == nil {
		e = &entry{id: id}
		t.entries[id] = e
		t.byID.add(spot{e, ofID})
	}
	return e
}

func (t *table) forget(e *entry) {
	delete(t.entries, e.id)
	e.forgotten = true
	t.byID.pruned = false
}

// move records that the row of an entry has come to a place, from one that it has had
// since before the log if nothing else is known.
func (t *table) move(e *entry, was, is place) {
	if len(e.past) == 0 {
		e.past = append(e.room[:0], was)
		t.changed++
		t.place(e, 0)
	} else if last := e.past[len(e.past)-1]; was.row && was.sort != last.sort && !e.past[0].row {
		e.past[0] = was // a row of the base that its ids did not know
		t.place(e, 0)
	}
	e.past = append(e.past, is)
	t.place(e, len(e.past)-1)
}

func (t *table) place(e *entry, at int) {
	if e.past[at].row {
		t.places.add(spot{e, at})
	}
}

// within reports whether a leaf that stands for the log up to a number has the row that an
// entry had at one of its places.
func (e *entry) within(at int, seq int64) bool {
	return (at == 0 || e.past[at].seq <= seq) && (at+1 == len(e.past) || seq < e.past[at+1].seq)
}

// relist brings the list up to date with an entry, or forgets one that says nothing.
func (t *table) relist(e *entry) {
	t.shown.remove(e)
	t.ahead = nil
	delete(t.unseen, e.id)
	if t.selection != nil {
		t.selection.changed[e.id] = true
	}
	switch {
	case e.pending != nil:
		t.unseen[e.id] = e
	case e.row != nil:
		t.shown.add(&shown{key: queue.Key{Sort: e.row.sort, ID: e.id}, entry: e})
	case len(e.past) == 0:
		t.forget(e)
	}
}

// visible is shown with all that is to be listed. What operations make of a row is seldom
// asked for between one change of it and the next.
func (t *table) visible() *listing {
	for _, e := range t.unseen {
		if v, ok := e.pending.View(); ok {
			sort, search := t.schema.Index(v.Document)
			text := textRow{id: e.id, search: search, changed: t.schema.ChangedAt(e.pending.Operations, v.Document), dated: true}
			t.shown.add(&shown{key: queue.Key{Sort: sort, ID: e.id}, entry: e, search: text, indexed: true, pending: &v})
		}
	}
	clear(t.unseen)
	return &t.shown
}

// rebase puts the entries over new directories, and forgets those that the base has.
func (t *table) rebase() {
	t.ahead = nil
	t.fresh.forget(t.ids.oldest())
	in := min(t.list.oldest(), t.ids.oldest())
	if in == t.in {
		return
	}
	t.in, t.changed = in, 0
	t.catchUp() // with entries that the base has from now on
	for _, s := range t.byID.all(byID) {
		e := s.entry
		if len(e.past) > 0 && e.past[len(e.past)-1].seq <= in {
			e.past, t.places.pruned = nil, false
			if e.pending == nil {
				t.shown.remove(e)
				t.forget(e)
			}
		}
		if len(e.past) > 0 {
			t.changed++
		}
	}
	for id, m := range t.seen {
		if m.seq <= in {
			delete(t.seen, id)
		}
	}
	t.places.all(byList) // a past that comes later has other places
	t.byID.all(byID)     // else they keep what is gone in memory
	t.shown.all()
	if len(t.entries) == 0 {
		t.entries = map[string]*entry{} // one that was large stays so
	}
}

// stored is the number of rows of a leaf that no entry hides.
func (t *table) stored(i int) int {
	t.sum()
	return t.ahead[i+1] - t.ahead[i]
}

// total is the number of visible rows.
func (t *table) total() int {
	t.sum()
	return t.ahead[len(t.list.leaves)] + t.visible().len()
}

func (t *table) sum() {
	if t.ahead != nil {
		return
	}
	t.ahead = make([]int, len(t.list.leaves)+1)
	rest := t.places.all(byList)
	for i := range t.list.leaves {
		var over []spot
		over, rest = t.list.over(i, rest)
		t.ahead[i+1] = t.ahead[i] + t.left(&t.list.leaves[i], over)
	}
}

// left is how many rows of a leaf are not hidden by what the entries say of its range.
func (t *table) left(l *leaf, over []spot) int {
	switch {
	case l.number == 0:
		return 0
	case l.kept != nil:
		return len(t.unhidden(l.kept))
	}
	left := l.rows
	for _, s := range over {
		if s.entry.within(s.at, l.seq) {
			left--
		}
	}
	return max(0, left)
}

// before is the number of visible rows before a leaf.
func (t *table) before(i int) int {
	t.sum()
	return t.ahead[i] + t.visible().before(t.first(i))
}

// first is the first key of a leaf's range; nil for the end of all.
func (t *table) first(i int) *queue.Key {
	if i == len(t.list.leaves) {
		return nil
	}
	return &t.list.leaves[i].first
}

// listing is the visible rows of the entries. It is put in order when it is read.
type listing struct {
	sorted, fresh []*shown
	gone          int // in either
}

func (l *listing) add(s *shown) {
	s.entry.shown = s
	l.fresh = append(l.fresh, s)
}

func (l *listing) remove(e *entry) {
	if e.shown != nil {
		e.shown.gone = true
		e.shown = nil
		l.gone++
	}
}

func (l *listing) len() int { return len(l.sorted) + len(l.fresh) - l.gone }

// all returns the rows in the order of the list.
func (l *listing) all() []*shown {
	if l.gone == 0 && len(l.fresh) == 0 {
		return l.sorted
	}
	compare := func(a, b *shown) int { return a.key.Compare(b.key) }
	gone := func(s *shown) bool { return s.gone }
	old, fresh := slices.DeleteFunc(l.sorted, gone), slices.DeleteFunc(l.fresh, gone)
	slices.SortFunc(fresh, compare) // in place of sortBy, which takes twice as long
	merged := merge(old, fresh, compare)
	l.sorted, l.fresh, l.gone = merged, nil, 0
	return merged
}

// merge merges what is in order; the result may be one of both.
func merge[T any](a, b []T, compare func(a, b T) int) []T {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]T, 0, len(a)+len(b))
	for _, x := range b {
		// Few of many are found by few comparisons, and as many among as many: the steps double.
		from, to := 0, 1
		for to <= len(a) && compare(a[to-1], x) <= 0 {
			from, to = to, 2*to
		}
		for to = min(to-1, len(a)); from < to; {
			if middle := (from + to) / 2; compare(a[middle], x) <= 0 {
				from = middle + 1
			} else {
				to = middle
			}
		}
		out, a = append(append(out, a[:from]...), x), a[from:]
	}
	return append(out, a...)
}

// before is the number of rows before a key; of all for nil.
func (l *listing) before(key *queue.Key) int {
	all := l.all()
	if key == nil {
		return len(all)
	}
	return sort.Search(len(all), func(i int) bool { return all[i].key.Compare(*key) >= 0 })
}

// between are the rows from one key to before another; nil is the end of all.
func (l *listing) between(from, to *queue.Key) []*shown { return l.all()[l.before(from):l.before(to)] }

// item is a visible row, of the base or of an entry.
type item struct {
	key   queue.Key
	row   *row
	shown *shown
}

func (i item) view(entityType string) queue.View {
	if i.shown != nil {
		return i.shown.view(entityType)
	}
	return i.row.view(entityType)
}

// unhidden are the rows of a page that no entry hides.
func (t *table) unhidden(p *leafPage) []item {
	out := make([]item, 0, len(p.rows))
	for n := range p.rows {
		if r := &p.rows[n]; t.entries[r.id] == nil {
			out = append(out, item{key: r.key(), row: r})
		}
	}
	return out
}
