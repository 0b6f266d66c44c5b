package coding

import (
	"slices"
	"testing"
)

// FuzzAcceptEncoding: whatever a client says it accepts, it gets a coding that is
// offered, and one it does not exclude, or none.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"", "br", "gzip;q=0", "*;q=0", "identity;q=0, br;q=0.5, *", "x-gzip;q=1.5", ";q=", "br;q=NaN", "br;level=3"} {
		f.Add(s, "gzip")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		offered := []string{Identity, Brotli, Gzip}
		accept := []string{one, other}
		best, ok := Choose(accept, offered...)
		if !ok {
			return
		}
		if !slices.Contains(offered, best) {
			t.Errorf("%q gets %q", accept, best)
		}
		if q, named := parseAccept(accept)[best]; named && !(q > 0 && q <= 1) {
			t.Errorf("%q gets %s, which it likes %v", accept, best, q)
		}
	})
}
