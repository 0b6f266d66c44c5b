package jsoncodec

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// maxDepth is how deep values may nest, as in encoding/json.
const maxDepth = 10_000

// Reader reads one JSON text, value by value. After the first mistake in the text it is at
// its end: every method then returns the zero value, and End the mistake.
//
// A method returns the zero value for null, too, as encoding/json leaves a field as it is.
type Reader struct {
	// Name is the name of the member that Member went to. The next call of Member
	// overwrites it.
	Name []byte

	text  []byte
	at    int
	depth int
	inner inner
	err   error
}

// inner is where a Reader is in an object or an array.
type inner int

const (
	behind  inner = iota // an element
	before               // the first element
	nothing              // null instead of it
)

// NewReader returns a reader of a text, which must not change as long as what was read from
// it is in use.
func NewReader(text []byte) *Reader { return &Reader{text: text} }

// Parse reads a text that holds one value and nothing else.
func Parse[T any](text []byte, read func(*Reader) T) (T, error) {
	r := NewReader(text)
	value := read(r)
	if err := r.End(); err != nil {
		var none T
		return none, err
	}
	return value, nil
}

// Valid reports whether a text is one JSON value.
func Valid(text []byte) bool {
	r := NewReader(text)
	r.Skip()
	return r.End() == nil
}

// End returns the first mistake. What follows the value that was read is one.
func (r *Reader) End() error {
	r.peek()
	if r.err == nil && r.at < len(r.text) {
		r.fail("nothing more")
	}
	return r.err
}

// Fail notes what a value must be that was read last and is not.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.text)
}

func (r *Reader) fail(expected string) {
	r.Fail(errors.New("byte " + strconv.Itoa(r.at) + " of the JSON: " + expected + " is expected"))
}

// peek goes past white space and returns the character there, 0 at the end.
func (r *Reader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take goes past a character, if it is next.
func (r *Reader) take(c byte) bool {
	if r.peek() == c && r.at < len(r.text) {
		r.at++
		return true
	}
	return false
}

// word goes past one of the three names, if it is next.
func (r *Reader) word(name string) bool {
	if r.peek() == name[0] && len(r.text)-r.at >= len(name) && string(r.text[r.at:r.at+len(name)]) == name {
		r.at += len(name)
		return true
	}
	return false
}

// Null goes past a null, if it is next.
func (r *Reader) Null() bool { return r.word("null") }

// Object begins an object, the members of which Member goes through:
//
//	for r.Object(); r.Member(); {
//		switch string(r.Name) {
//		case "id":
//			id = r.String()
//		default:
//			r.Skip()
//		}
//	}
func (r *Reader) Object() { r.begin('{', "an object") }

// Array begins an array, the elements of which Element goes through.
func (r *Reader) Array() { r.begin('[', "an array") }

func (r *Reader) begin(sign byte, what string) {
	switch {
	case r.take(sign):
		r.inner = before
		r.depth++
		if r.depth > maxDepth {
			r.fail("no deeper nesting")
		}
	case r.Null():
		r.inner = nothing
	default:
		r.fail(what)
	}
}

// Member goes to the value of the next member and sets Name. It returns false at the end.
// Each value must be read.
func (r *Reader) Member() bool {
	if !r.next('}') {
		return false
	}
	raw, plain := r.quoted()
	if r.Name = raw; !plain {
		r.Name = unquote(raw)
	}
	if !r.take(':') {
		r.fail("a colon")
	}
	return r.err == nil
}

// Element goes to the next element of an array. It returns false at the end. Each element
// must be read.
func (r *Reader) Element() bool { return r.next(']') }

func (r *Reader) next(end byte) bool {
	was := r.inner
	r.inner = behind
	switch {
	case r.err != nil || was == nothing:
		return false
	case r.take(end):
		r.depth--
		return false
	case was == behind && !r.take(','):
		r.fail("a comma or an end")
	}
	return r.err == nil
}

// Skip goes past a value of any kind.
func (r *Reader) Skip() {
	switch c := r.peek(); {
	case c == '"':
		r.quoted()
	case c == '{':
		for r.Object(); r.Member(); {
			r.Skip()
		}
	case c == '[':
		for r.Array(); r.Element(); {
			r.Skip()
		}
	case !r.Null() && !r.word("true") && !r.word("false"):
		r.number()
	}
}

// Raw returns a value as it stands in the text, of which it is a part; null is null. The
// result is nil after a mistake.
func (r *Reader) Raw() json.RawMessage {
	r.peek()
	from := r.at
	r.Skip()
	if r.err != nil {
		return nil
	}
	return r.text[from:r.at:r.at]
}

// String reads a text. What is not UTF-8 becomes U+FFFD.
func (r *Reader) String() string {
	if r.Null() {
		return ""
	}
	raw, plain := r.quoted()
	if plain {
		return string(raw)
	}
	return string(unquote(raw))
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	if r.word("true") {
		return true
	}
	if !r.word("false") && !r.Null() {
		r.fail("true or false")
	}
	return false
}

// Int reads a whole number.
func (r *Reader) Int() int64 {
	if r.Null() {
		return 0
	}
	from := r.at
	n, err := strconv.ParseInt(string(r.number()), 10, 64)
	if err != nil {
		r.at = from
		r.fail("a whole number of 64 bits")
		return 0
	}
	return n
}

// Time reads a time of RFC 3339.
func (r *Reader) Time() (t time.Time) {
	if r.Null() {
		return t
	}
	from := r.at
	raw, _ := r.quoted() // with an escape it is no time to encoding/json either
	if r.err == nil && t.UnmarshalText(raw) != nil {
		r.at = from
		r.fail("a time")
		return time.Time{}
	}
	return t
}

// Any reads a value of any kind, as encoding/json reads it into an any.
func (r *Reader) Any() any {
	switch r.peek() {
	case '"':
		return r.String()
	case '{':
		return Map(r, (*Reader).Any)
	case '[':
		return Slice(r, (*Reader).Any)
	case 't', 'f':
		return r.Bool()
	}
	if r.Null() {
		return nil
	}
	from := r.at
	n, err := strconv.ParseFloat(string(r.number()), 64)
	if err != nil {
		r.at = from
		r.fail("a number of 64 bits")
	}
	return n
}

// Pointer reads a value that may be null, which is nil.
func Pointer[T any](r *Reader, read func(*Reader) T) *T {
	if r.Null() {
		return nil
	}
	value := read(r)
	return &value
}

// Slice reads an array; null is nil.
func Slice[T any](r *Reader, read func(*Reader) T) []T {
	if r.Null() {
		return nil
	}
	all := []T{}
	for r.Array(); r.Element(); {
		all = append(all, read(r))
	}
	return all
}

// Map reads an object, of whatever members; null is nil. Of two members of one name it has
// the last.
func Map[T any](r *Reader, read func(*Reader) T) map[string]T {
	if r.Null() {
		return nil
	}
	all := map[string]T{}
	for r.Object(); r.Member(); {
		name := string(r.Name)
		all[name] = read(r)
	}
	return all
}

// number goes past a number and returns it.
func (r *Reader) number() []byte {
	r.peek()
	from := r.at
	r.is('-')
	whole := r.is('0') || r.digits()
	ok := whole && (!r.is('.') || r.digits())
	if ok && (r.is('e') || r.is('E')) {
		_ = r.is('+') || r.is('-')
		ok = r.digits()
	}
	if !ok {
		r.fail("a value")
		return nil
	}
	return r.text[from:r.at]
}

// is goes past a character, if it is next, and not past white space before it.
func (r *Reader) is(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// digits goes past one or more digits.
func (r *Reader) digits() bool {
	from := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at > from
}

// IsObject reports whether a text is an object and nothing else, without white space around
// it.
func IsObject(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{")) && bytes.HasSuffix(text, []byte("}")) && Valid(text)
}
