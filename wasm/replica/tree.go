package replica

import (
	"sort"
	"strconv"
	"strings"

	"github.com/rollcall/rollcall/wasm/queue"
)

// tree is the directory of the pages of one type: in the order of the list, the leaves, or
// of the ids. Pages never change: what is written anew gets another number, so that a
// replica with an older directory reads what it expects, or nothing.
type tree struct {
	name    string // of its own text in the base; a page's adds its number
	compare func(a, b queue.Key) int
	next    int64  // number of the next page
	leaves  []leaf // at least one; each reaches to the first key of the next
}

// leaf is a page as the directory has it.
type leaf struct {
	number int64     // 0: it has no rows and is not stored
	more   []int64   // numbers of further pages of its range, with rows that came later; only of ids
	seq    int64     // all of the log up to this is in it
	rows   int       // in it as it is stored
	first  queue.Key // zero for the first of all

	verified bool      // it was read, and is whole
	kept     *leafPage // of one that has other rows than the directory and the log say
}

// numbers are those of its pages.
//
//go:noinline // for its size
func (l *leaf) numbers() []int64 { return append([]int64{l.number}, l.more...) }

func byList(a, b queue.Key) int { return a.Compare(b) }
func byID(a, b queue.Key) int   { return strings.Compare(a.ID, b.ID) }

func newTree(name string, compare func(a, b queue.Key) int) tree {
	return tree{name: name, compare: compare, next: 1, leaves: make([]leaf, 1)}
}

//go:noinline // for its size
func (t *tree) key(number int64) string { return t.name + "/" + strconv.FormatInt(number, 10) }

// at returns the index of the leaf whose range has a key.
func (t *tree) at(key queue.Key) int {
	return sort.Search(len(t.leaves)-1, func(i int) bool { return t.compare(t.leaves[i+1].first, key) > 0 })
}

// over returns, of spots in the order of the tree, those in the range of a leaf, and those behind.
func (t *tree) over(leaf int, spots []spot) (over, behind []spot) {
	to := len(spots)
	if leaf+1 < len(t.leaves) {
		to = sort.Search(len(spots), func(n int) bool { return t.compare(spots[n].key(), t.leaves[leaf+1].first) >= 0 })
	}
	return spots[:to], spots[to:]
}

// rows is the number of rows as they are stored.
func (t *tree) rows() int {
	n := 0
	for i := range t.leaves {
		n += t.leaves[i].rows
	}
	return n
}

// oldest is the number of the log up to which all pages have it.
func (t *tree) oldest() int64 {
	seq := t.leaves[0].seq
	for i := range t.leaves {
		seq = min(seq, t.leaves[i].seq)
	}
	return seq
}

func (t *tree) encode() string {
	var w writer
	w.start('h').number(format).number(t.next).number(int64(len(t.leaves))).end()
	for _, l := range t.leaves {
		kind := byte('l')
		if len(l.more) > 0 {
			kind = 'p' // which a program that reads one page of a range takes for newer than it is
		}
		w.start(kind).number(l.number).number(int64(l.rows)).number(l.seq).string(l.first.Sort).string(l.first.ID)
		for _, number := range l.more {
			w.number(number)
		}
		w.end()
	}
	return string(w.text)
}

// decode reads the directory; "" is that of an empty base. A page whose line is damaged is
// lost, and with it the one before, since nobody knows where that ends; if a line is gone
// without a trace, all pages are. There the base then counts as empty and as written before
// the log, so that nothing of the log is lost. The directory is not whole then.
func (t *tree) decode(text string) (whole bool, err error) {
	*t = newTree(t.name, t.compare)
	if text == "" {
		return true, nil
	}
	var leaves []leaf
	left, gap := int64(0), false // lines that are still to come
	lost := func(string) {
		left, gap = left-1, true
		if n := len(leaves); n > 0 {
			leaves[n-1] = leaf{first: leaves[n-1].first}
		}
	}
	lines(text, false, func(kind byte, f fields) {
		switch kind {
		case 'h':
			if f.number() > format {
				err = queue.ErrOutdated
			}
			t.next, left = max(t.next, f.number()), f.number()
		case 'l', 'p':
			l := leaf{number: f.number(), rows: int(f.number()), seq: f.number(), first: queue.Key{Sort: f.string(), ID: f.string()}}
			for f.more() {
				l.more = append(l.more, f.number())
			}
			if f.bad || l.rows < 0 || l.number < 0 {
				lost("")
				return
			}
			if gap && len(leaves) == 0 {
				leaves = append(leaves, leaf{})
			}
			for _, number := range l.numbers() {
				t.next = max(t.next, number+1)
			}
			leaves, left = append(leaves, l), left-1
		default:
			err = queue.ErrOutdated
		}
	}, lost)
	if len(leaves) > 0 && left <= 0 {
		sortBy(leaves, func(a, b leaf) int { return t.compare(a.first, b.first) })
		leaves[0].first = queue.Key{}
		t.leaves = leaves
	}
	return !gap && left <= 0, err
}
