package static

import "testing"

// FuzzAcceptEncoding: whatever a client says it accepts, it gets a variant there
// is, and one it does not exclude, or none.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"", "br", "gzip;q=0", "*;q=0", "identity;q=0, br;q=0.5, *", "x-gzip;q=1.5", ";q=", "br;q=NaN", "br;level=3"} {
		f.Add(s, "gzip")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		variants := []variant{{coding: identity}, {coding: "br"}, {coding: "gzip"}}
		accept := []string{one, other}
		best, ok := choose(variants, accept)
		if !ok {
			return
		}
		if best.coding != identity && best.coding != "br" && best.coding != "gzip" {
			t.Errorf("%q gets %q", accept, best.coding)
		}
		if q, named := parseAccept(accept)[best.coding]; named && !(q > 0 && q <= 1) {
			t.Errorf("%q gets %s, which it likes %v", accept, best.coding, q)
		}
	})
}
