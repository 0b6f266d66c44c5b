package api

import (
	"net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// byNetMail is what the standard library accepts as an address and gives back
// unchanged.
func byNetMail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && !strings.Contains(s, "[")
}

func TestIsAddressAgreesWithNetMail(t *testing.T) {
	for _, s := range []string{
		"ann@example.org", "a.b+c@x", "ann", "@x", "a@", "a@@b", "a..b@x", ".a@x", "a.@x", "a@x.", "Ann <ann@x>", "<a@x>",
		`"a b"@x`, "a b@x", "a@x y", "a@[192.0.2.1]", "ä@exämple.org", "a(c)@x", "a,b@x", "a\xff@x", " a@x", "a@x\n", "",
	} {
		if got, want := isAddress(s), byNetMail(s); got != want {
			t.Errorf("%q: %v, net/mail says %v", s, got, want)
		}
	}
	text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab1.@@.-+_"<>(),;: []é\`)), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		if got, want := isAddress(s), byNetMail(s); got != want {
			t.Fatalf("%q: %v, net/mail says %v", s, got, want)
		}
	})
}
