// Package rand stands in for crypto/rand, which package uuid reads. Ids must be
// unique, not secret, and the generator behind math/rand/v2 is one for ciphers, ChaCha8,
// with a seed from the browser's crypto.getRandomValues. crypto/rand would bring the
// whole of a FIPS 140 module along.
package rand

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// Reader reads random bytes.
var Reader io.Reader = reader{}

type reader struct{}

func (reader) Read(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], rand.Uint64())
		rest = rest[copy(rest, word[:]):]
	}
	return len(b), nil
}
