package replica

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// value returns a named value, "" for none.
func (st *state) value(name string) string {
	switch name {
	case queue.MetaOutcomes:
		return strings.Join(st.outcomes, "\n")
	case queue.MetaLastOutcome:
		if len(st.outcomes) == 0 {
			return ""
		}
		return st.outcomes[len(st.outcomes)-1]
	case queue.MetaDamaged:
		return strings.Join(st.unreadable, "\n")
	}
	return st.meta[name]
}

// Meta implements sync.Store.
func (s *Store) Meta(ctx context.Context, names ...string) (out map[string]string, err error) {
	err = s.read(ctx, func(st *state) error {
		out = make(map[string]string, len(names))
		for _, name := range names {
			out[name] = st.value(name)
		}
		return nil
	})
	return out, err
}

// Entity implements queue.Store.
func (s *Store) Entity(ctx context.Context, ref queue.Ref) (e queue.Entity, err error) {
	e.Ref = ref
	if _, ok := s.schemas[ref.Type]; !ok {
		return e, nil
	}
	err = s.read(ctx, func(st *state) error {
		k := st.find(ref)
		e = k.Entity
		return nil
	})
	return e, err
}

// Due implements queue.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (due queue.Due, err error) {
	err = s.read(ctx, func(st *state) error {
		due = queue.Due{}
		for _, e := range st.pending {
			at, ok := e.pending.ReadyAt()
			switch {
			case !ok:
			case !at.After(now):
				due.Operations = append(due.Operations, *e.pending.Head())
			case due.Next.IsZero() || at.Before(due.Next):
				due.Next = at
			}
		}
		due.Operations = first(due.Operations, limit)
		return nil
	})
	return due, err
}

// Operations implements queue.Store.
func (s *Store) Operations(ctx context.Context, after int64, limit int) ([]queue.Operation, error) {
	return s.operations(ctx, limit, func(o queue.Operation) bool { return o.Seq > after })
}

// Rejected implements queue.Store.
func (s *Store) Rejected(ctx context.Context, entityType string, limit int) ([]queue.Operation, error) {
	return s.operations(ctx, limit, func(o queue.Operation) bool {
		return o.State == queue.Rejected && o.Ref.Type == entityType
	})
}

func (s *Store) operations(ctx context.Context, limit int, wanted func(queue.Operation) bool) (out []queue.Operation, err error) {
	err = s.read(ctx, func(st *state) error {
		out = nil
		for _, e := range st.pending {
			for _, o := range e.pending.Operations {
				if wanted(o) {
					out = append(out, o)
				}
			}
		}
		out = first(out, limit)
		return nil
	})
	return out, err
}

// first returns copies of the first operations by Seq, up to limit.
func first(operations []queue.Operation, limit int) []queue.Operation {
	sortBy(operations, queue.Operation.Compare)
	operations = operations[:min(len(operations), max(limit, 0))]
	for i := range operations {
		operations[i] = operations[i].Clone()
	}
	return operations
}

// Conflicts implements queue.Store.
func (s *Store) Conflicts(ctx context.Context, limit int) (out []queue.Conflict, err error) {
	err = s.read(ctx, func(st *state) error {
		out = nil
		for _, c := range st.reviewed {
			out = append(out, c)
		}
		for _, e := range st.pending {
			out = append(out, e.pending.Conflicts...)
		}
		sortBy(out, queue.Conflict.Compare)
		out = out[:min(len(out), max(limit, 0))]
		for i := range out {
			out[i] = out[i].Clone()
		}
		return nil
	})
	return out, err
}

// Counts implements queue.Store.
func (s *Store) Counts(ctx context.Context) (c queue.Counts, err error) {
	err = s.read(ctx, func(st *state) error {
		c = st.counts
		for _, t := range st.tables {
			c.Rows += t.total()
		}
		return nil
	})
	return c, err
}

// Rows implements repository.Store.
func (s *Store) Rows(ctx context.Context, w repository.Window) (out repository.Rows, err error) {
	if _, ok := s.schemas[w.Type]; !ok {
		return repository.Rows{}, nil
	}
	if selection, special := w.Selection(s.schemas[w.Type]); special {
		return s.selected(ctx, w, selection)
	}
	if w.Search != "" {
		return s.search(ctx, w)
	}
	err = s.read(ctx, func(st *state) error {
		t := st.tables[w.Type]
		out = repository.Rows{Total: t.total(), Views: []queue.View{}, Keys: []queue.Key{}}
		from := max(w.Skip, 0)
		if w.From != (queue.Key{}) {
			i := t.list.at(w.From)
			items, ok := st.items(t, i)
			if !ok {
				return nil
			}
			at, _ := slices.BinarySearchFunc(items, w.From, func(it item, key queue.Key) int { return it.key.Compare(key) })
			from += t.before(i) + at
		}
		out.First = min(from, out.Total)
		st.window(t, from, min(max(w.Limit, 0), out.Total-from), &out)
		return nil
	})
	return out.Whole(), err
}

// window appends the rows from one place in the list on.
func (st *state) window(t *table, from, limit int, out *repository.Rows) {
	if limit <= 0 {
		return
	}
	i := t.leafWith(from)
	for skip := from - t.before(i); i < len(t.list.leaves) && limit > 0; i++ {
		next := t.before(i+1) - t.before(i)
		items, ok := st.items(t, i)
		if !ok {
			limit, skip = limit-(next-skip), 0 // those of the next leaves are missing, too
			continue
		}
		items = items[min(skip, len(items)):]
		items = items[:min(limit, len(items))]
		for _, it := range items {
			out.Views, out.Keys = append(out.Views, it.view(t.schema.Type)), append(out.Keys, it.key)
		}
		limit, skip = limit-len(items), 0
	}
}

// leafWith returns the index of the leaf with the row at a place in the list.
func (t *table) leafWith(place int) int {
	low, high := 0, len(t.list.leaves)
	for high-low > 1 {
		if middle := (low + high) / 2; t.before(middle) <= place {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// searchParts is how many times Bounds.PartPages texts a transaction of a search reads: a
// text is a tenth of its leaf.
const searchParts = 4

// search reads the texts of all leaves, part by part, and the rows it finds.
func (s *Store) search(ctx context.Context, w repository.Window) (repository.Rows, error) {
	none := repository.Rows{Views: []queue.View{}, Keys: []queue.Key{}}
	var q, next query
	err := s.inTurn(ctx, reading{
		begin: func() {
			q = query{Window: w, words: w.Words(), stored: storedWords(w), skip: max(w.Skip, 0), out: none}
		},
		run: func(st *state) bool {
			next = q
			return next.run(st)
		},
		keep: func() { q = next },
	})
	if err != nil {
		return repository.Rows{}, err
	}
	return q.out.Whole(), nil
}

// partsAtOnce is how many parts a transaction of a search reads: others that write wait for its end, and
// it for theirs.
const partsAtOnce = 4

// tries is how often a read in several transactions begins anew because of a write in
// between. A list that changes all the time is then read as it is.
const tries = 3

// inTurn is inParts for what reads the texts. One at a time does: the next one finds in memory what
// the one before it has read, where both would read it otherwise.
func (s *Store) inTurn(waiting context.Context, r reading) error {
	s.turn <- struct{}{} // who holds it and is not waited for any more gives it back soon
	defer func() { <-s.turn }()
	r.atOnce = partsAtOnce
	return s.inParts(waiting, r)
}

// reading is what is read part by part.
type reading struct {
	begin  func()
	run    func(*state) (more bool) // reads the next part
	keep   func()                   // what run has read: it was all there
	atOnce int                      // parts in a transaction
}

// inParts reads part by part, until there is no more. It gives up between parts when nobody waits for it
// any more: a transaction that is cut off costs the next reader more.
func (s *Store) inParts(waiting context.Context, r reading) error {
	ctx := context.WithoutCancel(waiting)
	for try := 1; ; try++ {
		var seq int64 // of what the parts were read from
		moved := false
		r.begin()
		for begun, more := false, true; more && !moved; {
			if waiting.Err() != nil {
				return context.Cause(waiting)
			}
			left := r.atOnce
			err := s.read(ctx, func(st *state) error {
				for ; more && left > 0 && waiting.Err() == nil; left-- {
					if moved = begun && st.listed != seq && try < tries; moved {
						return nil
					}
					if more = r.run(st); len(st.missing) > 0 || st.again {
						more = true
						return nil // it is called once more
					}
					r.keep()
					seq, begun = st.listed, true
					st.trim()
				}
				return nil
			})
			if err != nil {
				return err
			}
			sync.ReportProgress(ctx)
		}
		if !moved {
			return nil
		}
	}
}

// storedWords are the words of a search as lines have them.
func storedWords(w repository.Window) []string {
	words := w.Words()
	for i, word := range words {
		words[i] = string(appendField(nil, word))
	}
	return words
}

// query is how far a search is.
type query struct {
	repository.Window
	words  []string
	stored []string // the words as lines have them
	leaf   int
	skip   int
	found  int
	hits   []int // rows of a leaf
	out    repository.Rows
}

// run looks through the next leaves; it is false at the end.
func (q *query) run(st *state) (more bool) {
	t := st.tables[q.Type]
	end := min(q.leaf+searchParts*st.bounds.PartPages, len(t.list.leaves))
	for i := q.leaf; i < end; i++ {
		texts, ok := st.texts(t, i)
		if !ok {
			continue
		}
		q.hits = q.hits[:0]
		if repository.HasAll(texts.text, q.stored) {
			for n := range texts.rows {
				if repository.HasAll(texts.search(n), q.words) && (len(t.entries) == 0 || t.entries[texts.id(n)] == nil) {
					q.hits = append(q.hits, n)
				}
			}
		}
		q.collect(st, t, i, texts)
	}
	q.leaf = end
	more = end < len(t.list.leaves)
	q.out.Partial = more && q.Early && q.found == q.Limit
	return more && !q.out.Partial
}

// texts are those of a leaf. Where they are damaged they are made of its rows.
func (st *state) texts(t *table, i int) (*textPage, bool) {
	p, ok := st.textPage(t, i)
	if l := t.list.leaves[i]; !ok || (len(p.rows) == l.rows && l.kept == nil) {
		return p, ok
	}
	leaf, ok := st.leaf(t, i)
	if !ok {
		return nil, false
	}
	var w writer
	for n := range leaf.rows {
		writeText(&w, textOf(t.schema, &leaf.rows[n]))
	}
	return parseText(string(w.text), len(leaf.rows)), true
}

// collect adds what was found in the range of a leaf.
func (q *query) collect(st *state, t *table, i int, texts *textPage) {
	over := slices.Clone(t.visible().between(t.first(i), t.first(i+1)))
	over = slices.DeleteFunc(over, func(s *shown) bool { return !repository.HasAll(s.text(t.schema).search, q.words) })
	n := len(q.hits) + len(over)
	q.out.Total += n
	if n == 0 || q.found >= q.Limit {
		return
	}
	items, ok := st.items(t, i)
	if !ok {
		return
	}
	wanted := map[string]bool{}
	for _, n := range q.hits {
		wanted[texts.id(n)] = true
	}
	for _, s := range over {
		wanted[s.key.ID] = true
	}
	for _, it := range items {
		switch {
		case !wanted[it.key.ID]:
		case it.key.Compare(q.From) < 0:
			q.out.First++
		case q.skip > 0:
			q.skip--
			q.out.First++
		case q.found < q.Limit:
			q.found++
			q.out.Views, q.out.Keys = append(q.out.Views, it.view(t.schema.Type)), append(q.out.Keys, it.key)
		}
	}
}
