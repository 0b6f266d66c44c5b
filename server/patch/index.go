package patch

import "encoding/binary"

const (
	// seed is the shortest piece that is looked for, and every is how far apart they begin in
	// the old file.
	seed  = 12
	every = 2
	// candidates is how many of them are compared at a place.
	candidates = 48
	hashBits   = 21
)

// index finds pieces of a file.
type index struct {
	data []byte
	// heads and next are lists of places with the same hash, by numbers from 1 on.
	heads, next []int32
}

func newIndex(data []byte) *index {
	x := &index{data: data, heads: make([]int32, 1<<hashBits), next: make([]int32, len(data)/every+1)}
	for i := (len(data) - seed) / every; i >= 0 && len(data) >= seed; i-- {
		h := hash(data[i*every:])
		x.next[i], x.heads[h] = x.heads[h], int32(i)+1
	}
	return x
}

func hash(b []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	n := binary.LittleEndian.Uint64(b)*odd ^ uint64(binary.LittleEndian.Uint32(b[8:]))
	return n * odd >> (64 - hashBits)
}

// longest returns where the file has the most bytes of b, and how many; of several places the
// one that is nearest to another.
func (x *index) longest(b []byte, near int) (from, size int) {
	if len(b) < seed {
		return 0, 0
	}
	i := x.heads[hash(b)]
	for n := 0; i > 0 && n < candidates; n++ {
		at := int(i-1) * every
		if n := common(x.data[at:], b); n > size || n == size && distance(at, near) < distance(from, near) {
			from, size = at, n
		}
		i = x.next[i-1]
	}
	return from, size
}

func distance(a, b int) int { return max(a-b, b-a) }

// common is how many first bytes are the same.
func common(a, b []byte) int {
	most := min(len(a), len(b))
	n := 0
	for n+8 <= most && binary.LittleEndian.Uint64(a[n:]) == binary.LittleEndian.Uint64(b[n:]) {
		n += 8
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}
