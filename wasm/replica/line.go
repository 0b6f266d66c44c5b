package replica

import (
	"hash/crc32"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Everything that is stored is lines. A line is a letter that says what it is, its fields,
// and a sum over all that, each behind a tab. A line whose sum is wrong counts as absent;
// the lines around it keep their meaning, because none depends on its place.

const (
	sumDigits = 8
	escape    = 0x1b // before a tab, a line feed or itself, each as the letter 64 above it
)

// writer writes lines.
type writer struct {
	text  []byte
	begin int // of the line
}

func (w *writer) start(kind byte) *writer {
	w.begin = len(w.text)
	w.text = append(w.text, kind)
	return w
}

func (w *writer) end() {
	sum := crc32.ChecksumIEEE(w.text[w.begin:])
	w.text = append(w.text, '\t')
	for shift := 28; shift >= 0; shift -= 4 {
		w.text = append(w.text, "0123456789abcdef"[sum>>shift&15])
	}
	w.text = append(w.text, '\n')
}

// copy writes a line that was read.
func (w *writer) copy(line string) {
	w.begin = len(w.text)
	w.text = append(w.text, line...)
	w.end()
}

func (w *writer) number(n int64) *writer {
	w.text = strconv.AppendInt(append(w.text, '\t'), n, 10)
	return w
}

// time writes a time to the nanosecond; nothing for the zero time.
func (w *writer) time(t time.Time) *writer {
	w.text = append(w.text, '\t')
	if !t.IsZero() {
		w.text = strconv.AppendInt(w.text, t.Unix(), 10)
		w.text = strconv.AppendInt(append(w.text, '.'), int64(t.Nanosecond()), 10)
	}
	return w
}

func (w *writer) string(s string) *writer {
	w.text = appendField(append(w.text, '\t'), s)
	return w
}

func (w *writer) bytes(b []byte) *writer {
	w.text = appendField(append(w.text, '\t'), b)
	return w
}

// appendField appends a text of which the separators are escaped, and which a database
// that keeps UTF-16 gives back byte by byte.
func appendField[T string | []byte](b []byte, s T) []byte {
	plain := true
	for i := range len(s) {
		if s[i]-0x20 >= 0x60 { // above ASCII, or a control character
			plain = false
			break
		}
	}
	if plain {
		return append(b, s...)
	}
	for _, r := range string(s) { // a byte that is no UTF-8 becomes U+FFFD, as in api.ContentHash
		if r == '\t' || r == '\n' || r == escape {
			b, r = append(b, escape), r+64
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// unescape undoes appendField.
func unescape(s string) string {
	at := strings.IndexByte(s, escape)
	if at < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:at]...)
	for i := at; i < len(s); i++ {
		if s[i] == escape && i+1 < len(s) {
			i++
			b = append(b, s[i]-64)
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// lines calls each with every line of a text, without its sum. damaged, unless nil, gets
// those with a wrong sum as they are. trusted says that the sums need no check.
func lines(text string, trusted bool, each func(kind byte, f fields), damaged func(line string)) {
	for from := 0; from < len(text); {
		end := strings.IndexByte(text[from:], '\n')
		line, torn := text[from:], end < 0
		if !torn {
			line = text[from : from+end]
		}
		body := len(line) - sumDigits - 1
		switch {
		case torn, body < 1, line[body] != '\t', !trusted && !sound(line[:body], line[body+1:]):
			if damaged != nil {
				damaged(line)
			}
		default:
			each(line[0], fields{at: from, line: line[:body], rest: line[1:body]})
		}
		from += len(line) + 1
	}
}

func sound(body, digits string) bool {
	sum := crc32.ChecksumIEEE(unsafe.Slice(unsafe.StringData(body), len(body)))
	for i := range sumDigits {
		if digits[i] != "0123456789abcdef"[sum>>(28-4*i)&15] {
			return false
		}
	}
	return true
}

// fields are what is left to read of a line. bad is set by a field that is missing or
// malformed, which then has its zero value.
type fields struct {
	at   int    // where the line begins in its text
	line string // all of it
	rest string
	bad  bool
}

func (f *fields) more() bool { return f.rest != "" }

func (f *fields) raw() string {
	if f.rest == "" {
		f.bad = true
		return ""
	}
	s := f.rest[1:]
	if i := strings.IndexByte(s, '\t'); i >= 0 {
		s, f.rest = s[:i], s[i:]
		return s
	}
	f.rest = ""
	return s
}

func (f *fields) string() string { return unescape(f.raw()) }

func (f *fields) number() int64 {
	n, err := strconv.ParseInt(f.raw(), 10, 64)
	f.bad = f.bad || err != nil
	return n
}

func (f *fields) time() time.Time {
	s := f.raw()
	if s == "" {
		return time.Time{}
	}
	whole, part, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	nanos, err2 := strconv.ParseInt(part, 10, 64)
	f.bad = f.bad || err != nil || err2 != nil
	return time.Unix(seconds, nanos).UTC()
}
