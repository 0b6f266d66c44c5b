package api

import (
	"strings"
	"unicode/utf8"
)

// isAddress reports whether s is an address and nothing else: an addr-spec of RFC 5322, section
// 3.4.1, with dot-atoms on both sides, and non-ASCII letters as in RFC 6532. It accepts what
// net/mail returns unchanged, except for domain literals such as [192.0.2.1]. That package
// would add some 10 kB to each wasm program.
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && isDotAtom(local) && isDotAtom(domain)
}

// isDotAtom reports whether s is atoms joined by single dots.
func isDotAtom(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, notAtomText) {
			return false
		}
	}
	return true
}

func notAtomText(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r >= utf8.RuneSelf:
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}
