package roster

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A spreadsheet takes a cell that begins like a formula for one, and runs it: a user could
// write one into a bio for whoever opens the export. An apostrophe before it makes it text.
//
// Where a cell begins is the spreadsheet's to say: it splits at the separator of its country,
// or at the one that was chosen last. So each place behind a separator that a program takes
// by itself may be the beginning of a cell, as is the beginning of the text. What programs
// skip there, spaces, quotes and what nobody sees, may come before the formula.
//
// An apostrophe is put before whatever looks so already, with any number of apostrophes of
// the person's own, so that taking one away at each such place gives the text back.
const (
	formulaSigns = "=+-@＝＋－＠﹦﹢﹣﹫"
	lineEndSigns = "\t\r\n" // begin a formula for some programs, at the beginning of a text
	cellEnds     = separators + "\r\n\v\f\u0085\u2028\u2029"
)

// guard returns a text that no spreadsheet runs a part of.
func guard(text string) string {
	var b strings.Builder
	for start, place := range places(text) {
		if isFormula(place, start == 0) {
			b.WriteByte('\'')
		}
		b.WriteString(place)
	}
	return b.String()
}

// unguard is the reverse of guard. Older versions guarded the beginning of a text only: where
// an apostrophe is missing at a place, those at the others are the person's.
func unguard(text string) string {
	var b strings.Builder
	for start, place := range places(text) {
		if isFormula(place, start == 0) {
			rest, guarded := strings.CutPrefix(place, "'")
			if !guarded {
				return unguardStart(text)
			}
			place = rest
		}
		b.WriteString(place)
	}
	return b.String()
}

func unguardStart(text string) string {
	rest := strings.TrimLeft(text, "'")
	if first, _ := utf8.DecodeRuneInString(rest); rest != text && strings.ContainsRune(formulaSigns+lineEndSigns, first) {
		return text[1:]
	}
	return text
}

// places yields the parts of a text that may each become a cell, with what ends them, and
// where they start.
func places(text string) func(yield func(start int, place string) bool) {
	return func(yield func(int, string) bool) {
		for start := 0; start < len(text); {
			end := len(text)
			if at := strings.IndexAny(text[start:], cellEnds); at >= 0 {
				_, size := utf8.DecodeRuneInString(text[start+at:])
				end = start + at + size
			}
			if !yield(start, text[start:end]) {
				return
			}
			start = end
		}
	}
}

// isFormula reports whether a spreadsheet may run a text as a cell.
func isFormula(text string, first bool) bool {
	for _, r := range text {
		switch {
		case strings.ContainsRune(formulaSigns, r), first && strings.ContainsRune(lineEndSigns, r):
			return true
		case strings.ContainsRune(cellEnds, r), !isSkipped(r):
			return false
		}
	}
	return false
}

// isSkipped reports whether a program may pass over a character at the beginning of a cell.
func isSkipped(r rune) bool {
	const brailleBlank = '\u2800'
	return r == '\'' || r == '"' || r == brailleBlank || unicode.IsSpace(r) ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
