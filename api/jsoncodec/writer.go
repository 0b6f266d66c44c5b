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
	w := Writer{make([]byte, 0, 512)} // most texts
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
	text, err := t.MarshalText()
	if err != nil {
		text, _ = time.Time{}.MarshalText()
	}
	w.text = append(w.text, '"')
	w.text = append(w.text, text...)
	w.text = append(w.text, '"')
}

// String writes a text. What is not UTF-8 becomes U+FFFD.
func (w *Writer) String(s string) {
	w.text = append(w.text, '"')
	from := 0
	for i := 0; i < len(s); {
		char, size := rune(s[i]), 1
		if char >= utf8.RuneSelf {
			char, size = utf8.DecodeRuneInString(s[i:])
		}
		if char < ' ' || char == '"' || char == '\\' || inScripts(char) || char == utf8.RuneError && size == 1 {
			w.text = append(w.text, s[from:i]...)
			w.escape(char)
			from = i + size
		}
		i += size
	}
	w.text = append(w.text, s[from:]...)
	w.text = append(w.text, '"')
}

// inScripts reports whether a page of HTML or a script might take the character for its own.
func inScripts(char rune) bool {
	return char == '<' || char == '>' || char == '&' || char|1 == '\u2029'
}

// escapes are those of one letter, each behind its character.
const escapes = "\"\"\\\\\bb\ff\nn\rr\tt"

// escape writes the escape of a character.
func (w *Writer) escape(char rune) {
	const digits = "0123456789abcdef"
	for i := 0; i < len(escapes); i += 2 {
		if rune(escapes[i]) == char {
			w.text = append(w.text, '\\', escapes[i+1])
			return
		}
	}
	w.text = append(w.text, '\\', 'u', digits[char>>12&15], digits[char>>8&15], digits[char>>4&15], digits[char&15])
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
		char, size := rune(value[i]), 1
		switch char {
		case '"':
			quoted = !quoted
		case '\\':
			i++
			continue
		case 0xE2: // how the line ends of scripts begin
			char, size = utf8.DecodeRune(value[i:])
		}
		space := !quoted && char <= ' '
		if !space && !inScripts(char) {
			continue
		}
		w.text = append(w.text, value[from:i]...)
		if !space {
			w.escape(char)
		}
		i += size - 1
		from = i + 1
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
