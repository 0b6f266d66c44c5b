package replica

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Who reads the feed from its beginning gets the rows in the order of the list. Where the base
// has none, they become leaves at once: by way of the log each would be written twice, and be
// taken in by every replica. The log then says only which leaves there are. The ids get the rows
// later, with many others: they lie all over the pages of ids.

// added is a leaf that a record of the log has added to the list. It stands for the log before
// that record, whose other lines lie over it.
type added struct {
	leaf
	record     int64     // its number
	to         queue.Key // the end of the leaf's range
	generation int64     // of its rows
	read       bool      // fresh has its rows
}

// fresh is what the ids lack: the rows of leaves that the log has added since.
type fresh struct {
	leaves []added
	rows   map[string]*freshRow // of those that were read
	sorted []*freshRow          // the same by id, but for recent ones, and with others that are gone
	recent []*freshRow
	gone   bool // some are
}

// freshRow is a row that a page of ids has as soon as it stands for seq.
type freshRow struct {
	idRow
	seq int64
}

// count is the number of rows.
func (f *fresh) count() (n int) {
	for i := range f.leaves {
		n += f.leaves[i].rows
	}
	return n
}

// add adds the rows of a leaf. Of those of one id the last counts, or the ids would be made to agree with
// what a damaged leaf has twice.
func (f *fresh) add(rows []freshRow) {
	if f.rows == nil {
		f.rows = make(map[string]*freshRow, len(rows))
	}
	for i := range rows {
		f.remove(rows[i].id)
		f.rows[rows[i].id] = &rows[i]
		f.recent = append(f.recent, &rows[i])
	}
}

// remove forgets a row that an entry has instead from here on.
func (f *fresh) remove(id string) {
	if _, ok := f.rows[id]; ok {
		delete(f.rows, id)
		f.gone = true
	}
}

// forget drops what all pages of ids have, which stand for the log up to a number.
func (f *fresh) forget(seq int64) {
	n := len(f.leaves)
	f.leaves = slices.DeleteFunc(f.leaves, func(a added) bool { return a.record <= seq })
	switch {
	case len(f.leaves) == 0:
		*f = fresh{}
	case len(f.leaves) < n:
		maps.DeleteFunc(f.rows, func(_ string, r *freshRow) bool { return r.seq <= seq })
		f.gone = true
	}
}

// all returns the rows by id.
func (f *fresh) all() []*freshRow {
	byID := func(a, b *freshRow) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(f.recent, byID)
	f.sorted, f.recent = merge(f.sorted, f.recent, byID), nil
	if f.gone {
		f.sorted, f.gone = slices.DeleteFunc(f.sorted, func(r *freshRow) bool { return f.rows[r.id] != r }), false
	}
	return f.sorted
}

// lackIDs reports whether there are fresh rows.
func (st *state) lackIDs() bool {
	for _, t := range st.tables {
		if len(t.fresh.leaves) > 0 {
			return true
		}
	}
	return false
}

// numbers are those of the leaves.
func (f *fresh) numbers() map[int64]bool {
	numbers := make(map[int64]bool, len(f.leaves))
	for i := range f.leaves {
		numbers[f.leaves[i].number] = true
	}
	return numbers
}

// lacking are the fresh rows that belong to a page of ids and are not in it.
func (t *table) lacking(ids *tree, i int) (rows []*freshRow) {
	if len(t.fresh.rows) == 0 {
		return nil
	}
	all := t.fresh.all()
	at := func(id string) int { return sort.Search(len(all), func(n int) bool { return all[n].id >= id }) }
	end := len(all)
	if i+1 < len(ids.leaves) {
		end = at(ids.leaves[i+1].first.ID)
	}
	for _, r := range all[at(ids.leaves[i].first.ID):end] {
		if r.seq > ids.leaves[i].seq && t.entries[r.id] == nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// readFresh reads the rows of leaves that the log has added, a part of them at a time; false if a
// leaf is missing.
func (st *state) readFresh(t *table) (ok bool) {
	ok = true
	for i := range t.fresh.leaves {
		a := &t.fresh.leaves[i]
		if a.read {
			continue
		}
		if len(st.missing) >= st.bounds.PartPages {
			return false
		}
		key := t.list.key(a.number)
		leaf, there := page(st, a.leaf, key, parseLeaf)
		if !there {
			ok = false
			continue
		}
		st.cache.drop(key)
		rows := make([]freshRow, 0, len(leaf.rows))
		for n := range leaf.rows {
			r := &leaf.rows[n]
			rows = append(rows, freshRow{idRow{id: r.id, sort: r.sort, version: r.version, hash: r.hash(), generation: a.generation}, a.record})
		}
		t.fresh.add(rows)
		a.read = true
	}
	return ok
}

// foldAdded takes in the line of a leaf that was added.
func (t *table) foldAdded(f *fields, seq int64) {
	a := added{generation: f.number()}
	a.number, a.rows, a.seq, a.record = f.number(), int(f.number()), seq-1, seq
	a.first = queue.Key{Sort: f.string(), ID: f.string()}
	a.to = queue.Key{Sort: f.string(), ID: f.string()}
	if f.bad || a.rows < 0 {
		return
	}
	t.fresh.leaves = append(t.fresh.leaves, a)
	t.known = nil // it may lack these
	t.cover(&a)
}

// cover puts an added leaf into the directory, unless that was written since.
func (t *table) cover(a *added) {
	if a.number < t.list.next {
		return
	}
	t.ahead, t.selection = nil, nil
	t.list.next = a.number + 1
	from, to := t.list.at(a.first), t.list.at(a.to)
	behind := leaf{first: a.to, seq: t.list.leaves[to].seq}
	if t.list.leaves[to].first == a.to {
		behind = t.list.leaves[to]
	}
	if t.list.leaves[from].first != a.first {
		from++
	}
	t.list.leaves = slices.Replace(t.list.leaves, from, to+1, a.leaf, behind)
}

// recover puts the added leaves into a directory that was read: it may be older than they are.
func (t *table) recover() {
	for i := range t.fresh.leaves {
		t.cover(&t.fresh.leaves[i])
	}
}

// filling is rows on their way into leaves.
type filling struct {
	*batch
	*table
	rows  []freshRow
	lines writer // of leaves
	texts writer // beside them
	ends  []end  // of the rows in both
}

type end struct{ line, text int }

func (f *filling) end(row int) end {
	if row == 0 {
		return end{}
	}
	return f.ends[row-1]
}

// fills reports whether a page may hold rows for fill.
func (b Bounds) fills(page sync.Page) bool { return page.Resync && len(page.Changes) >= b.LeafRows/2 }

// fill makes leaves of those rows of a page that are nowhere yet, and returns the changes that
// are left for the log: all of them unless the rows are in the order of the list, and belong to a
// part of it where neither the base nor the log has any.
func (b *batch) fill(page sync.Page, at time.Time) (filled []queue.Ref, left []api.Change) {
	t := b.tables[page.Changes[0].EntityType]
	if t == nil || !b.bounds.fills(page) {
		return nil, page.Changes
	}
	f := &filling{batch: b, table: t, rows: make([]freshRow, 0, len(page.Changes))}
	f.lines.text = make([]byte, 0, sizeOf(page.Changes))
	for i := range page.Changes {
		c := &page.Changes[i]
		if c.EntityType != t.schema.Type || c.Deleted || !b.unheardOf(t, c.EntityID) {
			left = append(left, *c)
			continue
		}
		if !f.add(c, page.Generation, at) {
			return nil, page.Changes
		}
	}
	from, ok := f.place()
	if len(b.missing) > 0 || !ok {
		return nil, page.Changes
	}
	f.write(from, page)
	for _, r := range f.rows {
		filled = append(filled, queue.Ref{Type: t.schema.Type, ID: r.id})
	}
	return filled, left
}

// unheardOf reports whether no row and no operation of an id is stored.
func (b *batch) unheardOf(t *table, id string) bool {
	if t.entries[id] != nil {
		return false
	}
	if t.known != nil && t.known.whole && !t.known.has(id) {
		return true
	}
	_, found, ok := b.findID(t, id)
	return !found && ok
}

// add adds a row; false if it does not follow the one before in the list.
func (f *filling) add(c *api.Change, generation int64, at time.Time) bool {
	row := confirmedRow(*c, at)
	sort, search := f.schema.Index(row.Document)
	key := queue.Key{Sort: strings.Clone(sort), ID: c.EntityID}
	if n := len(f.rows); n > 0 && f.rows[n-1].key().Compare(key) >= 0 {
		return false
	}
	f.rows = append(f.rows, freshRow{idRow{
		id: key.ID, sort: key.Sort, version: row.Version, hash: api.ContentHash(row.Document), generation: generation,
	}, f.seq})
	f.lines.start('r').row(key, row).end()
	writeText(&f.texts, textRow{id: key.ID, search: search, changed: f.schema.ChangedAt(nil, row.Document), dated: true})
	f.ends = append(f.ends, end{len(f.lines.text), len(f.texts.text)})
	return true
}

// place returns where the range of the first leaf begins; false if something else is listed where
// the rows belong.
func (f *filling) place() (from queue.Key, ok bool) {
	if len(f.rows) < f.bounds.LeafRows/2 {
		return from, false
	}
	first, last := f.rows[0].key(), f.rows[len(f.rows)-1].key()
	i := f.list.at(first)
	if l := &f.list.leaves[i]; l.number != 0 || l.kept != nil || f.list.at(last) != i {
		return from, false
	}
	from = f.list.leaves[i].first
	spots := f.places.all(byList)
	behind := func(key queue.Key) int {
		return sort.Search(len(spots), func(n int) bool { return spots[n].key().Compare(key) >= 0 })
	}
	n := behind(first)
	if n < len(spots) && spots[n].key().Compare(last) <= 0 {
		return from, false
	}
	if behind(from) < n {
		from = first
	}
	return from, true
}

// write writes the leaves, and the lines that say so.
func (f *filling) write(from queue.Key, page sync.Page) {
	number := f.list.next
	f.bounds.cut(len(f.rows), len(f.lines.text), func(i, to int) {
		until := queue.Key{Sort: f.rows[to-1].sort, ID: f.rows[to-1].id + "\x00"}
		if to < len(f.rows) {
			until = f.rows[to].key()
		}
		a, z := f.end(i), f.end(to)
		f.put(f.list.key(number), string(f.lines.text[a.line:z.line]))
		f.put(f.textKey(number), string(f.texts.text[a.text:z.text]))
		f.w.start('j').string(f.schema.Type).number(page.Generation).number(number).number(int64(to - i)).
			string(from.Sort).string(from.ID).string(until.Sort).string(until.ID).end()
		number, from = number+1, until
	})
	known, entityType, seq := f.known, f.schema.Type, f.batch.seq
	f.install = func(st *state) {
		t := st.tables[entityType]
		t.fresh.add(f.rows)
		for i := range t.fresh.leaves {
			if a := &t.fresh.leaves[i]; a.record == seq {
				a.read = true
			}
		}
		if t.known = known; known != nil {
			for i := range page.Changes {
				known.add(page.Changes[i].EntityID)
			}
		}
	}
}

// dropKnown gives back the memory that a first reading of the feed needs.
func (b *batch) dropKnown() {
	for _, t := range b.tables {
		t.known = nil
	}
}

// idSet is the hashes of all ids of rows, and perhaps of others, in parts by their first bits.
type idSet struct {
	parts [1 << 12][]uint32
	next  string // the ids that lie in the base from here on are yet to be learned
	whole bool   // none are
}

//go:noinline // for its size
func (s *idSet) find(id string) (part *[]uint32, hash uint32, at int, found bool) {
	hash = uint32(api.ContentHash([]byte(id)))
	part = &s.parts[hash>>20]
	all := *part
	at = sort.Search(len(all), func(n int) bool { return all[n] >= hash })
	return part, hash, at, at < len(all) && all[at] == hash
}

//go:noinline // for its size
func (s *idSet) add(id string) {
	if part, hash, at, found := s.find(id); !found {
		all := append(*part, 0)
		copy(all[at+1:], all[at:])
		all[at] = hash
		*part = all
	}
}

func (s *idSet) has(id string) bool {
	_, _, _, found := s.find(id)
	return found
}

// learn has a table know all ids, part by part, if a page of the feed goes on with filling it.
func (s *Store) learn(ctx context.Context, c *api.Change) error {
	for more := true; more; {
		err := s.read(ctx, func(st *state) error {
			more = st.learn(st.tables[c.EntityType], c)
			return nil
		})
		if err != nil {
			return err
		}
		sync.ReportProgress(ctx)
	}
	return nil
}

func (st *state) learn(t *table, c *api.Change) (more bool) {
	if t == nil || c.Deleted {
		return false
	}
	sort, _ := t.schema.Index(c.Document)
	if at := t.list.at(queue.Key{Sort: sort, ID: c.EntityID}); t.list.leaves[at].number != 0 || !st.readFresh(t) {
		return false
	}
	if t.known == nil {
		t.known = &idSet{}
		for id := range t.entries {
			t.known.add(id)
		}
		for id := range t.fresh.rows {
			t.known.add(id)
		}
	}
	k := t.known
	if k.whole {
		return false
	}
	i := t.ids.at(queue.Key{ID: k.next})
	ids := api.IDRange{From: k.next}
	ids.To, more = st.partOf(t, ids)
	for ; i < len(t.ids.leaves) && (!more || t.ids.leaves[i].first.ID < ids.To); i++ {
		pages, ok := st.idsPages(t, i)
		for n := 0; ok && n < len(pages); n++ {
			for j := range pages[n].rows {
				k.add(pages[n].rows[j].id)
			}
		}
	}
	if len(st.missing) > 0 {
		return true
	}
	k.next, k.whole = ids.To, !more
	return more
}
