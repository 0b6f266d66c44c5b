package replica

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Names in the base, beside those of trees.
const (
	keyHead  = "head"    // an identity that each database has of its own
	keyState = "state/a" // what the log says of all but rows, up to a number
	keyTwin  = "state/b" // the same again: nobody else has the operations in it
)

// state is what a device holds: the base, and the log folded over it.
type state struct {
	epoch  string // the text of keyHead
	seq    int64  // of the last record
	listed int64  // of the last one that has changed rows, or read the directories anew
	stands int64  // the number of the log that keyState stands for
	stale  bool   // the base has changed since its directories were read

	logRecords, logBytes int // since keyState was written

	plan    plan // of the steps of compaction that this program takes
	orphans bool // there may be pages that no directory names

	meta       map[string]string
	outcomes   []string // lines of queue.MetaOutcomes
	fence      int64
	generation int64
	last       int64           // Seq of an operation
	top        queue.Operation // the newest in the queue, if it is still there
	reviewed   map[string]queue.Conflict
	pending    map[queue.Ref]*entry
	counts     queue.Counts // of pending
	unreadable []string     // damaged lines: they may hold operations
	torn       int64        // number of the last record that had damaged lines
	outdone    bool         // the base has what was damaged, perhaps from who had read it before

	bounds    Bounds
	tables    map[string]*table
	touched   []touched
	cache     cache    // of leaves and ids
	textCache cache    // that a search looks in
	missing   []string // keys that were looked for in the cache in vain
	again     bool     // a leaf was found to have other rows than were counted
}

func newState(o Options, suspect map[string]*suspicion) *state {
	st := &state{
		bounds: o.Bounds, orphans: true,
		meta: map[string]string{}, reviewed: map[string]queue.Conflict{}, pending: map[queue.Ref]*entry{},
		tables: map[string]*table{},
		cache:  cache{limit: o.Cache, pages: map[string]*cached{}}, textCache: cache{limit: o.Texts, pages: map[string]*cached{}},
	}
	for _, s := range o.Schemas {
		st.tables[s.Type] = newTable(s, suspect[s.Type])
	}
	return st
}

// load makes the state of what the whole log says and what is asked for without one (Store.want).
func (st *state) load(found Found) error {
	st.epoch = found.Base[keyHead]
	if err := st.readDirectories(found.Base); err != nil {
		return err
	}
	for _, t := range st.tables {
		if len(t.ids.leaves) == 1 && t.ids.leaves[0].number == 0 {
			t.known = &idSet{whole: true} // no rows
		}
	}
	text := found.Base[keyState]
	if twin := found.Base[keyTwin]; twin != text && whole(twin) > whole(text) {
		text = twin
	}
	if text != "" {
		st.stands = -1 // what it says counts
		if err := st.fold(Record{st.standsFor(text), text}, false); err != nil {
			return err
		}
		st.stands, st.logRecords, st.logBytes = st.seq, 0, 0
	}
	for _, record := range found.Log {
		if err := st.fold(record, false); err != nil {
			return err
		}
	}
	st.stale, st.outdone, st.listed = false, false, st.seq // all was read together
	for _, t := range st.tables {
		t.rebase()
	}
	return nil
}

// whole is the number of lines that are not damaged. Of two copies, the one with more has
// lost less.
func whole(text string) (n int) {
	lines(text, false, func(byte, fields) { n++ }, nil)
	return n
}

func (st *state) readDirectories(base map[string]string) error {
	for _, t := range st.tables {
		for _, tree := range []*tree{&t.list, &t.ids} {
			whole, err := tree.decode(base[tree.name])
			if err != nil {
				return err
			}
			st.orphans = st.orphans || !whole
		}
		t.recover()
	}
	st.stale, st.listed = false, st.seq
	return nil
}

// standsFor is the number in the head of keyState. Where that is damaged, it is what all
// of the base stands for.
func (st *state) standsFor(text string) int64 {
	seq := st.oldest()
	head, _, _ := strings.Cut(text, "\n")
	lines(head+"\n", false, func(kind byte, f fields) {
		f.number()
		if kind == 'h' {
			if n := f.number(); !f.bad {
				seq = n
			}
		}
	}, nil)
	return seq
}

// fold takes a record in. The text of keyState is one, too. trusted is one that comes from
// memory, of this program or another.
func (st *state) fold(r Record, trusted bool) error {
	var failed error
	unreadable := func(line string) {
		if r.Seq > st.stands {
			st.torn = r.Seq
		}
		if r.Seq > st.stands && mayHoldWork(line) {
			st.unreadable = append(st.unreadable, strings.Clone(line))
		}
	}
	moved := false
	lines(r.Text, trusted, func(kind byte, f fields) {
		moved = moved || kind == 'j'
		known := st.foldRow(kind, &f, r.Seq)
		switch {
		case known:
		case kind == 'h':
			known = f.number() <= format
		case r.Seq > st.stands:
			known = st.foldValue(kind, &f) || st.foldEntity(kind, &f)
		default:
			known = strings.IndexByte(earlierKinds, kind) >= 0
		}
		if !known {
			failed = fmt.Errorf("%w: the log has a record %q", queue.ErrOutdated, kind)
		}
		if f.bad {
			unreadable(f.line)
		}
	}, unreadable)
	st.seq = max(st.seq, r.Seq)
	if moved || len(st.touched) > 0 {
		st.listed = st.seq
	}
	st.logRecords, st.logBytes = st.logRecords+1, st.logBytes+len(r.Text)
	for _, of := range st.touched {
		st.settle(of)
	}
	st.touched = st.touched[:0]
	return failed
}

// mayHoldWork reports whether a damaged line may be one of an operation or a conflict. What
// others say comes again from the server, or from the next record. Where the end of a line is
// damaged another one follows in it.
func mayHoldWork(line string) bool {
	known := len(line) > 1 && line[1] == '\t' && strings.IndexByte(harmlessKinds, line[0]) >= 0
	return line != "" && (!known || strings.Contains(line, "q\t") || strings.Contains(line, "k\t"))
}

// harmlessKinds are the lines that hold no operation and no open conflict.
const harmlessKinds = "hmofgnwrdseacxvbj"

// earlierKinds are the lines that keyState stands for once it is newer than they are.
const earlierKinds = "mofgnvueaxcqkb"

// touched is an entry that a record has changed.
type touched struct {
	*table
	*entry
}

func (st *state) touch(t *table, e *entry) {
	if !e.touched {
		e.touched = true
		st.touched = append(st.touched, touched{t, e})
	}
}

// settle brings the list and the queue up to date with an entry.
func (st *state) settle(of touched) {
	e := of.entry
	e.touched = false
	ref := queue.Ref{Type: of.schema.Type, ID: e.id}
	if e.pending != nil {
		sortBy(e.pending.Operations, queue.Operation.Compare)
		st.pending[ref] = e
	} else if len(st.pending) > 0 {
		delete(st.pending, ref)
	}
	st.count(e)
	of.relist(e)
}

// count keeps counts: an import queues thousands of operations, and each of its steps is counted.
func (st *state) count(e *entry) {
	var now queue.Counts
	if e.pending != nil {
		now = e.pending.Counts()
	}
	st.counts.Waiting += now.Waiting - e.counts.Waiting
	st.counts.Rejected += now.Rejected - e.counts.Rejected
	st.counts.Conflicts += now.Conflicts - e.counts.Conflicts
	e.counts = now
}

// foldRow takes in what a line says of rows without operations; false if it is of another kind.
func (st *state) foldRow(kind byte, f *fields, seq int64) bool {
	if strings.IndexByte("wrdsj", kind) < 0 {
		return false
	}
	t := st.tables[f.string()]
	if t == nil {
		return false // a newer program's
	}
	if kind == 'j' {
		t.foldAdded(f, seq)
		return true
	}
	if kind == 's' {
		for generation := f.number(); f.more(); {
			t.seen[f.string()] = mark{generation, seq}
		}
		return true
	}
	id, before, r := foldFields(kind, f)
	var was place
	was.sort, was.row = strings.CutPrefix(before, "=")
	is := place{seq: seq}
	if r != nil {
		is.sort, is.row = r.sort, true
	}
	if f.bad {
		return true
	}
	e := t.entry(id)
	t.move(e, was, is)
	e.row = r
	delete(t.seen, id)
	t.fresh.remove(id)
	if t.known != nil {
		t.known.add(id)
	}
	st.touch(t, e)
	return true
}

// foldFields reads the line of a row: its id, what it was listed under, and the row that
// it has now, if there is any.
func foldFields(kind byte, f *fields) (id, was string, r *row) {
	if kind == 'w' {
		was, r = f.string(), &row{generation: f.number()}
		f.bad = !r.read(f) || f.bad
		return r.id, was, r
	}
	id, was = f.string(), f.string()
	if kind == 'r' { // as it was written before there was 'w'
		sort, version, stamp, synced := f.string(), f.number(), f.string(), f.time()
		r = &row{generation: f.number()}
		var w writer
		w.row(queue.Key{Sort: sort, ID: id}, &queue.Row{Version: version, Stamp: api.Stamp(stamp), SyncedAt: synced, Document: json.RawMessage(f.string())})
		f.bad = !r.read(&fields{rest: string(w.text)}) || f.bad
	}
	return id, was, r
}

// foldValue takes in a named value, a number, an outcome or what has become of the base.
func (st *state) foldValue(kind byte, f *fields) bool {
	switch kind {
	case 'm':
		name, value := f.string(), f.string()
		switch {
		case name == queue.MetaOutcomes:
			st.outcomes = strings.Split(value, "\n")
		case name == queue.MetaDamaged && value == "":
			st.unreadable = nil
		case name != queue.MetaDamaged && !f.bad:
			st.meta[strings.Clone(name)] = strings.Clone(value) // its record may be large
		}
	case 'o':
		st.outcomes = append(st.outcomes, f.string())
		st.outcomes = st.outcomes[max(0, len(st.outcomes)-queue.MaxOutcomes):]
	case 'f':
		st.fence = max(st.fence, f.number())
	case 'g':
		st.generation = max(st.generation, f.number())
	case 'n':
		st.last = max(st.last, f.number())
	case 'b':
		if stands := f.number(); stands > st.stands {
			st.stands, st.logRecords, st.logBytes = stands, 0, 0
		}
		st.stale = true
		st.outdone = st.outdone || st.torn > 0 && st.stands >= st.torn
	case 'u':
		st.unreadable = append(st.unreadable, f.string())
	default:
		return false
	}
	return true
}

// foldEntity takes in what a line says of an entity with operations or conflicts.
func (st *state) foldEntity(kind byte, f *fields) bool {
	switch kind {
	case 'e', 'x', 'c':
		ref := queue.Ref{Type: f.string(), ID: f.string()}
		t := st.tables[ref.Type]
		if t == nil {
			return f.bad
		}
		e := t.entry(ref.ID)
		switch kind {
		case 'e':
			e.pending, e.generation = &queue.Entity{Ref: ref}, f.number()
		case 'x':
			e.pending = nil
		case 'c':
			row := &queue.Row{Version: f.number(), Stamp: api.Stamp(f.string()), SyncedAt: f.time(), Document: json.RawMessage(f.string())}
			if e.pending != nil && !f.bad {
				e.pending.Confirmed = row
			}
		}
		st.touch(t, e)
	case 'a':
		st.foldSent(f)
	case 'q':
		seq := f.number()
		o, err := queue.ParseOperation(f.string())
		o.Seq = seq
		e := st.owner(o.Ref)
		if f.bad = f.bad || err != nil || e == nil; f.bad {
			return true
		}
		// Where the line that tells the entity anew is damaged it has older ones.
		same := func(other queue.Operation) bool { return other.Seq == o.Seq }
		e.pending.Operations = append(slices.DeleteFunc(e.pending.Operations, same), o)
		st.last = max(st.last, o.Seq)
		st.noteTop(o)
	case 'k':
		c, err := queue.ParseConflict(f.string())
		e := st.owner(c.Ref)
		if f.bad = f.bad || err != nil || e == nil; f.bad {
			return true
		}
		same := func(other queue.Conflict) bool { return other.ID == c.ID }
		e.pending.Conflicts = append(slices.DeleteFunc(e.pending.Conflicts, same), c)
		delete(st.reviewed, c.ID)
	case 'v':
		c, err := queue.ParseConflict(f.string())
		if f.bad = f.bad || err != nil; !f.bad {
			st.review(c)
		}
	default:
		return false
	}
	return true
}

// foldSent notes that the first operation of an entity was sent. Where it was told in a
// damaged line, there is none of this number.
func (st *state) foldSent(f *fields) {
	t, id, seq := st.tables[f.string()], f.string(), f.number()
	if t == nil || f.bad || t.entries[id] == nil || t.entries[id].pending == nil {
		return
	}
	e := t.entries[id]
	if h := e.pending.Head(); h != nil && h.Seq == seq {
		h.State = queue.Sending
		st.touch(t, e)
	}
}

// owner returns the entry of an entity that an operation or a conflict belongs to; nil for
// a type without a schema. Where the line of the entity is damaged, the entry may have
// the same operation from before.
func (st *state) owner(ref queue.Ref) *entry {
	t := st.tables[ref.Type]
	if t == nil {
		return nil
	}
	e := t.entry(ref.ID)
	if e.pending == nil {
		e.pending = &queue.Entity{Ref: ref}
	}
	st.touch(t, e)
	return e
}

// review keeps a reviewed conflict, and drops the oldest beyond queue.MaxReviewed.
func (st *state) review(c queue.Conflict) {
	st.reviewed[c.ID] = c
	if len(st.reviewed) <= queue.MaxReviewed {
		return
	}
	all := slices.Collect(maps.Values(st.reviewed))
	sortBy(all, queue.Conflict.Compare)
	for _, old := range all[queue.MaxReviewed:] {
		delete(st.reviewed, old.ID)
	}
}

// newest is the greatest Seq in the queue, 0 if it is empty.
func (st *state) newest() int64 {
	if e := st.pending[st.top.Ref]; e != nil && slices.ContainsFunc(e.pending.Operations, func(o queue.Operation) bool { return o.Seq == st.top.Seq }) {
		return st.top.Seq
	}
	st.top = queue.Operation{}
	for _, e := range st.pending {
		for _, o := range e.pending.Operations {
			st.noteTop(o)
		}
	}
	return st.top.Seq
}

func (st *state) noteTop(o queue.Operation) {
	if o.Seq > st.top.Seq {
		st.top.Seq, st.top.Ref = o.Seq, o.Ref
	}
}

// cache holds pages of the base as they were read.
type cache struct {
	pages map[string]*cached
	clock int64
	size  int
	limit int
}

//go:noinline // for its size
func (st *state) cacheOf(key string) *cache {
	if strings.HasPrefix(key, "text/") {
		return &st.textCache
	}
	return &st.cache
}

func (st *state) trim() {
	st.cache.trim()
	st.textCache.trim()
}

type cached struct {
	text string // as long as page is nil
	page any
	size int
	used int64
}

func (c *cache) put(key, text string) {
	c.drop(key)
	c.pages[key] = &cached{text: text, size: len(text) + 64, used: c.clock}
	c.size += c.pages[key].size
}

func (c *cache) drop(key string) {
	if p := c.pages[key]; p != nil {
		c.size -= p.size
		delete(c.pages, key)
	}
}

// trim drops half of what it holds, that which was not used for longest, when that takes
// more memory than its limit.
func (c *cache) trim() {
	c.clock++
	if c.size <= c.limit {
		return
	}
	keys := slices.Collect(maps.Keys(c.pages))
	sortBy(keys, func(a, b string) int { return cmp.Or(cmp.Compare(c.pages[a].used, c.pages[b].used), cmp.Compare(a, b)) })
	for _, key := range keys {
		if c.size <= c.limit/2 {
			return
		}
		c.drop(key)
	}
}

// page returns a page of the base, or notes that it is missing.
func page[P any](st *state, l leaf, key string, parse func(string, int) *P) (*P, bool) {
	if l.number == 0 {
		return parse("", 0), true
	}
	c := st.cached(key)
	if c == nil {
		return nil, false
	}
	if c.page == nil {
		st.parsed(key, c, parse(c.text, l.rows))
	}
	return c.page.(*P), true
}

// cached returns what the cache has of a page, or notes that it is missing.
func (st *state) cached(key string) *cached {
	of := st.cacheOf(key)
	c := of.pages[key]
	switch {
	case c != nil:
		c.used = of.clock
	case !slices.Contains(st.missing, key):
		st.missing = append(st.missing, key)
	}
	return c
}

// parsed keeps a page in place of its text.
func (st *state) parsed(key string, c *cached, page any) {
	more := c.size // about
	if texts, ok := page.(*textPage); ok {
		more = cap(texts.rows) * int(unsafe.Sizeof(textSpot{}))
	}
	st.cacheOf(key).size += more
	c.page, c.text, c.size = page, "", c.size+more
}

// leaf returns the leaf of the list with an index.
func (st *state) leaf(t *table, i int) (*leafPage, bool) {
	l := &t.list.leaves[i]
	if l.kept != nil {
		return l.kept, true
	}
	p, ok := page(st, *l, t.list.key(l.number), parseLeaf)
	if !ok {
		return nil, false
	}
	t.clip(i, p)
	if l.verified = true; !p.whole {
		st.keep(t, i, p)
	}
	return p, true
}

// clip takes out the rows of a leaf that do not lie in its range.
func (t *table) clip(i int, p *leafPage) {
	from, end := 0, len(p.rows)
	for ; from < end && p.rows[from].key().Compare(*t.first(i)) < 0; from++ {
	}
	for next := t.first(i + 1); next != nil && end > from && p.rows[end-1].key().Compare(*next) >= 0; end-- {
	}
	p.whole = p.whole && end-from == len(p.rows)
	p.rows = p.rows[from:end]
}

// keep has the rows of a leaf counted by what was read of it, until it is written anew.
func (st *state) keep(t *table, i int, p *leafPage) {
	if l := &t.list.leaves[i]; l.kept == nil {
		l.kept, l.verified, t.ahead, t.selection, st.again = p, false, nil, nil, true
	}
}

// unchanged are the rows of a leaf that no entry hides. Whatever was damaged, a page, a directory,
// the ids or the log, it shows here if they are not as many as were counted.
func (st *state) unchanged(t *table, i int) ([]item, bool) {
	p, ok := st.leaf(t, i)
	if !ok {
		return nil, false
	}
	rows := t.unhidden(p)
	if len(rows) != t.stored(i) {
		st.keep(t, i, p)
	}
	return rows, true
}

// items are the visible rows in the range of a leaf.
func (st *state) items(t *table, i int) ([]item, bool) {
	rows, ok := st.unchanged(t, i)
	if !ok {
		return nil, false
	}
	over := t.visible().between(t.first(i), t.first(i+1))
	shown := make([]item, 0, len(over))
	for _, s := range over {
		shown = append(shown, item{key: s.key, shown: s})
	}
	return merge(rows, shown, func(a, b item) int { return a.key.Compare(b.key) }), true
}

// idsPages are the pages of a range of ids.
func (st *state) idsPages(t *table, i int) (pages []*idsPage, ok bool) {
	l := t.ids.leaves[i]
	ok = true
	for _, number := range l.numbers() {
		p, there := page(st, leaf{number: number}, t.ids.key(number), parseIDs)
		pages, ok = append(pages, p), ok && there
	}
	return pages, ok
}

func (st *state) textPage(t *table, i int) (*textPage, bool) {
	l := t.list.leaves[i]
	return page(st, l, t.textKey(l.number), parseText)
}

// textKey names the text of a leaf.
func (t *table) textKey(number int64) string { return "text" + t.list.key(number)[len("list"):] }
