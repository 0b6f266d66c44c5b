package store

import (
	"strings"
	"unicode"
)

// Printable returns a text from outside as it may be shown to an operator or echoed: without
// what drives a terminal, turns what stands behind it round, or breaks the line.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u2028' || r == '\u2029' || unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
			return '?'
		}
		return r
	}, text)
}

// PrintableStart is Printable of a text's start.
func PrintableStart(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return Printable(text)
}
