package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
	"pgregory.net/rapid"
)

func TestWindowFor(t *testing.T) {
	const row = 72
	for _, c := range []struct {
		name  string
		v     view
		total int
		want  span
	}{
		{"top", view{0, 720, row}, 1000, span{0, windowRows}},
		{"middle", view{100 * row, 720, row}, 1000, span{76, windowRows}},
		{"bottom", view{990 * row, 720, row}, 1000, span{940, windowRows}},
		{"beyond the end", view{5000 * row, 720, row}, 1000, span{940, windowRows}},
		{"short list", view{0, 720, row}, 3, span{0, windowRows}},
		{"unknown length", view{0, 720, row}, 0, span{0, windowRows}},
		{"tall screen", view{0, 60 * row, row}, 1000, span{0, 61 + 2*overscan}},
		{"overscroll", view{-50, 720, row}, 1000, span{0, windowRows}},
		{"no height yet", view{500 * row, 0, row}, 1000, span{471, windowRows}},
	} {
		if got := windowFor(c.v, c.total); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// A window that is read for a view must cover it, or the page would read it for ever.
func TestWindowCoversItsView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(0, 100_000).Draw(t, "total")
		v := view{
			top:       rapid.Float64Range(-500, 8e6).Draw(t, "top"),
			height:    rapid.Float64Range(0, 4000).Draw(t, "height"),
			rowHeight: rapid.Float64Range(40, 200).Draw(t, "row"),
		}
		s := windowFor(v, total)
		if s.first < 0 || s.count < windowRows {
			t.Fatalf("window %v", s)
		}
		is, drifted := actualSpan(s, min(s.count+1, total-s.first), total)
		if drifted || !is.covers(v, total) {
			t.Fatalf("%v read for %v of %d rows is actually %v (drifted %v), which does not cover it", s, v, total, is, drifted)
		}
	})
}

func TestActualSpan(t *testing.T) {
	for _, c := range []struct {
		name       string
		s          span
		got, total int
		want       span
		drifted    bool
	}{
		{"full", span{100, 60}, 61, 1000, span{100, 60}, false},
		{"end of the list", span{940, 60}, 60, 1000, span{940, 60}, false},
		{"short list", span{0, 60}, 3, 3, span{0, 3}, false},
		{"empty list", span{0, 60}, 0, 0, span{0, 0}, false},
		{"anchor moved back: the end came early", span{930, 60}, 50, 1000, span{950, 50}, true},
		{"anchor moved forward: rows beyond the total", span{950, 60}, 60, 1000, span{940, 60}, true},
		{"a row where the list should have ended", span{940, 60}, 61, 1000, span{939, 60}, true},
		{"the list became shorter than the window's start", span{500, 60}, 0, 100, span{40, 60}, true},
	} {
		got, drifted := actualSpan(c.s, c.got, c.total)
		if got != c.want || drifted != c.drifted {
			t.Errorf("%s: got %v %v, want %v %v", c.name, got, drifted, c.want, c.drifted)
		}
	}
}

func TestAnchorsQuery(t *testing.T) {
	key := func(i int) queue.Key { return queue.Key{Sort: fmt.Sprintf("%06d", i)} }
	keys := make([]queue.Key, 60)
	for i := range keys {
		keys[i] = key(200 + i)
	}
	var a anchors
	a.add(200, keys)
	for _, c := range []struct {
		first int
		from  queue.Key
		skip  int
	}{
		{0, queue.Key{}, 0},      // the top is always the real top
		{150, queue.Key{}, 150},  // nothing known before it
		{200, key(200), 0},       // the window itself
		{217, key(215), 2},       // within it
		{259, key(259), 0},       // its last row
		{300, key(259), 41},      // scrolling on
		{90000, key(259), 89741}, // a jump
	} {
		q := a.query(span{c.first, 60})
		if q.From != c.from || q.Skip != c.skip || q.Limit != 61 {
			t.Errorf("first %d: got %+v", c.first, q)
		}
	}
	if got := a.keepOnly(200).query(span{259, 60}); got.From != key(200) || got.Skip != 59 {
		t.Errorf("after keepOnly: got %+v", got)
	}
}

func TestAnchorsStayBoundedAndSorted(t *testing.T) {
	var a anchors
	for i := 0; i < 100_000; i += 37 {
		a.add(i, []queue.Key{{Sort: fmt.Sprint(i)}, {Sort: "x"}, {Sort: "y"}})
	}
	if len(a) > maxAnchors {
		t.Errorf("%d anchors", len(a))
	}
	if !slices.IsSortedFunc(a, func(x, y anchor) int { return x.index - y.index }) {
		t.Error("not sorted")
	}
}

// model is a list of rows by key, read as the store reads it.
type model []int

func (m model) read(from queue.Key, skip, limit int) (keys []queue.Key) {
	for _, n := range m {
		if k := (queue.Key{Sort: fmt.Sprintf("%09d", n)}); from == (queue.Key{}) || k.Sort >= from.Sort {
			if skip > 0 {
				skip--
			} else if len(keys) < limit {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// Scrolling through a list that others change settles after few reads, on rows
// that are really there, with the real first and last rows at the ends.
func TestWindowOverAChangingList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m model
		for i := range rapid.IntRange(0, 400).Draw(t, "rows") {
			m = append(m, i*1000)
		}
		const row = 72.0
		v := view{0, 700, row}
		var known anchors
		shown, total := span{0, windowRows}, 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "change") {
				m = change(t, m)
				known = known.keepOnly(shown.first)
			} else {
				v.top = rapid.Float64Range(0, row*float64(len(m)+5)).Draw(t, "top")
			}
			asked := shown
			if !shown.covers(v, total) {
				asked = windowFor(v, total)
			}
			var keys []queue.Key
			for reads := 0; ; reads++ {
				if reads > 5 {
					t.Fatalf("still reading %v of %d rows for %v", asked, len(m), v)
				}
				q := known.query(asked)
				keys = m.read(q.From, q.Skip, q.Limit)
				total = len(m)
				is, drifted := actualSpan(asked, len(keys), total)
				if len(keys) > is.count {
					keys = keys[:is.count]
				}
				if drifted {
					known = nil
				} else {
					known.add(is.first, keys)
				}
				if shown, asked = is, is; is.count == len(keys) && is.covers(v, total) {
					break
				}
				if is.count == len(keys) {
					asked = windowFor(v, total)
				}
			}
			check(t, m, shown, keys)
		}
	})
}

func change(t *rapid.T, m model) model {
	if len(m) > 0 && rapid.Bool().Draw(t, "remove") {
		at := rapid.IntRange(0, len(m)-1).Draw(t, "at")
		n := rapid.IntRange(1, len(m)-at).Draw(t, "n")
		return slices.Delete(slices.Clone(m), at, at+n)
	}
	n := rapid.IntRange(-1000, 500_000).Draw(t, "new")
	if slices.Contains(m, n) {
		return m
	}
	m = append(slices.Clone(m), n)
	slices.Sort(m)
	return m
}

func check(t *rapid.T, m model, shown span, keys []queue.Key) {
	if shown.end() > len(m) {
		t.Fatalf("shown %v of %d rows", shown, len(m))
	}
	name := func(i int) string { return fmt.Sprintf("%09d", m[i]) }
	if shown.first == 0 && len(keys) > 0 && keys[0].Sort != name(0) {
		t.Fatalf("the top shows %s, not %s", keys[0].Sort, name(0))
	}
	if shown.end() == len(m) && len(keys) > 0 && keys[len(keys)-1].Sort != name(len(m)-1) {
		t.Fatalf("the bottom shows %s, not %s", keys[len(keys)-1].Sort, name(len(m)-1))
	}
}

// The page renders a window in which nothing has changed, as it does for each notification.
func BenchmarkUnchangedWindow(b *testing.B) {
	app := open(b, "/sync")
	app.fillStore(1000)
	app.visit("/")
	page := component[*usersPage](app)
	app.until("the list", func() bool { return len(page.records) == windowRows })
	b.ReportAllocs()
	for b.Loop() {
		app.d.Emit(page, nil)
		app.d.Consume()
	}
}
