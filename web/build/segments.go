package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// maxGap is how many zeros may join two data segments. Go's linker begins another segment
// at every ninth zero, a hundred thousand in all, to make the bare file smaller. Zeros
// cost nothing once compressed, and what follows on them less than with an address
// before each: an eleventh of the download.
const maxGap = 4096

// segment is what a program finds in its memory from an address on.
type segment struct {
	address uint64
	data    []byte
}

// join returns segments in the order of their addresses, as few as maxGap allows. The
// linker's sections have another order, which matters only to what crosses.
func join(segments []segment) ([]segment, error) {
	var joined []segment
	for _, s := range slices.SortedStableFunc(slices.Values(segments), func(a, b segment) int { return cmp.Compare(a.address, b.address) }) {
		if last := len(joined) - 1; last >= 0 {
			end := joined[last].address + uint64(len(joined[last].data))
			if s.address < end {
				return nil, fmt.Errorf("%w: two data segments cross at %#x", errWasm, s.address)
			}
			if gap := s.address - end; gap <= maxGap {
				joined[last].data = append(append(joined[last].data, make([]byte, gap)...), s.data...)
				continue
			}
		}
		// The linker leaves out the zeros that a word begins with, too.
		word := s.address % 8
		joined = append(joined, segment{s.address - word, append(make([]byte, word), s.data...)})
	}
	return joined, nil
}

// cut takes n bytes at an address, which are zero, out of the segment that has them.
func cut(segments []segment, address, n uint64) []segment {
	for i, s := range segments {
		if from := address - s.address; s.address <= address && from+n <= uint64(len(s.data)) {
			return slices.Replace(segments, i, i+1, segment{s.address, s.data[:from]}, segment{address + n, s.data[from+n:]})
		}
	}
	return segments
}

// Each segment is active in the only memory, at a constant address: 0, i32.const, the
// address, end, the data.
const (
	active   = 0x00
	i32Const = 0x41
	end      = 0x0b
)

func readSegments(section []byte) ([]segment, error) {
	r := reader{rest: section}
	segments := make([]segment, r.uint())
	for i := range segments {
		if r.byte() != active || r.byte() != i32Const {
			r.failed = true
		}
		segments[i].address = r.uint()
		if r.byte() != end {
			r.failed = true
		}
		segments[i].data = r.bytes()
		if r.failed {
			return nil, fmt.Errorf("%w: data segment %d", errWasm, i)
		}
	}
	return segments, nil
}

func writeSegments(segments []segment) []byte {
	section := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		section = append(section, active, i32Const)
		section = append(appendInt(section, int64(s.address)), end)
		section = append(binary.AppendUvarint(section, uint64(len(s.data))), s.data...)
	}
	return section
}

// appendInt appends a signed LEB128: seven bits a byte, the sixth last bit the sign.
func appendInt(b []byte, n int64) []byte {
	for ; n < -0x40 || n >= 0x40; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n)&0x7f)
}
