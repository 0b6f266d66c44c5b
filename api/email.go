package api

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkEmail says what is wrong with an email in its stored form, "" for nothing.
func checkEmail(s string) string {
	switch {
	case s == "":
		return detail(IsRequired)
	case len(s) > MaxEmail:
		return detail(isLongEmail, strconv.Itoa(len(s)), strconv.Itoa(MaxEmail))
	case !utf8.ValidString(s):
		return detail(isNoText)
	case strings.ContainsFunc(s, func(r rune) bool { return isIgnorable(r) || r > 0x7F && unicode.IsSpace(r) }):
		return detail(hasUnseen)
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || !isDotAtom(local) || !isDotAtom(domain) {
		return detail(isNoEmail)
	}
	// A full-width or a long s looks like the plain letter and is not it: two addresses
	// that nobody can tell apart (RFC 8264, section 9.17, takes no such characters either).
	if norm.NFKC.String(s) != s {
		return detail(hasLookalike)
	}
	// So do the quotes and dashes that keyboards put in the place of plain ones.
	if i := strings.IndexFunc(local, isForeignSign); i >= 0 {
		sign, _ := utf8.DecodeRuneInString(local[i:])
		return detail(hasForeignSign, strconv.QuoteRune(sign))
	}
	return checkDomain(domain)
}

// isForeignSign reports whether a character beyond ASCII is neither letter, mark nor
// digit, nor one of the signs that words are spelled with (RFC 8264, section 9.6; RFC 5892,
// 2.6): no identifier has it.
func isForeignSign(r rune) bool {
	return r >= utf8.RuneSelf && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("·͵׳״・", r)
}

// checkDomain refuses what no domain name has (RFC 5890, 2.3.2.1: letters, marks, digits
// and hyphens).
func checkDomain(domain string) string {
	for label := range strings.SplitSeq(domain, ".") {
		ascii, err := aLabel(label)
		switch {
		case errors.Is(err, errLongLabel), len(ascii) > maxDomainLabel:
			return detail(hasLongLabel)
		case err != nil, strings.HasPrefix(label, "-"), strings.HasSuffix(label, "-"):
			return detail(hasNoLabel, strconv.Quote(label))
		}
	}
	return ""
}

// isDotAtom reports whether s is atoms joined by single dots: a side of the addr-spec of
// RFC 5322, section 3.4.1, with letters beyond ASCII as of RFC 6532. It agrees with
// net/mail on what that package gives back unchanged, but for domain literals such as
// [192.0.2.1], which are no address of a person. That package would add some 10 kB to
// each wasm program.
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, notAtomText) {
			return false
		}
	}
	return true
}

func notAtomText(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	case r >= utf8.RuneSelf:
		return unicode.IsControl(r)
	}
	return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// EmailKey is what makes two emails one: composed, lower case letter by letter (so that
// ß is not ss: mail to the one does not reach the other), and the domain in the ASCII
// form that DNS knows (RFC 5890).
func EmailKey(email string) string {
	email = normalLine(email)
	if isASCII(email) { // and so are its labels
		return strings.ToLower(email)
	}
	email = norm.NFC.String(strings.Map(unicode.ToLower, email))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	labels := strings.Split(email[at+1:], ".")
	for i, label := range labels {
		if ascii, err := aLabel(label); err == nil {
			labels[i] = ascii
		}
	}
	return email[:at+1] + strings.Join(labels, ".")
}
