//go:build !race

package api

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// TestFoldingAgreesWithTheLibrary holds the folding of every character to full case
// folding of golang.org/x/text/cases, whose tables would add 70 kB to each program.
func TestFoldingAgreesWithTheLibrary(t *testing.T) {
	fold := cases.Fold()
	bare := func(s string) string {
		var b strings.Builder
		for _, r := range norm.NFKD.String(s) {
			if !isAccent(r) {
				b.WriteRune(r)
			}
		}
		return norm.NFC.String(b.String())
	}
	differ := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue
		}
		s := string(r)
		ours, theirs := FoldText(s), bare(fold.String(bare(s)))
		for from, to := range letters {
			theirs = strings.ReplaceAll(theirs, string(from), to)
		}
		if unicode.Is(unicode.Cherokee, r) {
			theirs = strings.ToLower(theirs) // folded to capitals there, which came first
		}
		if ours != theirs {
			if differ++; differ < 20 {
				t.Errorf("%U %q is folded to %q, and the library has %q", r, s, ours, theirs)
			}
		}
		if again := FoldText(ours); again != ours {
			t.Errorf("%U folded twice is %q, once %q", r, again, ours)
		}
	}
	if differ > 0 {
		t.Errorf("%d characters differ", differ)
	}
}
