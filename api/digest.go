package api

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strconv"
)

// Buckets is how many parts the ids of a type are divided into for a Digest.
const Buckets = 64

// BucketOf is the bucket that an id belongs to. Buckets are ranges of ids, so that
// one is read by any index on the id: bucket n begins with the hex digits of 4n.
// It is total and never falls as ids rise, also for ids that are no UUIDs.
func BucketOf(id string) int {
	low, high := 0, Buckets // the last bucket that doesn't begin after id
	for high-low > 1 {
		if middle := (low + high) / 2; bucketStart(middle) <= id {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// bucketStart is the least id of a bucket, but for ids before all of them.
func bucketStart(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>2&15], digits[n<<2&15]})
}

// IDRange is the ids from From on and before To, in the order of their bytes. An
// empty To is behind every id.
type IDRange struct{ From, To string }

// BucketRange is the ids of a bucket, which must be one.
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

// After is the part of the range behind an id of it.
func (r IDRange) After(id string) IDRange { return IDRange{From: id + "\x00", To: r.To} }

// Through is the part of the range up to an id of it, with that.
func (r IDRange) Through(id string) IDRange { return IDRange{From: r.From, To: id + "\x00"} }

// Digest sums up the live entities of one type: how many there are, and by
// bucket a sum over (id, version). Two replicas with equal digests hold the same
// versions of the same entities, but for a chance of about 2^-64; else the buckets
// that differ say where to look. The zero Digest is that of no entities.
//
// A sum is of one hash an entity, modulo 2^64: it does not depend on the order,
// and a change costs one subtraction and one addition. It is a check against
// accidents, not against a forger.
type Digest struct {
	Count int64
	Sums  [Buckets]uint64
}

// Add counts an entity in; Remove takes it out again.
func (d *Digest) Add(id string, version int64) {
	d.Count++
	d.Sums[BucketOf(id)] += hashOf(id, version)
}

// Remove takes out an entity that was counted in with this version.
func (d *Digest) Remove(id string, version int64) {
	d.Count--
	d.Sums[BucketOf(id)] -= hashOf(id, version)
}

// hashOf is FNV-1a of "id:version" through the finalizer of MurmurHash3: FNV
// alone leaves the high bits of texts that differ in the last digit alike, and sums of
// such hashes would meet more easily.
func hashOf(id string, version int64) uint64 {
	h := fnv.New64a()
	text := strconv.AppendInt(append([]byte(id), ':'), version, 10)
	_, _ = h.Write(text) // a hash takes everything
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Diff is the buckets in which two digests differ, in order.
func (d *Digest) Diff(other *Digest) []int {
	var out []int
	for i, sum := range &d.Sums {
		if sum != other.Sums[i] {
			out = append(out, i)
		}
	}
	return out
}

// sumsSize is the length of all sums in bytes, as big-endian numbers.
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

// AppendBinary appends the digest as a store keeps it: the count and the sums, as
// big-endian numbers of 64 bits. It does not fail.
func (d *Digest) AppendBinary(b []byte) ([]byte, error) {
	return d.appendSums(binary.BigEndian.AppendUint64(b, uint64(d.Count))), nil
}

// UnmarshalBinary is the reverse of AppendBinary.
func (d *Digest) UnmarshalBinary(b []byte) error {
	if len(b) != 8+sumsSize {
		return errors.New("a digest has " + strconv.Itoa(8+sumsSize) + " bytes, not " + strconv.Itoa(len(b)))
	}
	d.Count = int64(binary.BigEndian.Uint64(b))
	d.setSums(b[8:])
	return nil
}

// wireDigest is a digest in JSON; the sums are base64.
type wireDigest struct {
	Count   int64  `json:"count"`
	Buckets []byte `json:"buckets"`
}

// MarshalJSON writes {"count": N, "buckets": base64 of the sums}.
func (d Digest) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireDigest{d.Count, d.appendSums(nil)})
}

// UnmarshalJSON is the reverse of MarshalJSON; it refuses what no server counted.
func (d *Digest) UnmarshalJSON(b []byte) error {
	var w wireDigest
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Count < 0 || len(w.Buckets) != sumsSize {
		return errors.New("not a digest: its count is below 0, or it has not " + strconv.Itoa(Buckets) + " buckets")
	}
	d.Count = w.Count
	d.setSums(w.Buckets)
	return nil
}
