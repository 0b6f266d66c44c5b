package api

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"testing"
)

// TestHashesAreAsTheyWere: servers keep sums of them.
func TestHashesAreAsTheyWere(t *testing.T) {
	for _, id := range []string{"", "a", "00000000-0000-4000-8000-000000000001", string(make([]byte, 200))} {
		for _, version := range []int64{0, 1, -1, 1 << 60} {
			content := uint64(version)*31 + uint64(len(id))
			h := fnv.New64a()
			_, _ = fmt.Fprintf(h, "%s:%d%s", id, version, binary.BigEndian.AppendUint64(nil, content))
			x := h.Sum64()
			x = (x ^ x>>33) * 0xff51afd7ed558ccd
			x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
			if got, want := hashOf(id, version, content), x^x>>33; got != want {
				t.Errorf("%q, version %d: %x, want %x", id, version, got, want)
			}
		}
	}
}
