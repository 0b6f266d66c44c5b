package rand_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/web/build/standin/rand"
)

func TestEveryByteIsRandom(t *testing.T) {
	for size := range 30 {
		either := make([]byte, size) // the bits that were ever set
		for range 200 {
			b := make([]byte, size)
			if n, err := io.ReadFull(rand.Reader, b); n != size || err != nil {
				t.Fatalf("%d of %d: %v", n, size, err)
			}
			for i := range b {
				either[i] |= b[i]
			}
		}
		if !bytes.Equal(either, bytes.Repeat([]byte{0xff}, size)) {
			t.Errorf("of %d bytes some bits are never set: %x", size, either)
		}
	}
}

func TestIdsDiffer(t *testing.T) {
	seen := map[uuid.UUID]bool{}
	for range 10_000 {
		id, err := uuid.NewRandomFromReader(rand.Reader)
		if err != nil || seen[id] || id.Version() != 4 {
			t.Fatalf("%s (%v)", id, err)
		}
		seen[id] = true
	}
}
