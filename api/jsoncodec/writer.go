package jsoncodec

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Writer writes one JSON text, value by value, byte by byte as encoding/json writes it.
type Writer struct{ text []byte }

// Write returns the text that a function writes.
func Write(write func(*Writer)) []byte {
	var w Writer
	write(&w)
	return w.text
}

// Open begins an object with '{' or an array with '['.
func (w *Writer) Open(sign byte) *Writer {
	w.text = append(w.text, sign)
	return w
}

// Close ends an object with '}' or an array with ']'.
func (w *Writer) Close(sign byte) { w.text = append(w.text, sign) }

// Element begins an element of an array; its value follows.
func (w *Writer) Element() *Writer {
	// No value ends like this: a text ends with a quote.
	if last := w.text[len(w.text)-1]; last != '[' && last != '{' {
		w.text = append(w.text, ',')
	}
	return w
}

// Name begins a member of an object; its value follows.
func (w *Writer) Name(name string) *Writer {
	w.Element().String(name)
	w.text = append(w.text, ':')
	return w
}

// OptionalString writes a member that is left out when it is empty.
func (w *Writer) OptionalString(name, value string) {
	if value != "" {
		w.Name(name).String(value)
	}
}

// OptionalInt writes a member that is left out when it is 0.
func (w *Writer) OptionalInt(name string, value int64) {
	if value != 0 {
		w.Name(name).Int(value)
	}
}

// Null writes null.
func (w *Writer) Null() { w.text = append(w.text, "null"...) }

// Int writes a number.
func (w *Writer) Int(n int64) { w.text = strconv.AppendInt(w.text, n, 10) }

// Bool writes a truth value.
func (w *Writer) Bool(b bool) { w.text = strconv.AppendBool(w.text, b) }

// Time writes a time; the zero time for one that RFC 3339 doesn't have.
func (w *Writer) Time(t time.Time) {
	quoted, err := t.AppendText(append(w.text, '"'))
	if err != nil {
		w.Time(time.Time{})
		return
	}
	w.text = append(quoted, '"')
}

// String writes a text. What is not UTF-8 becomes U+FFFD.
func (w *Writer) String(s string) {
	b := append(w.text, '"')
	from := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if i++; c < ' ' || c == '"' || c == '\\' || needsEscape(c) {
				b = appendEscape(append(b, s[from:i-1]...), c)
				from = i
			}
			continue
		}
		char, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case char == utf8.RuneError && size == 1:
			b = append(append(b, s[from:i]...), `\ufffd`...)
			from = i + size
		case char == '\u2028' || char == '\u2029':
			b = appendLineEnd(append(b, s[from:i]...), char)
			from = i + size
		}
		i += size
	}
	w.text = append(append(b, s[from:]...), '"')
}

// needsEscape reports whether a page of HTML might take the character for its own.
func needsEscape(c byte) bool { return c == '<' || c == '>' || c == '&' }

func appendEscape(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// appendLineEnd escapes the two line ends that JavaScript has and JSON hasn't.
func appendLineEnd(b []byte, char rune) []byte {
	return append(b, '\\', 'u', '2', '0', '2', byte('8'+char-'\u2028'))
}

// Raw writes a value that is JSON already, without the white space in it; null for one that
// is not.
func (w *Writer) Raw(value json.RawMessage) {
	if !Valid(value) {
		w.Null()
		return
	}
	from, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			i++
		case needsEscape(c):
			w.text = appendEscape(append(w.text, value[from:i]...), c)
			from = i + 1
		case !quoted && c <= ' ':
			w.text = append(w.text, value[from:i]...)
			from = i + 1
		case c == 0xE2 && i+2 < len(value) && value[i+1] == 0x80 && value[i+2]&^1 == 0xA8:
			w.text = appendLineEnd(append(w.text, value[from:i]...), '\u2028'+rune(value[i+2]&1))
			from = i + 3
		}
	}
	w.text = append(w.text, value[from:]...)
}

// WriteSlice writes an array; null for nil.
func WriteSlice[T any](w *Writer, all []T, write func(T, *Writer)) {
	if all == nil {
		w.Null()
		return
	}
	w.Open('[')
	for _, value := range all {
		write(value, w.Element())
	}
	w.Close(']')
}

// WriteMap writes an object with its names in order; null for nil.
func WriteMap[T any](w *Writer, all map[string]T, write func(*Writer, T)) {
	if all == nil {
		w.Null()
		return
	}
	w.Open('{')
	for _, name := range slices.Sorted(maps.Keys(all)) {
		write(w.Name(name), all[name])
	}
	w.Close('}')
}
