package api

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Buckets is the number of buckets that a Digest divides ids into.
const Buckets = 64

// BucketOf returns the bucket of an id. Buckets are ranges of ids, so that an index on the id
// can read one: bucket n starts with the hex digits of 4n. BucketOf is total and monotonic,
// also for ids that are not UUIDs.
func BucketOf(id string) int {
	low, high := 0, Buckets // the last bucket that does not start after id
	for high-low > 1 {
		if middle := (low + high) / 2; bucketStart(middle) <= id {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// bucketStart is the least id of a bucket; bucket 0 also has all ids before it.
func bucketStart(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>2&15], digits[n<<2&15]})
}

// IDRange is the range of ids from From to before To, in byte order. An empty To is after every
// id.
type IDRange struct{ From, To string }

// BucketRange returns the range of a bucket's ids.
func BucketRange(n int) IDRange {
	r := IDRange{From: bucketStart(n), To: bucketStart(n + 1)}
	if n == 0 {
		r.From = ""
	}
	if n == Buckets-1 {
		r.To = ""
	}
	return r
}

// Contains reports whether the id is in the range.
func (r IDRange) Contains(id string) bool { return id >= r.From && (r.To == "" || id < r.To) }

// After returns the part of the range after one of its ids.
func (r IDRange) After(id string) IDRange { return IDRange{From: id + "\x00", To: r.To} }

// Through returns the part of the range up to and including one of its ids.
func (r IDRange) Through(id string) IDRange { return IDRange{From: r.From, To: id + "\x00"} }

// Digest summarizes the live entities of one type: their number, and for each bucket a sum
// over (id, version, document). Two replicas with equal digests have the same entities with
// the same content, except with a probability of about 2^-64. Otherwise, the buckets that
// differ show where to look. The zero Digest is that of no entities.
//
// A sum adds one hash per entity, modulo 2^64. It does not depend on the order, and a change
// costs one subtraction and one addition. It detects accidents, not forgery.
type Digest struct {
	Count int64
	Sums  [Buckets]uint64
}

// Add adds an entity whose document has this ContentHash.
func (d *Digest) Add(id string, version int64, content uint64) {
	d.Count++
	d.Sums[BucketOf(id)] += hashOf(id, version, content)
}

// Remove removes an entity that was added with the same arguments.
func (d *Digest) Remove(id string, version int64, content uint64) {
	d.Count--
	d.Sums[BucketOf(id)] -= hashOf(id, version, content)
}

// ContentHash is a hash of a document's text, byte by byte as it is stored and sent. Its two
// halves take in one UTF-16 code unit at a time, so that JavaScript computes it without copying
// a string: see hash in wasm/idb/helper.js, which must agree.
func ContentHash(document []byte) uint64 {
	a, b := uint32(0xdeadbeef), uint32(0x41c6ce57)
	take := func(unit uint32) { a, b = (a^unit)*2654435761, (b^unit)*1597334677 }
	for i := 0; i < len(document); {
		if c := document[i]; c < utf8.RuneSelf {
			a, b = (a^uint32(c))*2654435761, (b^uint32(c))*1597334677
			i++
			continue
		}
		r, size := utf8.DecodeRune(document[i:])
		i += size
		if r < 0x10000 {
			take(uint32(r))
			continue
		}
		high, low := utf16.EncodeRune(r)
		take(uint32(high))
		take(uint32(low))
	}
	mix := func(x, y uint32) uint32 { return (x^x>>16)*2246822507 ^ (y^y>>13)*3266489909 }
	a, b = mix(a, b), mix(b, a)
	return uint64(a)<<32 | uint64(b)
}

// hashOf is FNV-1a of "id:version" and the content, followed by the finalizer of MurmurHash3.
// FNV alone gives similar high bits to texts that differ in the last digit, so that sums would
// collide more often.
func hashOf(id string, version int64, content uint64) uint64 {
	var room [64]byte
	text := strconv.AppendInt(append(append(room[:0], id...), ':'), version, 10)
	x := uint64(14695981039346656037)
	for _, c := range binary.BigEndian.AppendUint64(text, content) {
		x = (x ^ uint64(c)) * 1099511628211
	}
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Diff returns the buckets that differ, in order.
func (d *Digest) Diff(other *Digest) []int {
	var out []int
	for i, sum := range &d.Sums {
		if sum != other.Sums[i] {
			out = append(out, i)
		}
	}
	return out
}

// sumsSize is the size of all sums in bytes.
const sumsSize = 8 * Buckets

func (d *Digest) appendSums(b []byte) []byte {
	for _, sum := range &d.Sums {
		b = binary.BigEndian.AppendUint64(b, sum)
	}
	return b
}

func (d *Digest) setSums(b []byte) {
	for i := range d.Sums {
		d.Sums[i] = binary.BigEndian.Uint64(b[8*i:])
	}
}

// AppendBinary appends the digest as it is stored: the count and the sums, as big-endian 64-bit
// numbers. It does not fail.
func (d *Digest) AppendBinary(b []byte) ([]byte, error) {
	return d.appendSums(binary.BigEndian.AppendUint64(b, uint64(d.Count))), nil
}

// UnmarshalBinary is the inverse of AppendBinary.
func (d *Digest) UnmarshalBinary(b []byte) error {
	if len(b) != 8+sumsSize {
		return errors.New("a digest has " + strconv.Itoa(8+sumsSize) + " bytes, not " + strconv.Itoa(len(b)))
	}
	d.Count = int64(binary.BigEndian.Uint64(b))
	d.setSums(b[8:])
	return nil
}
