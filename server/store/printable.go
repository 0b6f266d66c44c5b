package store

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
)

// Print is fmt.Fprintf with its texts made Printable, errors' and names' included: only the
// format breaks lines. Whatever a command tells an operator is written by it, since a file's
// name, a stored text or another program's error may hold anything.
func Print(w io.Writer, format string, args ...any) error {
	clean := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case error:
			clean[i] = Printable(strings.ReplaceAll(v.Error(), "\n", "; ")) // of errors that are joined
		case fmt.Stringer:
			clean[i] = Printable(v.String())
		default:
			if clean[i] = arg; reflect.ValueOf(arg).Kind() == reflect.String {
				clean[i] = Printable(reflect.ValueOf(arg).String())
			}
		}
	}
	if _, err := fmt.Fprintf(w, format, clean...); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

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
