package queue

import (
	"cmp"
	"unicode/utf8"
)

// Compare compares by (sort text, id), each by UTF-16 code units.
func (k Key) Compare(other Key) int {
	if c := compareUTF16(k.Sort, other.Sort); c != 0 {
		return c
	}
	return compareUTF16(k.ID, other.ID)
}

// Compare compares operations by Seq.
func (o Operation) Compare(other Operation) int { return cmp.Compare(o.Seq, other.Seq) }

// Compare compares conflicts: unreviewed before reviewed, and newest first.
func (c Conflict) Compare(other Conflict) int {
	switch {
	case c.Reviewed != other.Reviewed && other.Reviewed:
		return -1
	case c.Reviewed != other.Reviewed:
		return 1
	}
	return cmp.Or(other.At.Compare(c.At), cmp.Compare(other.ID, c.ID))
}

// compareUTF16 compares by UTF-16 code units, as IndexedDB does. That differs from the
// order of bytes only where a character above U+FFFF, whose code units lie between D800
// and DFFF, meets one from U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return cmp.Compare(len(a), len(b))
	}
	if a[i] < 0xee && b[i] < 0xee { // neither begins, or is in, such a character
		return int(a[i]) - int(b[i])
	}
	for i > 0 && a[i]&0xc0 == 0x80 { // back to the start of the character
		i--
	}
	ra, _ := utf8.DecodeRuneInString(a[i:])
	rb, _ := utf8.DecodeRuneInString(b[i:])
	return cmp.Compare(firstUnit(ra, rb), firstUnit(rb, ra))
}

// firstUnit returns the value of r in a comparison with other: characters above U+FFFF
// keep their order among themselves, and sort below U+E000.
func firstUnit(r, other rune) rune {
	if r > 0xffff && other <= 0xffff {
		return 0xd800
	}
	return r
}
