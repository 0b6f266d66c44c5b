package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
)

func TestBucketsAreRangesOfIDs(t *testing.T) {
	for n := range api.Buckets {
		first := fmt.Sprintf("%02x000000-0000-4000-8000-000000000000", 4*n)
		last := fmt.Sprintf("%02xffffff-ffff-4fff-bfff-ffffffffffff", 4*n+3)
		if api.BucketOf(first) != n || api.BucketOf(last) != n {
			t.Errorf("bucket %d: %s is in %d, %s in %d", n, first, api.BucketOf(first), last, api.BucketOf(last))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		ids := []string{rapid.String().Draw(t, "a"), uuidOf(t, "b"), rapid.StringMatching("[0-9a-fA-Fz-]{0,4}").Draw(t, "c")}
		slices.Sort(ids)
		for i, id := range ids {
			n := api.BucketOf(id)
			if i > 0 && n < api.BucketOf(ids[i-1]) {
				t.Fatalf("%q is in bucket %d, %q, which is before it, in %d", id, n, ids[i-1], api.BucketOf(ids[i-1]))
			}
			for other := range api.Buckets {
				if got := api.BucketRange(other).Contains(id); got != (other == n) {
					t.Fatalf("%q is in bucket %d, and in the range of %d: %v", id, n, other, got)
				}
			}
			r := api.BucketRange(n)
			if r.After(id).Contains(id) || !r.Through(id).Contains(id) || r.Through(id).Contains(id+"\x00") || r.After(id).Contains(id+"\x00") != r.Contains(id+"\x00") {
				t.Fatalf("the range of %q is not parted by it", id)
			}
		}
	})
}

func uuidOf(t *rapid.T, label string) string {
	var id uuid.UUID
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
	return id.String()
}

// state is a version and the ContentHash of an entity.
type state struct {
	version int64
	content uint64
}

func drawRows(t *rapid.T) map[string]state {
	rows := map[string]state{}
	for range rapid.IntRange(0, 30).Draw(t, "rows") {
		rows[uuidOf(t, "id")] = state{rapid.Int64Range(1, 1<<52).Draw(t, "version"), rapid.Uint64().Draw(t, "content")}
	}
	return rows
}

func digestOf(rows map[string]state) *api.Digest {
	d := new(api.Digest)
	for id, row := range rows { // in whatever order
		d.Add(id, row.version, row.content)
	}
	return d
}

// TestDigestFindsTheBucket: any difference in one entity shows in its bucket, in
// no other, and is gone when it is undone.
func TestDigestFindsTheBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		d, other := digestOf(rows), digestOf(rows)
		if *d != *other || len(d.Diff(other)) > 0 || d.Count != int64(len(rows)) {
			t.Fatalf("the same rows have other digests: %v", d.Diff(other))
		}
		id := uuidOf(t, "changed")
		now := state{rapid.Int64Range(1, 100).Draw(t, "version"), 1}
		had, there := rows[id]
		if !there && len(rows) > 0 && rapid.Bool().Draw(t, "a row that is there") {
			id = slices.Sorted(maps.Keys(rows))[0]
			had, there = rows[id], true
		}
		if there {
			other.Remove(id, had.version, had.content)
			now = rapid.SampledFrom([]state{{had.version + 1, had.content}, {had.version, had.content + 1}}).Draw(t, "now")
		}
		other.Add(id, now.version, now.content)
		if diff := d.Diff(other); !slices.Equal(diff, []int{api.BucketOf(id)}) {
			t.Fatalf("%s changed: buckets %v differ, want %d", id, diff, api.BucketOf(id))
		}
		other.Remove(id, now.version, now.content)
		if there {
			other.Add(id, had.version, had.content)
		}
		if *d != *other {
			t.Fatal("undone, and still different")
		}
	})
}

// TestSimilarIDsDontCollide: two wrongs in one bucket don't make a right, as they
// would if hashes of similar texts were alike.
func TestSimilarIDsDontCollide(t *testing.T) {
	seen := map[uint64]string{}
	const id = "00000000-0000-4000-8000-0000000000"
	for a := range 40 {
		for b := range 40 {
			var d api.Digest
			d.Add(id+"01", int64(a), 0)
			d.Add(id+"02", int64(b), 0)
			what := fmt.Sprint(a, " and ", b)
			if other, met := seen[d.Sums[0]]; met {
				t.Fatalf("versions %s sum up to the same as %s", what, other)
			}
			seen[d.Sums[0]] = what
		}
	}
}

// TestContentHash: the hash is the same on every device and server for good, since servers store
// sums of it. The browser's tests hold JavaScript's to the same table.
func TestContentHash(t *testing.T) {
	for text, want := range map[string]uint64{
		"":                     0x1aee8d83c14d9671,
		`{"name":"Ann"}`:       0x0ba91a608e1c5c9e,
		`{"name":"É 漢 👩‍👩‍👧"}`: 0xf2c2eb345f9abadd,
	} {
		if got := api.ContentHash([]byte(text)); got != want {
			t.Errorf("%q: %#016x, want %#016x", text, got, want)
		}
	}
}

func TestDigestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := digestOf(drawRows(t))
		b, err := json.Marshal(map[string]api.Digest{"user": *d})
		if err != nil {
			t.Fatal(err)
		}
		var wire map[string]api.Digest
		if err := json.Unmarshal(b, &wire); err != nil || wire["user"] != *d {
			t.Fatalf("over the wire it became %+v (%v)", wire, err)
		}
		kept, err := d.AppendBinary([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		var back api.Digest
		if err := back.UnmarshalBinary(kept[1:]); err != nil || back != *d {
			t.Fatalf("kept, it became %+v (%v)", back, err)
		}
		if err := back.UnmarshalBinary(kept); err == nil {
			t.Fatal("a byte too many passed")
		}
	})
}

// FuzzDigest: what comes as a digest is refused, or written as it was read.
func FuzzDigest(f *testing.F) {
	sums := strings.Repeat("A", 683) + "="
	for _, s := range []string{
		`{"count":3,"buckets":"` + sums + `"}`, `{"count":-1,"buckets":"` + sums + `"}`, `{"count":1,"buckets":"AAAA"}`,
		`{}`, `null`, `[]`, `{"count":1.5}`, `{"count":9223372036854775807,"buckets":"` + strings.Repeat("_", 684) + `"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d, again api.Digest
		if json.Unmarshal(text, &d) != nil {
			return
		}
		wire, err := json.Marshal(d)
		if err != nil || d.Count < 0 {
			t.Fatalf("%q was read as %+v (%v)", text, d, err)
		}
		if err := json.Unmarshal(wire, &again); err != nil || again != d {
			t.Errorf("%q was read as %+v, and again as %+v (%v)", text, d, again, err)
		}
	})
}
