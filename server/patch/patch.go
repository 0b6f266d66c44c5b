// Package patch makes a file from an older version of it.
//
// A new version of a compiled program is the old one with something inserted here and there, and
// with another number wherever something refers to what has moved. So a patch copies long pieces
// of the old file, brings what is new, and then changes single bytes (Percival, "Naive
// Differences of Executable Code", 2003). That is half of what a compressor needs that has the
// old file as its dictionary.
//
// A patch begins with four numbers: the size of the new file, of pieces, of gaps and of changes.
// Each piece has three: how many bytes it copies, how many new ones follow, and how much further
// the next piece begins in the old file. All numbers have 32 bits, the lowest first. Then come
// the gaps, the changes and the new bytes. A gap is a byte that says how many bytes stay before
// the next change; after 255, there is none yet. A change is added to its byte. What applies a
// patch is in web/sw.js. It is small only once it is compressed.
package patch

import (
	"encoding/binary"
	"slices"
)

// longGap is a gap without a change.
const longGap = 255

type piece struct {
	copied, added int
	from          int // where it begins in the old file
}

// Make returns the patch that turns old into new.
func Make(old, new []byte) []byte {
	pieces := (&matcher{old: old, new: new, index: newIndex(old)}).pieces()
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(new)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pieces)))
	gaps, changes, added := edits(old, new, pieces)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(gaps)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(changes)))
	for i, p := range pieces {
		skip := 0
		if i+1 < len(pieces) {
			skip = pieces[i+1].from - p.from - p.copied
		}
		for _, n := range []int{p.copied, p.added, skip} {
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(n)))
		}
	}
	return slices.Concat(b, gaps, changes, added)
}

// edits returns what differs in the pieces, and what is behind them.
func edits(old, new []byte, pieces []piece) (gaps, changes, added []byte) {
	at, gap := 0, 0
	for _, p := range pieces {
		for i := range p.copied {
			if change := new[at+i] - old[p.from+i]; change != 0 {
				for ; gap >= longGap; gap -= longGap {
					gaps = append(gaps, longGap)
				}
				gaps, changes, gap = append(gaps, byte(gap)), append(changes, change), -1
			}
			gap++
		}
		at += p.copied
		added = append(added, new[at:at+p.added]...)
		at += p.added
		gap += p.added
	}
	return gaps, changes, added
}

// matcher finds the pieces.
type matcher struct {
	old, new []byte
	index    *index
}

// match says that the new file has at one place what the old one has at another.
type match struct{ at, from int }

// gain is how many bytes a match must have more than the last one goes on to have, to take
// its place.
const gain = 8

func (m *matcher) pieces() []piece {
	var pieces []piece
	last := match{}
	for at := 0; at < len(m.new); {
		next, size := m.next(at, last)
		ahead, back := m.ahead(last, next.at), m.back(next, last.at)
		if over := last.at + ahead - (next.at - back); over > 0 {
			keep := m.divide(last, next, last.at+ahead-over, over)
			ahead, back = ahead-over+keep, back-keep
		}
		begin := next.at - back
		pieces = append(pieces, piece{ahead, begin - last.at - ahead, last.from})
		last = match{begin, next.from - back}
		at = next.at + size
	}
	if rest := len(m.new) - last.at; rest > 0 {
		ahead := m.ahead(last, len(m.new))
		pieces = append(pieces, piece{ahead, rest - ahead, last.from})
	}
	return pieces
}

// next returns the first match from a place on that has enough bytes more than the last one has
// there, and its size; at the end, one of no bytes.
func (m *matcher) next(at int, last match) (match, int) {
	shift := last.from - last.at
	same, counted := 0, at // bytes that the last match has, too
	for at < len(m.new) {
		from, size := m.index.longest(m.new[at:], at+shift)
		for ; counted < at+size; counted++ {
			same += m.isSame(counted, shift)
		}
		switch {
		case size > same+gain:
			return match{at, from}, size
		case size > 0 && from == at+shift: // the last one goes on
			at, same, counted = at+size, 0, at+size
		default:
			if counted == at {
				counted++
			} else {
				same -= m.isSame(at, shift)
			}
			at++
		}
	}
	return match{len(m.new), len(m.old)}, 0
}

func (m *matcher) isSame(at, shift int) int {
	if from := at + shift; from >= 0 && from < len(m.old) && m.old[from] == m.new[at] {
		return 1
	}
	return 0
}

// ahead is how far a match is worth going on: up to where most bytes are still the same.
func (m *matcher) ahead(from match, end int) int {
	same, best, size := 0, 0, 0
	for i := 0; from.at+i < end && from.from+i < len(m.old); i++ {
		same += m.isSame(from.at+i, from.from-from.at)
		if score := 2*same - i - 1; score > best {
			best, size = score, i+1
		}
	}
	return size
}

// back is how far before it a match is worth beginning.
func (m *matcher) back(to match, begin int) int {
	same, best, size := 0, 0, 0
	if to.at == len(m.new) {
		return 0
	}
	for i := 1; to.at-i >= begin && to.from-i >= 0; i++ {
		same += m.isSame(to.at-i, to.from-to.at)
		if score := 2*same - i; score > best {
			best, size = score, i
		}
	}
	return size
}

// divide returns how many of the bytes that two matches both claim are better the first one's.
func (m *matcher) divide(first, second match, at, size int) int {
	better, best, keep := 0, 0, 0
	for i := range size {
		better += m.isSame(at+i, first.from-first.at) - m.isSame(at+i, second.from-second.at)
		if better > best {
			best, keep = better, i+1
		}
	}
	return keep
}
