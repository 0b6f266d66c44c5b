package replica

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Bounds say when the log goes into the base, and how much a transaction takes. What a
// replica keeps in memory, and a new one has to read, is bounded by the log. Rows are
// rewritten that are not changed, so more of the log at a time is less work in all.
type Bounds struct {
	LogRows    int // that may have changed, if they are fewer than half of the rows
	LogRecords int
	LogBytes   int
	StepPages  int // that a step of compaction replaces
	PartPages  int // that a transaction of Sweep, Digest, Repair and Reindex reads
	LeafRows   int // in a leaf that is new; it may grow and shrink by half
	LeafBytes  int // of such a leaf
}

// DefaultBounds are those that were measured to be fast.
var DefaultBounds = Bounds{
	LogRows: 16_000, LogRecords: 1000, LogBytes: 8 << 20, StepPages: 64, PartPages: 32, LeafRows: 128, LeafBytes: 48 << 10,
}

// due reports whether a part of what the bounds allow has come together in the log, or a leaf
// is to be written anew.
func (st *state) due(part int) bool {
	most := st.bounds
	changed, rows, fresh := 0, 0, 0
	for _, t := range st.tables {
		changed, rows, fresh = changed+t.changed+len(t.seen), rows+t.list.rows(), fresh+t.fresh.count()
		if slices.ContainsFunc(t.list.leaves, func(l leaf) bool { return l.kept != nil }) {
			return true
		}
	}
	return changed*part >= max(most.LogRows, rows/2) || fresh*part >= freshFactor*most.LogRows || st.logRecords*part >= most.LogRecords || st.logBytes*part >= most.LogBytes
}

// freshFactor is how many more rows the ids may lack than the log may have: they take less memory.
const freshFactor = 2

// compactIfDue does a step, or some when the log grows faster than that. What fails, as it
// may on a full disk, is left for the next time: nobody has lost anything by it.
func (s *Store) compactIfDue(ctx context.Context) {
	for more, done := true, 0; more; done++ {
		s.mu.Lock()
		due := s.state != nil && s.state.due(1) && done <= 4*(s.state.logBytes/s.state.bounds.LogBytes)
		s.mu.Unlock()
		if !due {
			return
		}
		var err error
		if more, err = s.Compact(ctx); err != nil {
			return
		}
		sync.ReportProgress(ctx)
	}
}

// When nothing else is to be done, an eighth of what the bounds allow is enough, and steps are
// short: whoever comes meanwhile waits for one.
const (
	tidyPart  = 8
	tidySteps = 4 // that take the place of one
)

// Tidy implements sync.Store: it moves the log into the base, so that the next start reads a
// short one, and gives the ids what they lack, so that nobody looks for it in leaves.
func (s *Store) Tidy(ctx context.Context) (more bool, err error) {
	s.mu.Lock()
	lack := s.state != nil && s.state.lackIDs()
	due := s.state != nil && (lack || s.state.due(tidyPart) || s.state.scattered() || s.state.plan.until > s.state.oldest())
	s.mu.Unlock()
	if !due {
		return false, nil
	}
	return s.compact(ctx, step{pages: max(1, s.options.Bounds.StepPages/tidySteps), gather: !lack})
}

// step says what a step of compaction does at most.
type step struct {
	pages  int  // that it replaces
	gather bool // pages of one range of ids, too, where nothing else has changed
}

// Compact takes a step of moving the log into the base, in one transaction, and reports
// whether there is more to move.
func (s *Store) Compact(ctx context.Context) (more bool, err error) {
	return s.compact(ctx, step{pages: s.options.Bounds.StepPages})
}

func (s *Store) compact(ctx context.Context, of step) (more bool, err error) {
	err = s.write(ctx, txn{relaxed: true, base: true}, func(b *batch) error {
		more = b.compact(of)
		return nil
	})
	if err != nil || more {
		return more, err
	}
	if err := s.removeOrphans(ctx); err != nil {
		return false, err
	}
	return false, s.restoreReserve(ctx)
}

// plan is what the log changes of the base, up to a number: a round of steps.
type plan struct {
	until int64
	dirty map[string]map[int64]bool // numbers of pages, by the names of their trees
}

// nextPlan goes on with the round, or begins one when all pages stand for it.
func (st *state) nextPlan(gather bool) plan {
	if st.plan.until > st.oldest() {
		return st.plan
	}
	p := plan{st.seq, map[string]map[int64]bool{}}
	for _, t := range st.tables {
		p.dirty[t.list.name], p.dirty[t.ids.name] = t.dirty(&t.list, &t.ids)
		for _, l := range t.ids.leaves {
			if gather && len(l.more) > 0 {
				p.dirty[t.ids.name][l.number] = true
			}
		}
	}
	return p
}

// scattered reports whether ids of one range are in several pages.
func (st *state) scattered() bool {
	for _, t := range st.tables {
		for i := range t.ids.leaves {
			if len(t.ids.leaves[i].more) > 0 {
				return true
			}
		}
	}
	return false
}

// dirty returns which pages of directories the log changes.
func (t *table) dirty(list, ids *tree) (ofList, ofIDs map[int64]bool) {
	ofList, ofIDs = list.dirty(t.places.all(byList)), t.changedIDs(ids)
	for i := range ids.leaves {
		if l := ids.leaves[i]; !ofIDs[l.number] && len(t.lacking(ids, i)) > 0 {
			ofIDs[l.number] = true
		}
	}
	return ofList, ofIDs
}

// changedIDs returns the pages of ids that have rows which the log changes.
func (t *table) changedIDs(ids *tree) map[int64]bool {
	changed := ids.dirty(t.byID.all(byID))
	for id, m := range t.seen {
		if l := ids.leaves[ids.at(queue.Key{ID: id})]; l.seq < m.seq {
			changed[l.number] = true
		}
	}
	return changed
}

// dirty returns the pages in whose range the log has changed something since.
func (t *tree) dirty(spots []spot) map[int64]bool {
	dirty := map[int64]bool{}
	for i, l := range t.leaves {
		var over []spot
		over, spots = t.over(i, spots)
		if slices.ContainsFunc(over, func(s spot) bool { return s.changed() > l.seq }) {
			dirty[l.number] = true
		}
	}
	return dirty
}

// compact writes pages anew that the log changes, those first that were not for longest, up
// to a number of them. The others stand for all of the plan without that. A round of steps
// ends when all pages stand for what the log had at its beginning: what comes meanwhile is
// left for the next round, or there would be no end. The last step writes keyState.
func (b *batch) compact(of step) (more bool) {
	for _, t := range b.tables {
		b.readFresh(t)
	}
	if len(b.missing) > 0 {
		return true
	}
	until := b.state.seq
	plan := b.nextPlan(of.gather)
	trees := map[string]*tree{}
	oldest := until
	for _, r := range b.rewritings(of.gather) {
		next := r.run(until, plan, &of.pages)
		if len(b.missing) == 0 {
			oldest = min(oldest, next.oldest())
			trees[next.name] = &next
		}
	}
	if len(b.missing) > 0 {
		return true
	}
	stands := b.stands
	if more = oldest < plan.until; !more {
		stands, oldest = until, b.finish(trees, until)
		text := b.encodeState()
		b.put(keyState, text)
		b.put(keyTwin, text)
	}
	for name, next := range trees {
		b.put(name, next.encode())
	}
	b.extra.Trim = min(stands, oldest)
	b.w.start('b').number(stands).end()
	b.install = func(st *state) {
		for _, key := range b.extra.Delete {
			st.cacheOf(key).drop(key)
		}
		st.plan = plan
		st.rebase(trees)
	}
	return more
}

// finish has the pages stand for the log until now that it has not changed since the plan. It
// returns what all of them stand for.
func (b *batch) finish(trees map[string]*tree, until int64) (oldest int64) {
	oldest = until
	for _, t := range b.tables {
		list, ids := trees[t.list.name], trees[t.ids.name]
		ofList, ofIDs := t.dirty(list, ids)
		for _, of := range []struct {
			*tree
			dirty map[int64]bool
		}{{list, ofList}, {ids, ofIDs}} {
			for i := range of.leaves {
				if l := &of.leaves[i]; !of.dirty[l.number] {
					l.seq = until
				}
			}
			oldest = min(oldest, of.oldest())
		}
	}
	return oldest
}

// oldest is the number of the log up to which all of the base has it.
func (st *state) oldest() int64 {
	seq := int64(math.MaxInt64)
	for _, t := range st.tables {
		seq = min(seq, t.list.oldest(), t.ids.oldest())
	}
	return seq
}

// rewritings are those of all trees. The one that has gone without for longest comes first.
func (b *batch) rewritings(gather bool) []*rewriting {
	var all []*rewriting
	for _, name := range slices.Sorted(maps.Keys(b.tables)) {
		t := b.tables[name]
		all = append(all,
			&rewriting{batch: b, old: &t.list, pages: &leafWriter{batch: b, table: t}, size: b.bounds.LeafRows, spared: t.fresh.numbers()},
			&rewriting{batch: b, old: &t.ids, pages: &idsWriter{batch: b, table: t, gathers: gather, changed: t.changedIDs(&t.ids)}, size: idsFactor * b.bounds.LeafRows})
	}
	sortBy(all, func(a, b *rewriting) int { return cmp.Compare(a.old.oldest(), b.old.oldest()) })
	return all
}

// rebase takes in what compact has written.
func (st *state) rebase(trees map[string]*tree) {
	st.stale, st.listed = false, st.seq
	for _, t := range st.tables {
		t.list, t.ids = *trees[t.list.name], *trees[t.ids.name]
		t.rebase()
	}
}

// rewriting makes a new directory of an old one.
type rewriting struct {
	*batch
	old    *tree
	pages  pageWriter
	size   int            // of a page, in rows
	rows   int            // gathered
	spared map[int64]bool // numbers of pages that stay: the ids are to be made of them
}

// pageWriter writes pages of rows.
type pageWriter interface {
	// gather collects the rows in the range of some old pages, and returns how many.
	gather(from, to int) int
	// write writes them into new pages, of which the first begins with this key.
	write(next *tree, first queue.Key, seq int64)
	// extends reports whether a page need not be replaced: extend adds another one to its range,
	// of the rows that are new.
	extends(i int) bool
	extend(next *tree, i int, seq int64) leaf
	// forget names what is stored of an old page.
	forget(l leaf) []string
}

// run replaces dirty pages that do not stand for the plan, as many as are left to be
// replaced, by such that stand for the log until now. All but those that remain dirty stand
// for the plan.
func (r *rewriting) run(until int64, p plan, left *int) tree {
	next := tree{name: r.old.name, compare: r.old.compare, next: r.old.next}
	chosen := r.choose(p, left)
	for i := 0; i < len(r.old.leaves); {
		if !chosen[i] {
			l := r.old.leaves[i]
			if !r.dirty(p, l) {
				l.seq = max(l.seq, p.until)
			} else if r.pages.extends(i) {
				l = r.pages.extend(&next, i, until)
			}
			next.append(l)
			i++
			continue
		}
		from, to := i, i+1
		for to < len(chosen) && chosen[to] && to-from < runPages {
			to++
		}
		from, to = r.join(&next, from, to)
		if len(r.missing) > 0 {
			i = to
			continue // all of it is done once more
		}
		if r.rows > 0 {
			r.pages.write(&next, r.old.leaves[from].first, until)
		} else {
			next.append(leaf{first: r.old.leaves[from].first, seq: until})
		}
		for _, l := range r.old.leaves[from:to] {
			if l.number != 0 {
				r.extra.Delete = append(r.extra.Delete, r.pages.forget(l)...)
			}
		}
		i = to
	}
	return next
}

// runPages is how many pages are replaced together at most: their rows are in memory twice meanwhile.
const runPages = 8

// append adds a page, but not an empty one behind another that stands for as much: its range
// may be the other's.
func (t *tree) append(l leaf) {
	if n := len(t.leaves); n == 0 || l.number != 0 || t.leaves[n-1].number != 0 || t.leaves[n-1].seq != l.seq {
		t.leaves = append(t.leaves, l)
	}
}

// join gathers the rows of a run of pages, with those of a neighbour when they are few.
func (r *rewriting) join(next *tree, from, to int) (int, int) {
	r.rows = r.pages.gather(from, to)
	n, few := len(next.leaves), r.rows < r.bounds.LeafRows/2
	switch {
	case few && to < len(r.old.leaves) && !r.spared[r.old.leaves[to].number]:
		to++
		r.rows = r.pages.gather(from, to)
	case few && n > 0 && next.leaves[n-1].first == r.old.leaves[from-1].first && next.leaves[n-1].number == r.old.leaves[from-1].number &&
		len(next.leaves[n-1].more) == len(r.old.leaves[from-1].more) && !r.spared[next.leaves[n-1].number]:
		from--
		next.leaves = next.leaves[:n-1]
		r.rows = r.pages.gather(from, to)
	}
	return from, to
}

// dirty reports whether a page is to be written anew. One of a number is dirty until then.
func (r *rewriting) dirty(p plan, l leaf) bool {
	return l.kept != nil || l.seq < p.until && p.dirty[r.old.name][l.number]
}

// choose picks dirty pages that are to be replaced, those first that were not written for longest.
func (r *rewriting) choose(p plan, left *int) []bool {
	var dirty []int
	for i, l := range r.old.leaves {
		if r.dirty(p, l) && !r.spared[l.number] && !r.pages.extends(i) {
			dirty = append(dirty, i)
		}
	}
	sortBy(dirty, func(a, b int) int { return cmp.Compare(r.old.leaves[a].seq, r.old.leaves[b].seq) })
	chosen := make([]bool, len(r.old.leaves))
	for _, i := range dirty {
		if *left <= 0 {
			break
		}
		chosen[i] = true
		*left -= max(1, r.old.leaves[i].rows/r.size)
	}
	return chosen
}

// cut calls page with the parts of n rows that become a page each.
func (b Bounds) cut(n, bytes int, page func(from, to int)) {
	pages := 1
	if n > b.LeafRows*3/2 || bytes > b.LeafBytes*3/2 {
		pages = max((n+b.LeafRows-1)/b.LeafRows, (bytes+b.LeafBytes-1)/b.LeafBytes)
	}
	for i := range pages {
		if from, to := i*n/pages, (i+1)*n/pages; from < to {
			page(from, to)
		}
	}
}

// add appends a new page to a directory, with a copy of its first key: that is a part of a
// large text, which it would keep in memory.
func (t *tree) add(rows int, first queue.Key, seq int64) (number int64) {
	number = t.next
	t.next++
	first = queue.Key{Sort: strings.Clone(first.Sort), ID: strings.Clone(first.ID)}
	t.leaves = append(t.leaves, leaf{number: number, seq: seq, rows: rows, first: first})
	return number
}

// leafWriter writes leaves and their texts.
type leafWriter struct {
	*batch
	*table
	rows []listed
	size int

	page, search writer // one after the other
}

// listed is a row on its way into a leaf.
type listed struct {
	*row
	text textRow
}

func (w *leafWriter) gather(from, to int) int {
	w.rows, w.size = nil, 0
	for i := from; i < to; i++ {
		leaf, ok := w.leaf(w.table, i)
		page, ok2 := w.batch.texts(w.table, i)
		if !ok || !ok2 {
			continue
		}
		texts := page.all()
		for n := range leaf.rows {
			if r := &leaf.rows[n]; w.entries[r.id] == nil {
				text := texts.of(r.id, n)
				if !text.dated {
					text.changed = w.schema.ChangedAt(nil, json.RawMessage(r.document()))
				}
				w.rows = append(w.rows, listed{r, text})
			}
		}
	}
	var over []listed
	for _, s := range w.shown.between(w.first(from), w.first(to)) {
		if s.entry.pending == nil {
			over = append(over, listed{s.entry.row, s.text(w.schema)})
		}
	}
	w.rows = merge(w.rows, over, func(a, b listed) int { return a.key().Compare(b.key()) })
	for _, r := range w.rows {
		w.size += len(r.row.text)
	}
	return len(w.rows)
}

func (w *leafWriter) write(next *tree, first queue.Key, seq int64) {
	w.bounds.cut(len(w.rows), w.size, func(from, to int) {
		w.page.text, w.search.text = w.page.text[:0], w.search.text[:0]
		for _, r := range w.rows[from:to] {
			writeLeafRow(&w.page, r.row)
			writeText(&w.search, r.text)
		}
		if from > 0 {
			first = w.rows[from].key()
		}
		number := next.add(to-from, first, seq)
		w.put(next.key(number), string(w.page.text))
		w.put(w.textKey(number), string(w.search.text))
	})
}

func (w *leafWriter) extends(int) bool              { return false }
func (w *leafWriter) extend(*tree, int, int64) leaf { panic("a leaf has one page") }

func (w *leafWriter) forget(l leaf) []string {
	return []string{w.list.key(l.number), w.textKey(l.number)}
}

// idsWriter writes pages of ids.
type idsWriter struct {
	*batch
	*table
	gathers bool           // step.gather
	changed map[int64]bool // numbers of pages with rows that the log changes
	rows    []idRow
	over    []idRow // to be merged with them
	page    writer
}

func (w *idsWriter) gather(from, to int) int {
	w.rows, w.over = w.rows[:0], w.over[:0]
	all := w.byID.all(byID)
	all = all[sort.Search(len(all), func(n int) bool { return all[n].entry.id >= w.ids.leaves[from].first.ID }):]
	for i := from; i < to; i++ {
		var spots []spot
		spots, all = w.ids.over(i, all)
		for _, s := range spots {
			if r := s.entry.row; r != nil && s.entry.pending == nil {
				w.over = append(w.over, idRow{id: r.id, sort: r.sort, version: r.version, hash: r.hash(), generation: r.generation})
			}
		}
		pages, ok := w.idsPages(w.table, i)
		if !ok {
			continue
		}
		for n, page := range pages {
			for _, r := range page.rows {
				if w.entries[r.id] != nil {
					continue
				}
				if m, ok := w.seen[r.id]; ok {
					r.generation, r.line = m.generation, ""
				}
				if n == 0 {
					w.rows = append(w.rows, r)
				} else {
					w.over = append(w.over, r)
				}
			}
		}
		for _, r := range w.lacking(&w.ids, i) {
			row := r.idRow
			row.generation = w.generation(row)
			w.over = append(w.over, row)
		}
	}
	sortBy(w.over, func(a, b idRow) int { return strings.Compare(a.id, b.id) })
	w.rows = merge(w.rows, w.over, func(a, b idRow) int { return strings.Compare(a.id, b.id) })
	return len(w.rows)
}

// extends implements pageWriter. What a range of ids lacks gets a page of its own until they are twice
// as many as a page has: they come from all over the ids, and all would be written again for them.
func (w *idsWriter) extends(i int) bool {
	l := &w.ids.leaves[i]
	lacking := len(w.lacking(&w.ids, i))
	return !w.gathers && lacking > 0 && l.number != 0 && !w.changed[l.number] && l.rows+lacking <= 2*idsFactor*w.bounds.LeafRows
}

func (w *idsWriter) extend(next *tree, i int, seq int64) leaf {
	l, rows := w.ids.leaves[i], w.lacking(&w.ids, i)
	w.page.text = w.page.text[:0]
	for _, r := range rows {
		writeIDRow(&w.page, r.idRow)
	}
	w.put(next.key(next.next), string(w.page.text))
	l.more, l.rows, l.seq = slices.Concat(l.more, []int64{next.next}), l.rows+len(rows), seq
	next.next++
	return l
}

// idsFactor is how many more rows a page of ids has than a leaf.
const idsFactor = 4

func (w *idsWriter) write(next *tree, first queue.Key, seq int64) {
	w.bounds.cut((len(w.rows)+idsFactor-1)/idsFactor, 0, func(from, to int) {
		from, to = from*idsFactor, min(to*idsFactor, len(w.rows))
		w.page.text = w.page.text[:0]
		for _, r := range w.rows[from:to] {
			writeIDRow(&w.page, r)
		}
		if from > 0 {
			first = queue.Key{ID: w.rows[from].id}
		}
		w.put(next.key(next.add(to-from, first, seq)), string(w.page.text))
	})
}

func (w *idsWriter) forget(l leaf) (keys []string) {
	for _, number := range l.numbers() {
		keys = append(keys, w.ids.key(number))
	}
	return keys
}

// encodeState is the text of keyState: a record that says all that the log has said.
func (b *batch) encodeState() string {
	out := &batch{state: b.state}
	out.w.start('h').number(format).number(b.state.seq).end()
	for _, name := range slices.Sorted(maps.Keys(b.meta)) {
		out.w.start('m').string(name).string(b.meta[name]).end()
	}
	for _, line := range b.outcomes {
		out.w.start('o').string(line).end()
	}
	out.w.start('f').number(b.fence).end()
	out.w.start('g').number(b.generation).end()
	out.w.start('n').number(b.state.last).end()
	for _, line := range b.unreadable {
		out.w.start('u').string(line).end()
	}
	for _, c := range b.reviewed {
		out.conflict('v', c)
	}
	for _, e := range b.pending {
		out.putPending(e.pending, e.generation)
	}
	return string(out.w.text)
}

// removeOrphans deletes pages that no directory names: what is left of a damaged directory.
// It looks for them once for each program, and when a directory was damaged. Names are read part by part: whoever
// writes meanwhile waits for one.
func (s *Store) removeOrphans(ctx context.Context) error {
	s.mu.Lock()
	suspected := s.state != nil && s.state.orphans
	s.mu.Unlock()
	for behind, last := "", ""; suspected; behind = last {
		err := s.write(ctx, txn{relaxed: true, base: true}, func(b *batch) error {
			asked := NamesBehind(behind)
			names, ok := page(b.state, leaf{number: 1}, asked, func(text string, _ int) *[]string {
				names := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
				return &names
			})
			if !ok {
				return nil
			}
			b.cache.drop(asked)
			if suspected = len(*names) > 0; !suspected {
				return nil
			}
			last = (*names)[len(*names)-1]
			if b.extra.Delete = b.orphaned(*names); len(b.extra.Delete) > 0 {
				b.w.start('b').number(b.stands).end()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil {
		s.state.orphans = false
	}
	return nil
}

// orphaned returns those of some names that a page of a known type would have, and none has.
func (st *state) orphaned(names []string) (out []string) {
	known, prefixes := map[string]bool{}, []string(nil)
	for _, t := range st.tables {
		prefixes = append(prefixes, t.list.name+"/", t.ids.name+"/", strings.TrimSuffix(t.textKey(0), "0"))
		for _, l := range t.list.leaves {
			known[t.list.key(l.number)], known[t.textKey(l.number)] = true, true
		}
		for _, l := range t.ids.leaves {
			for _, number := range l.numbers() {
				known[t.ids.key(number)] = true
			}
		}
	}
	for _, name := range names {
		if !known[name] && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			out = append(out, name)
		}
	}
	return out
}
