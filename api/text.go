package api

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NormalText returns a text in the one form in which texts are stored and compared:
// composed (NFC, Unicode Standard Annex 15), with lines that end in LF.
func NormalText(s string) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return norm.NFC.String(s)
}

// normalLine is NormalText of a text on one line, without what nobody sees at its ends:
// copied addresses and names bring marks of direction, joiners and odd spaces along.
func normalLine(s string) string {
	return trimEnd(strings.TrimLeftFunc(NormalText(s), func(r rune) bool { return unicode.IsSpace(r) || isIgnorable(r) }))
}

func trimEnd(s string) string {
	return strings.TrimRightFunc(s, func(r rune) bool {
		// These belong to the sign before them: the colour of a heart, the end of a flag.
		return unicode.IsSpace(r) || isIgnorable(r) && !unicode.Is(unicode.Variation_Selector, r) && !isTag(r)
	})
}

// SameText reports whether a person sees no difference between two texts, of which one may
// have been stored before texts had a normal form.
func SameText(a, b string) bool {
	shown := func(s string) string { return trimEnd(strings.TrimLeftFunc(NormalText(s), isIgnorable)) }
	return a == b || shown(a) == shown(b)
}

// isIgnorable reports whether a character has the derived property
// Default_Ignorable_Code_Point (Unicode Standard, section 5.21): it shows nothing.
func isIgnorable(r rune) bool {
	switch {
	case r < 0xAD, r >= 0xFFF9 && r <= 0xFFFB, r >= 0x13430 && r <= 0x1343F, unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func isTag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

// showsNothing reports whether a reader of the text sees an empty place.
func showsNothing(s string) bool {
	const brailleBlank = '\u2800'
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.IsControl(r) && !isIgnorable(r) && r != brailleBlank
	})
}

// FoldText returns the form in which texts are searched and ordered, on the device as
// at the server: without regard to case, to accents, and to how a letter is composed.
// It is no locale's, so that every device has one order. Folding a part of a text gives
// a part of the folded text, but for marks that compose across the cut.
func FoldText(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		switch {
		case isAccent(r):
		case letters[r] != "":
			b.WriteString(letters[r])
		default:
			// By way of the upper case: ς and σ have one, ſ and s, ı and i.
			r = unicode.ToLower(unicode.ToUpper(r))
			if plain := letters[r]; plain != "" {
				b.WriteString(plain)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return norm.NFC.String(b.String())
}

// letters are those that a reader looks for under other letters, though they do not
// decompose into them, and the signs that keyboards put in the place of plain ones.
var letters = map[rune]string{
	'æ': "ae", 'œ': "oe", 'ß': "ss", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'þ': "th", 'ħ': "h", 'ŧ': "t", 'ŋ': "n", 'ı': "i",
	'‘': "'", '’': "'", 'ʼ': "'", 'ʻ': "'", '′': "'", '“': `"`, '”': `"`, '„': `"`, '‐': "-", '–': "-", '—': "-", '−': "-",
	'ی': "ي", 'ى': "ي", 'ک': "ك", 'ة': "ه", // keyboards of Persian and Arabic have different ones
	'ƶ': "z", 'ɨ': "i", 'ʉ': "u", 'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ƴ': "y",
}

// isAccent reports whether a character is a mark that a reader does without in a
// search: the accents of Latin, Greek and Cyrillic, the points of Hebrew and the
// vowel signs and the stretching of Arabic. The marks of Indic and Thai are letters of their own.
func isAccent(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r <= 0x36F, r >= 0x483 && r <= 0x487, r >= 0x591 && r <= 0x5BD, r == 0x5BF, r == 0x5C1, r == 0x5C2, r == 0x5C4, r == 0x5C5, r == 0x5C7,
		r >= 0x610 && r <= 0x61A, r >= 0x64B && r <= 0x65F, r == 0x640, r == 0x670, r >= 0x6D6 && r <= 0x6DC, r >= 0x6DF && r <= 0x6E4,
		r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF, r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	}
	return isIgnorable(r)
}
