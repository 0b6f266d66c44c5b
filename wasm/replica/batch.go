package replica

import (
	"slices"
	"unsafe"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
)

// batch is a record on its way to the log: what a transaction changes, in full, so that
// taking it in needs no decision.
type batch struct {
	*state
	identity string // of the database
	seq      int64
	last     int64 // Seq of an operation
	w        writer
	head     int    // length of its first line
	text     string // when it is complete
	extra    Step   // what it writes besides
	install  func(*state)
	searches []searchOf // of the rows, which are not stored with them
}

// searchOf is what a search looks in of a row.
type searchOf struct {
	table *table
	text  textRow
}

func newBatch(st *state) *batch {
	b := &batch{state: st, identity: st.epoch, seq: st.seq + 1, last: st.last, install: func(*state) {}}
	b.w.start('h').number(format).end()
	b.head = len(b.w.text)
	return b
}

func (b *batch) empty() bool { return len(b.w.text) == b.head }

// step is the end of a transaction; nothing can be added after it.
func (b *batch) step() Step {
	b.text = unsafe.String(unsafe.SliceData(b.w.text), len(b.w.text)) // nobody writes there any more
	b.w.text = nil
	step := b.extra
	step.Append = &Record{b.seq, b.text}
	return step
}

// index gives the rows that were saved what a search looks in: making it is dear.
func (b *batch) index() {
	for _, s := range b.searches {
		if e := s.table.entries[s.text.id]; e != nil && e.pending == nil && e.shown != nil {
			e.shown.search, e.shown.indexed = s.text, true
		}
	}
}

func (b *batch) put(key, text string) {
	if b.extra.Put == nil {
		b.extra.Put = map[string]string{}
	}
	b.extra.Put[key] = text
}

func (b *batch) setMeta(values map[string]string) {
	for name, value := range values {
		if have, ok := b.meta[name]; !ok || have != value {
			b.w.start('m').string(name).string(value).end()
		}
	}
}

// noteGeneration keeps the latest generation of any page.
func (b *batch) noteGeneration(generation int64) {
	if generation > b.generation {
		b.w.start('g').number(generation).end()
	}
}

// known is what a replica holds of an entity.
type known struct {
	queue.Entity
	table      *table
	pending    bool
	base       *idRow // of the base, when Confirmed was not read; it may lack the row itself
	generation int64
	// sort is what its row is listed under, if it has one in the list. A row that is lost
	// with a damaged leaf still has its place.
	sort   string
	listed bool
}

// find returns what is held of an entity. It is incomplete if a page is missing.
func (st *state) find(ref queue.Ref) known {
	k := known{Entity: queue.Entity{Ref: ref}, table: st.tables[ref.Type]}
	if e := k.table.entries[ref.ID]; e != nil {
		switch {
		case e.pending != nil:
			k.Entity, k.pending, k.generation = e.pending.Clone(), true, e.generation
		case e.row != nil:
			k.Confirmed, k.generation, k.sort, k.listed = e.row.confirmed(), e.row.generation, e.row.sort, true
		}
		return k
	}
	r, found, ok := st.findID(k.table, ref.ID)
	if !ok || !found {
		return k
	}
	k = st.knownByID(k.table, r)
	k.base = nil
	if row, _ := st.findRow(k.table, r); row != nil {
		k.Confirmed = row.confirmed()
	}
	return k
}

// findID returns what the ids of the base have of a row; ok is false if a page is missing.
func (st *state) findID(t *table, id string) (r idRow, found, ok bool) {
	pages, ok := st.idsPages(t, t.ids.at(queue.Key{ID: id}))
	if !ok {
		return r, false, false
	}
	for _, page := range pages {
		if r, found = page.find(id); found {
			return r, true, true
		}
	}
	if len(t.fresh.leaves) == 0 {
		return r, false, true
	}
	ok = st.readFresh(t)
	if f := t.fresh.rows[id]; f != nil {
		return f.idRow, true, ok
	}
	return r, false, ok
}

// findRow returns a row of the base, nil if it is damaged; ok is false if its leaf is missing.
func (st *state) findRow(t *table, r idRow) (found *row, ok bool) {
	leaf, ok := st.leaf(t, t.list.at(r.key()))
	if !ok {
		return nil, false
	}
	i, there := slices.BinarySearchFunc(leaf.rows, r.key(), func(l row, k queue.Key) int { return l.key().Compare(k) })
	if !there {
		st.keep(t, t.list.at(r.key()), leaf) // or what comes in its place would hide another row
		return nil, true
	}
	return &leaf.rows[i], true
}

// putRow writes that an entity has this confirmed row, and nothing else.
func (b *batch) putRow(k known, row *queue.Row, generation int64) {
	sort, search := k.table.schema.Index(row.Document)
	text := textRow{id: k.Ref.ID, search: search, changed: k.table.schema.ChangedAt(nil, row.Document), dated: true}
	b.searches = append(b.searches, searchOf{k.table, text})
	b.w.start('w').string(k.Ref.Type).string(k.was()).number(generation).row(queue.Key{Sort: sort, ID: k.Ref.ID}, row).end()
}

// dropRow writes that an entity has no row in the list that is not in the queue, too.
func (b *batch) dropRow(k known) {
	if k.listed {
		b.w.start('d').string(k.Ref.Type).string(k.Ref.ID).string(k.was()).end()
	}
}

// was says what the row was listed under before.
func (k *known) was() string {
	if k.listed {
		return "=" + k.sort
	}
	return "-"
}

// save writes what decide has left of an entity.
func (b *batch) save(k known, e *queue.Entity) {
	e.Ref = k.Ref
	if k.pending && e.SentSince(k.table.entries[k.Ref.ID].pending) {
		b.w.start('a').string(k.Ref.Type).string(k.Ref.ID).number(e.Head().Seq).end()
		return
	}
	generation := k.generation
	changed := !k.Confirmed.Equal(e.Confirmed)
	if changed {
		generation = b.generation
	}
	for _, line := range queue.OutcomeLines(e.Outcomes) {
		b.w.start('o').string(line).end()
	}
	e.Outcomes = nil
	for i := range e.Operations {
		if e.Operations[i].Seq == 0 {
			b.last++
			e.Operations[i].Seq = b.last
		}
	}
	open := slices.Clone(e.Conflicts)
	open = slices.DeleteFunc(open, func(c queue.Conflict) bool { return c.Reviewed })
	for _, c := range e.Conflicts {
		if c.Reviewed {
			b.conflict('v', c)
		}
	}
	e.Conflicts = open
	switch {
	case len(e.Operations) > 0 || len(open) > 0:
		b.dropRow(k)
		b.putPending(e, generation)
		return
	case k.pending:
		b.w.start('x').string(k.Ref.Type).string(k.Ref.ID).end()
	case !changed:
		return
	}
	if e.Confirmed != nil {
		b.putRow(k, e.Confirmed, generation)
	} else {
		b.dropRow(k)
	}
}

// putPending writes all of an entity with operations or open conflicts.
func (b *batch) putPending(e *queue.Entity, generation int64) {
	b.w.start('e').string(e.Ref.Type).string(e.Ref.ID).number(generation).end()
	if c := e.Confirmed; c != nil {
		b.w.start('c').string(e.Ref.Type).string(e.Ref.ID).
			number(c.Version).string(string(c.Stamp)).time(c.SyncedAt).bytes(c.Document).end()
	}
	for _, o := range e.Operations {
		o.Ref = e.Ref
		b.w.start('q').number(o.Seq).bytes(jsoncodec.Write(o.WriteJSON)).end()
	}
	for _, c := range e.Conflicts {
		c.Ref = e.Ref
		b.conflict('k', c)
	}
}

func (b *batch) conflict(kind byte, c queue.Conflict) {
	b.w.start(kind).bytes(jsoncodec.Write(c.WriteJSON)).end()
}
