package app

import (
	"math"
	"slices"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// The list shows a window of its rows, between two spacers that stand for the
// rest. These are numbers of rows.
const (
	// windowRows is the least that is rendered: enough to scroll through without
	// reading, few enough to diff within a frame.
	windowRows = 60
	// lead is rendered beyond the visible rows on each side, when a tall screen
	// needs more than windowRows.
	lead = 15
	// edge is how near the visible rows may come to the window's end before the
	// next window is read.
	edge = 8
	// maxAnchors bounds the remembered places of the list.
	maxAnchors = 512
)

// view is where the list is scrolled to, in CSS pixels.
type view struct {
	top, height, row float64
}

// visible returns the first row that shows and how many do.
func (v view) visible() (first, count int) {
	if v.row <= 0 {
		return 0, 0
	}
	first = int(math.Floor(max(v.top, 0) / v.row))
	return first, int(math.Ceil(max(v.height, 0)/v.row)) + 1
}

// span is the rows [first, first+count).
type span struct{ first, count int }

func (s span) end() int { return s.first + s.count }

// wanted is the span to render for a view of a list of total rows: the visible
// rows in its middle, except at the list's ends.
func wanted(v view, total int) span {
	first, count := v.visible()
	limit := max(windowRows, count+2*lead)
	start := min(first-(limit-count)/2, total-limit)
	return span{max(start, 0), limit}
}

// covers reports whether the rendered span still does for the view: every visible
// row is in it with edge rows to spare, or as many as the list has.
func (s span) covers(v view, total int) bool {
	first, count := v.visible()
	first = max(min(first, total-count), 0)
	return s.first <= max(first-edge, 0) && s.end() >= min(first+count+edge, total)
}

// anchor is a known place of the list: the row at index has this key.
type anchor struct {
	index int
	key   queue.Key
}

// anchors are known places by index. A page by key costs the store what it
// shows, a page by offset what it skips, so a window is read from the nearest
// anchor before it.
type anchors []anchor

// learn remembers the places of a window that was read: its ends and its middle,
// from which neighbouring windows begin.
func (a *anchors) learn(first int, keys []queue.Key) {
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
		// Every other one still is within a window of where a person goes next.
		kept := (*a)[:0]
		for i := 0; i < len(*a); i += 2 {
			kept = append(kept, (*a)[i])
		}
		*a = kept
	}
}

// only forgets every place but the one at first.
func (a anchors) only(first int) anchors {
	for _, e := range a {
		if e.index == first {
			return anchors{e}
		}
	}
	return nil
}

// query asks for s of the list that matches search, and for one row more, which
// tells whether the list really ends where s does.
func (a anchors) query(s span, search string) repository.Query {
	q := repository.Query{Search: search, Skip: s.first, Limit: s.count + 1}
	at, found := slices.BinarySearchFunc(a, s.first, func(e anchor, n int) int { return e.index - n })
	if !found {
		at--
	}
	// The row at 0 needs no anchor, and must not have one: a row may have been
	// added before it.
	if at >= 0 && s.first > 0 && a[at].index > 0 {
		q.From, q.Skip = a[at].key, s.first-a[at].index
	}
	return q
}

// settle returns the span that a read of s really brought: got rows of a list of
// total, of which at most s.count are to be shown. Rows added or removed before an
// anchor move the index it is remembered by. Near the ends of the list that would
// show, so there it is put right, and drifted tells that the anchors are not to be
// trusted. When nothing was got of a list that has rows, the span returned is the
// one to read instead.
func settle(s span, got, total int) (is span, drifted bool) {
	switch {
	case got == 0 && total > 0:
		return span{max(total-s.count, 0), s.count}, true
	case got > s.count:
		// There is a row behind these, so they can't be the last.
		is = span{max(min(s.first, total-got), 0), s.count}
		return is, is.first != s.first
	}
	// The end of the list was read, so these are its last rows.
	is = span{max(total-got, 0), got}
	return is, is.first != s.first
}
