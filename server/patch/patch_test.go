package patch_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"pgregory.net/rapid"
	"testing"

	"github.com/rollcall/rollcall/server/patch"
)

// apply is what web/sw.js does.
func apply(old, p []byte) []byte {
	number := func() int {
		n := int32(binary.LittleEndian.Uint32(p))
		p = p[4:]
		return int(n)
	}
	out, pieces, gaps, changes := make([]byte, 0, number()), number(), number(), number()
	rest := p[12*pieces:]
	added, from := rest[gaps+changes:], 0
	for range pieces {
		copied, fresh, skip := number(), number(), number()
		out = append(append(out, old[from:from+copied]...), added[:fresh]...)
		added, from = added[fresh:], from+copied+skip
	}
	at, change := 0, rest[gaps:]
	for _, gap := range rest[:gaps] {
		at += int(gap)
		if gap < 255 {
			out[at] += change[0]
			at, change = at+1, change[1:]
		}
	}
	return out
}

// TestAPatchIsSmall: what has moved is copied, and what refers to it is changed.
func TestAPatchIsSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	program := func(calls []uint32, shift uint32) []byte {
		var b []byte
		for i, call := range calls {
			if call >= 500 {
				call += shift // what is called has moved
			}
			b = binary.LittleEndian.AppendUint32(append(b, "an instruction or two "...), call)
			if i == 500 {
				b = append(b, bytes.Repeat([]byte("new "), int(shift))...)
			}
		}
		return b
	}
	calls := make([]uint32, 2000)
	for i := range calls {
		calls[i] = random.Uint32N(1000)
	}
	old, new := program(calls, 0), program(calls, 50)
	p := patch.Make(old, new)
	if !bytes.Equal(apply(old, p), new) {
		t.Fatal("the patch makes something else")
	}
	if pieces := binary.LittleEndian.Uint32(p[4:]); pieces > 4 || len(p) > len(new)/8 {
		t.Errorf("the patch has %d pieces and %d bytes, for %d", pieces, len(p), len(new))
	}
}

func TestAnyFileBecomesAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few different pieces, so that they come again.
		texts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 1, 6).Draw(t, "texts")
		file := func(name string) []byte {
			return bytes.Join(rapid.SliceOfN(rapid.SampledFrom(texts), 0, 60).Draw(t, name), nil)
		}
		old, new := file("old"), file("new")
		for range rapid.IntRange(0, 9).Draw(t, "changes") {
			if len(new) > 0 {
				new[rapid.IntRange(0, len(new)-1).Draw(t, "at")]++
			}
		}
		if got := apply(old, patch.Make(old, new)); !bytes.Equal(got, new) {
			t.Fatalf("%x became %x, want %x", old, got, new)
		}
	})
}
