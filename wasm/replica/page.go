package replica

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// format is the number that every stored text begins with. A program that meets a greater
// one, or a line that it does not know, leaves everything as it is: queue.ErrOutdated.
const format = 1

const minLine = 16 // bytes

// row is a confirmed row without operations and open conflicts. Most are never shown, so what
// a list is not made of stays text.
type row struct {
	id, sort   string
	version    int64
	generation int64  // kept with the ids, not in a leaf
	text       string // the fields of its line in a leaf: id sort version stamp synced document
	rest, last int    // where those behind the version begin, and the last
	content    uint64 // hash of the document; 0 is not known
}

func (r *row) key() queue.Key { return queue.Key{Sort: r.sort, ID: r.id} }

// read takes the fields of a row in; false if they are none.
func (r *row) read(f *fields) bool {
	r.text = f.rest
	r.id, r.sort, r.version = f.string(), f.string(), f.number()
	r.rest = len(r.text) - len(f.rest)
	f.raw() // stamp
	f.raw() // synced
	r.last = len(r.text) - len(f.rest)
	f.raw()
	return !f.bad && f.rest == ""
}

// row writes the fields of a row.
func (w *writer) row(key queue.Key, row *queue.Row) *writer {
	return w.string(key.ID).string(key.Sort).number(row.Version).string(string(row.Stamp)).time(row.SyncedAt).bytes(row.Document)
}

func (r *row) stamp() string {
	f := fields{rest: r.text[r.rest:]}
	return f.string()
}

func (r *row) synced() time.Time {
	f := fields{rest: r.text[r.rest:]}
	f.raw()
	return f.time()
}

func (r *row) document() string {
	f := fields{rest: r.text[r.last:]}
	return f.string()
}

func (r *row) hash() uint64 {
	if r.content == 0 {
		r.content = api.ContentHash([]byte(r.document()))
	}
	return r.content
}

func (r *row) view(entityType string) queue.View {
	return queue.View{
		Ref: queue.Ref{Type: entityType, ID: r.id}, Document: json.RawMessage(r.document()), Version: r.version, SyncedAt: r.synced(),
	}
}

func (r *row) confirmed() *queue.Row {
	return &queue.Row{Version: r.version, Stamp: api.Stamp(r.stamp()), Document: json.RawMessage(r.document()), SyncedAt: r.synced()}
}

// leafPage is a part of the rows of a type, in the order of the list.
type leafPage struct {
	rows  []row
	whole bool // nothing of it is damaged
}

// find returns the row with an id, which is at a place unless something was damaged; then it may
// be one without fields.
func (p *leafPage) find(id string, place int) *row {
	if place < len(p.rows) && p.rows[place].id == id {
		return &p.rows[place]
	}
	for n := range p.rows {
		if p.rows[n].id == id {
			return &p.rows[n]
		}
	}
	return &row{}
}

func writeLeafRow(w *writer, r *row) {
	w.start('r')
	w.text = append(w.text, r.text...)
	w.end()
}

func parseLeaf(text string, rows int) *leafPage {
	p := &leafPage{whole: true, rows: make([]row, 0, min(rows, len(text)/minLine))}
	lines(text, false, func(kind byte, f fields) {
		var r row
		if kind != 'r' || !r.read(&f) {
			p.whole = false
			return
		}
		p.rows = append(p.rows, r)
	}, func(string) { p.whole = false })
	byKey := func(a, b row) int { return a.key().Compare(b.key()) }
	if !slices.IsSortedFunc(p.rows, byKey) {
		sortBy(p.rows, byKey)
		p.whole = false
	}
	p.rows = slices.CompactFunc(p.rows, func(a, b row) bool { return a.id == b.id && a.sort == b.sort })
	p.whole = p.whole && len(p.rows) == rows
	return p
}

// idsPage is a part of the rows of a type in the order of their ids, by which a row is
// found in the list.
type idsPage struct {
	rows []idRow
}

// idRow is what is known of a row without its leaf.
type idRow struct {
	id         string
	sort       string
	version    int64
	hash       uint64 // of the document
	generation int64
	line       string // as it was read
}

func (r idRow) key() queue.Key { return queue.Key{Sort: r.sort, ID: r.id} }

func writeIDRow(w *writer, r idRow) {
	if r.line != "" {
		w.copy(r.line)
		return
	}
	w.start('i').string(r.id).string(r.sort).number(r.version)
	w.text = strconv.AppendUint(append(w.text, '\t'), r.hash, 16)
	w.number(r.generation).end()
}

func parseIDs(text string, _ int) *idsPage {
	p := &idsPage{rows: make([]idRow, 0, strings.Count(text, "\n"))}
	lines(text, false, func(kind byte, f fields) {
		r := idRow{line: f.line, id: f.string(), sort: f.string(), version: f.number()}
		hash, err := strconv.ParseUint(f.raw(), 16, 64)
		r.hash, r.generation = hash, f.number()
		// One id is one row: what a damaged leaf has beside it disagrees, and is repaired.
		again := len(p.rows) > 0 && p.rows[len(p.rows)-1].id == r.id
		if kind == 'i' && err == nil && !f.bad && !again {
			p.rows = append(p.rows, r)
		}
	}, nil)
	if byID := func(a, b idRow) int { return strings.Compare(a.id, b.id) }; !slices.IsSortedFunc(p.rows, byID) {
		sortBy(p.rows, byID)
	}
	return p
}

func (p *idsPage) find(id string) (idRow, bool) {
	i, ok := slices.BinarySearchFunc(p.rows, id, func(r idRow, id string) int { return strings.Compare(r.id, id) })
	if !ok {
		return idRow{}, false
	}
	return p.rows[i], true
}

// textPage is what a search looks in of the rows of a leaf, in their order. It stays text, and it is
// known where the fields are: a search looks through all rows with each letter.
type textPage struct {
	text    string
	rows    []textSpot // whole ones
	dated   bool       // all of them
	escaped bool       // some field may be
}

// textSpot is where the fields of a row begin in its page; each ends before what separates it from
// the next.
type textSpot struct {
	id, search, changed, end int32 // changed is 0 if the row lacks it
}

// textRow is what a search looks in of a row, and when the row was changed; earlier versions did
// not write that.
type textRow struct {
	id, search, changed string
	dated               bool
}

type textRows []textRow

func writeText(w *writer, r textRow) {
	w.start('t').string(r.id).string(r.search).string(r.changed).end()
}

func parseText(text string, rows int) *textPage {
	p := &textPage{text: text, rows: make([]textSpot, 0, min(rows, len(text)/minLine)), dated: true}
	p.escaped = strings.IndexByte(text, escape) >= 0
	lines(text, false, func(kind byte, f fields) {
		at := func() int32 { return int32(f.at + len(f.line) - len(f.rest) + 1) }
		s := textSpot{end: int32(f.at + len(f.line) + 1)}
		s.id = at()
		f.raw()
		s.search = at()
		f.raw()
		if kind != 't' || f.bad {
			return
		}
		if f.more() {
			s.changed = at()
			f.raw()
			s.end = at()
		}
		p.rows, p.dated = append(p.rows, s), p.dated && s.changed > 0
	}, nil)
	return p
}

//go:noinline // for its size
func (p *textPage) field(from, next int32) string {
	s := p.text[from : next-1]
	if p.escaped {
		return unescape(s)
	}
	return s
}

func (p *textPage) id(n int) string { return p.field(p.rows[n].id, p.rows[n].search) }

func (p *textPage) search(n int) string {
	r := &p.rows[n]
	if r.changed > 0 {
		return p.field(r.search, r.changed)
	}
	return p.field(r.search, r.end)
}

//go:noinline // for its size
func (p *textPage) row(n int) textRow {
	r := textRow{id: p.id(n), search: p.search(n)}
	if of := p.rows[n]; of.changed > 0 {
		r.changed, r.dated = p.field(of.changed, of.end), true
	}
	return r
}

func (p *textPage) all() textRows {
	all := make(textRows, len(p.rows))
	for n := range all {
		all[n] = p.row(n)
	}
	return all
}

// of returns the text of a row, which is at a place unless something was damaged.
func (all textRows) of(id string, place int) textRow {
	if place < len(all) && all[place].id == id {
		return all[place]
	}
	for _, r := range all {
		if r.id == id {
			return r
		}
	}
	return textRow{id: id}
}

// textOf makes the text of a row.
func textOf(schema queue.Schema, r *row) textRow {
	document := json.RawMessage(r.document())
	_, search := schema.Index(document)
	return textRow{id: r.id, search: search, changed: schema.ChangedAt(nil, document), dated: true}
}
