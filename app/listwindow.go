package app

import (
	"math"
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// The list renders a window of its rows, between two spacers for the rest. These are
// numbers of rows.
const (
	// windowRows is the minimum: enough to scroll without reading, few enough to diff
	// within a frame.
	windowRows = 60
	// overscan is rendered beyond the visible rows on each side when a tall screen
	// needs more than windowRows.
	overscan = 15
	// readAhead is how near the visible rows may come to the window's end before the
	// next window is read.
	readAhead  = 8
	maxAnchors = 512
)

// view is what the list's scroller shows, in CSS pixels.
type view struct{ top, height, rowHeight float64 }

// visible returns the first visible row and the number of them.
func (v view) visible() (first, count int) {
	if v.rowHeight <= 0 {
		return 0, 0
	}
	first = int(math.Floor(max(v.top, 0) / v.rowHeight))
	return first, int(math.Ceil(max(v.height, 0)/v.rowHeight)) + 1
}

// span is the rows [first, first+count).
type span struct{ first, count int }

func (s span) end() int { return s.first + s.count }

// windowFor is the span to render for a view of a list of total rows: the visible rows
// are in its middle, except at the list's ends.
func windowFor(v view, total int) span {
	first, count := v.visible()
	limit := max(windowRows, count+2*overscan)
	start := min(first-(limit-count)/2, total-limit)
	return span{max(start, 0), limit}
}

// covers reports whether the span holds every visible row, with readAhead rows to
// spare on each side or as many as the list has.
func (s span) covers(v view, total int) bool {
	first, count := v.visible()
	first = max(min(first, total-count), 0)
	return s.first <= max(first-readAhead, 0) && s.end() >= min(first+count+readAhead, total)
}

// anchor says that the row at index has this key.
type anchor struct {
	index int
	key   queue.Key
}

// anchors are sorted by index. Reading by key costs the store the rows it returns,
// reading by offset also those it skips, so a window is read from the nearest anchor
// before it.
type anchors []anchor

// add adds anchors for the ends and the middle of a window that was read:
// neighbouring windows begin there.
func (a *anchors) add(first int, keys []queue.Key) {
	for _, i := range []int{0, len(keys) / 4, len(keys) / 2, 3 * len(keys) / 4, len(keys) - 1} {
		if i < 0 || i >= len(keys) {
			continue
		}
		at, found := slices.BinarySearchFunc(*a, first+i, func(e anchor, n int) int { return e.index - n })
		if found {
			(*a)[at].key = keys[i]
			continue
		}
		*a = slices.Insert(*a, at, anchor{first + i, keys[i]})
	}
	if len(*a) > maxAnchors {
		// Half of them suffice: one is still within a window of any row nearby.
		kept := (*a)[:0]
		for i := 0; i < len(*a); i += 2 {
			kept = append(kept, (*a)[i])
		}
		*a = kept
	}
}

// keepOnly drops every anchor but the one at first.
func (a anchors) keepOnly(first int) anchors {
	for _, e := range a {
		if e.index == first {
			return anchors{e}
		}
	}
	return nil
}

// query reads s of the list, and one row more, which shows whether the list really ends
// where s does.
func (a anchors) query(s span) repository.Query {
	q := repository.Query{Skip: s.first, Limit: s.count + 1}
	at, found := slices.BinarySearchFunc(a, s.first, func(e anchor, n int) int { return e.index - n })
	if !found {
		at--
	}
	// The row at 0 must not have an anchor: a row may have been added before it.
	if at >= 0 && s.first > 0 && a[at].index > 0 {
		q.From, q.Skip = a[at].key, s.first-a[at].index
	}
	return q
}

// actualSpan returns the span that a read of s brought: got rows of a list of total,
// of which s.count at most are shown. Rows added or removed before an anchor shift its
// index. That would show at the list's ends, so there the span is corrected, and drifted
// says that the anchors are wrong. When a list that has rows returned none, the span is
// the one to read instead.
func actualSpan(s span, got, total int) (is span, drifted bool) {
	switch {
	case got == 0 && total > 0:
		return span{max(total-s.count, 0), s.count}, true
	case got > s.count:
		// There is a row after these, so they are not the last.
		is = span{max(min(s.first, total-got), 0), s.count}
		return is, is.first != s.first
	}
	// The list ended here, so these are its last rows.
	is = span{max(total-got, 0), got}
	return is, is.first != s.first
}
