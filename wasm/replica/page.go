package replica

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// format is the number that every stored text begins with. A program that meets a greater
// one, or a line that it does not know, leaves everything as it is: queue.ErrOutdated.
const format = 1

const minLine = 16 // bytes

// row is a confirmed row without operations and open conflicts.
type row struct {
	id, sort   string
	version    int64
	stamp      string
	synced     time.Time
	generation int64 // kept with the ids, not in a leaf
	document   string
}

// leafPage is a part of the rows of a type, in the order of the list.
type leafPage struct {
	rows  []leafRow
	whole bool // nothing of it is damaged
}

// leafRow is a row as its line has it.
type leafRow struct {
	id, sort string
	line     string
}

func (r leafRow) key() queue.Key { return queue.Key{Sort: r.sort, ID: r.id} }

func writeLeafRow(w *writer, r *row) {
	w.start('r').string(r.id).string(r.sort).number(r.version).string(r.stamp).time(r.synced).string(r.document).end()
}

// row reads the whole row; nil if its line makes none.
func (r leafRow) row() *row {
	f := fields{rest: r.line[1:]}
	out := &row{id: f.string(), sort: f.string(), version: f.number(), stamp: f.string(), synced: f.time(), document: f.string()}
	if f.bad {
		return nil
	}
	return out
}

func parseLeaf(text string, rows int) *leafPage {
	p := &leafPage{whole: true, rows: make([]leafRow, 0, min(rows, len(text)/minLine))}
	lines(text, false, func(kind byte, f fields) {
		r := leafRow{line: f.line, id: f.string(), sort: f.string()}
		if kind != 'r' || f.bad || r.row() == nil {
			p.whole = false
			return
		}
		p.rows = append(p.rows, r)
	}, func(string) { p.whole = false })
	byKey := func(a, b leafRow) int { return a.key().Compare(b.key()) }
	if !slices.IsSortedFunc(p.rows, byKey) {
		sortBy(p.rows, byKey)
		p.whole = false
	}
	p.rows = slices.CompactFunc(p.rows, func(a, b leafRow) bool { return a.key() == b.key() })
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
}

func (r idRow) key() queue.Key { return queue.Key{Sort: r.sort, ID: r.id} }

func writeIDRow(w *writer, r idRow) {
	w.start('i').string(r.id).string(r.sort).number(r.version).string(strconv.FormatUint(r.hash, 16)).number(r.generation).end()
}

func parseIDs(text string, rows int) *idsPage {
	p := &idsPage{rows: make([]idRow, 0, min(rows, len(text)/minLine))}
	lines(text, false, func(kind byte, f fields) {
		r := idRow{id: f.string(), sort: f.string(), version: f.number()}
		hash, err := strconv.ParseUint(f.raw(), 16, 64)
		r.hash, r.generation = hash, f.number()
		if kind == 'i' && err == nil && !f.bad {
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

// textPage is what a search looks in of the rows of a leaf, in their order.
type textPage struct{ rows []textRow }

type textRow struct{ id, search string }

func writeText(w *writer, id, search string) { w.start('t').string(id).string(search).end() }

func parseText(text string, rows int) *textPage {
	p := &textPage{rows: make([]textRow, 0, min(rows, len(text)/minLine))}
	lines(text, false, func(kind byte, f fields) {
		r := textRow{id: f.string(), search: f.string()}
		if kind == 't' && !f.bad {
			p.rows = append(p.rows, r)
		}
	}, nil)
	return p
}
