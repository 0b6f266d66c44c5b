package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// objectParser makes an entry of an object.
type objectParser func(line int, text string, seen *census) (Entry, *Message)

// jsonLines reads one JSON object a line.
type jsonLines struct {
	source *source
	parse  objectParser
}

// Next implements parser.
func (r *jsonLines) Next() (Line, error) {
	for {
		text, err := r.source.next()
		if err != nil {
			return Line{}, err
		}
		line := Line{Number: r.source.number, Problem: r.source.check(text)}
		object := strings.TrimPrefix(text.text, mark)
		if line.Problem == nil && strings.TrimSpace(object) == "" {
			continue
		}
		if line.Problem == nil {
			line.Entry, line.Problem = r.parse(line.Number, object, r.source.seen)
		}
		return line, nil
	}
}

// personOf reads a person of ours, or a contact of another program.
func personOf(line int, text string, seen *census) (e Entry, problem *Message) {
	e, foreign, problem := parseOwn(text)
	if problem == nil {
		seen.object(line, nil)
		return e, nil
	}
	if contact, problem, unread, ok := readContact(text, seen); ok {
		seen.object(line, unread)
		return contact, problem
	}
	if foreign {
		seen.object(line, problem)
	}
	return e, problem
}

// parseOwn reads a person strictly: a field that is not known, is there twice or
// has half a letter would be lost or changed in silence. The problem is foreign if it is a field
// that no person has, or not as a text.
func parseOwn(text string) (e Entry, foreign bool, problem *Message) {
	d := json.NewDecoder(strings.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return e, false, notObject(d, text, err)
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return e, false, notObject(d, text, err)
		}
		name, _ := key.(string) // a decoder takes nothing else here
		if seen[name] {
			return e, false, twice(name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return e, false, notObject(d, text, err)
		}
		if problem := foreignField(name, value); problem != nil {
			return e, true, problem
		}
		if problem := e.set(name, value); problem != nil {
			return e, false, problem
		}
	}
	return e, false, endOfObject(d, text)
}

func twice(name string) *Message { return Say("the object has the field {0} twice", Quote(name)) }

// endOfObject says what is wrong with the end of a text that has to be one object.
func endOfObject(d *json.Decoder, text string) *Message {
	if _, err := d.Token(); err != nil {
		return notObject(d, text, err)
	}
	if rest := strings.TrimSpace(text[d.InputOffset():]); rest != "" {
		return Say("there is something after the JSON object: {0}", Quote(rest))
	}
	return nil
}

// notObject says where a text stops being an object.
func notObject(d *json.Decoder, text string, err error) *Message {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Say("the line is not a JSON object: it ends too early")
	}
	if err == nil { // it is another value
		return Say("there is {0} where an object should be", Quote(strings.TrimSpace(text)))
	}
	return Say("the line is not a JSON object: it can't be read from {0} on", Quote(text[d.InputOffset():]))
}

// foreignField says that a field is none of a person's.
func foreignField(name string, value json.RawMessage) *Message {
	known, ok := meaning[name]
	switch {
	case !ok && columnName(name) != name:
		return Say("the object has a field {0}, which should be {1}", Quote(name), columnName(name))
	case !ok && value[0] == '[' && strings.HasPrefix(strings.TrimSpace(string(value[1:])), "{"):
		return Say("the object has an unknown field {0}, which is a list: import that list alone", Quote(name))
	case !ok:
		return Say("the object has an unknown field {0}", Quote(name))
	case known != unused && value[0] != '"' && string(value) != "null":
		return Say("the object has a field that is not a string: {0}", name)
	}
	return nil
}

// set sets a field of a person by its name in JSON.
func (e *Entry) set(name string, value json.RawMessage) (problem *Message) {
	known := meaning[name]
	if known == unused || string(value) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return Say("the object has a field that is not a string: {0}", name)
	}
	if hasHalfLetter(string(value)) {
		return Say("the object has half a character in the field {0}: its text was cut off there", name)
	}
	switch known {
	case idColumn:
		e.ID = text
	case nameColumn:
		e.Name = &text
	case emailColumn:
		e.Email = &text
	case bioColumn:
		e.Bio = &text
	}
	return nil
}

// hasHalfLetter finds an escaped surrogate without its other half, which
// encoding/json replaces in silence.
func hasHalfLetter(literal string) bool {
	var high rune
	for i := 0; i < len(literal); i++ {
		var unit rune
		if literal[i] == '\\' {
			i++
			if literal[i] == 'u' {
				n, _ := strconv.ParseUint(literal[i+1:i+5], 16, 16) // it was decoded before
				unit, i = rune(n), i+4
			}
		}
		low := unit >= 0xdc00 && unit < 0xe000
		if low != (high != 0) {
			return true
		}
		if high = 0; utf16.IsSurrogate(unit) && !low {
			high = unit
		}
	}
	return false
}

// jsonItems reads objects that have several lines, or share one: in an array, or one
// after the other.
//
// A bracket or quote that is missing would take in what follows. So a string ends with
// its line, and an object begins anew where none can be: only the damaged one is refused.
type jsonItems struct {
	source *source
	parse  objectParser
	held   byte // a byte to read again, or 0
	item   int
	arrays int  // that are open
	before int  // bytes before the list, but for the ends of lines
	within bool // the list is in an object, whose other fields are passed over
	keyed  bool // the list is such an object itself, with a name before each
	rows   bool // its items are lists: see jsonRows
}

// newJSONItems takes what comes before the list within an object.
func newJSONItems(s *source, before string, parse objectParser) *jsonItems {
	r := &jsonItems{source: s, parse: parse, within: before != ""}
	r.before = len(before) - strings.Count(before, "\n") - strings.Count(before, "\r")
	return r
}

// Next implements parser.
func (r *jsonItems) Next() (Line, error) {
	first, err := r.skip()
	if err != nil {
		return Line{}, err
	}
	r.item++
	line := Line{Number: r.source.number, Item: r.item}
	var text string
	if first == '{' || first == '[' {
		text, line.Problem, err = r.whole(first)
	} else {
		line.Problem, err = r.junk(first)
	}
	if r.rows && line.Problem != nil {
		line.Problem = damagedRow(text)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return Line{}, err
	}
	if line.Problem == nil {
		line.Problem = r.source.seen.see(line.Number, text)
	}
	if line.Problem == nil {
		line.Entry, line.Problem = r.parse(line.Number, text, r.source.seen)
	}
	return line, nil
}

// skip returns the first byte of the next item.
func (r *jsonItems) skip() (byte, error) {
	for ; r.before > 0; r.before-- {
		for b := byte('\n'); b == '\n'; {
			var err error
			if b, err = r.next(); err != nil {
				return 0, err
			}
		}
		r.arrays = 1
	}
	for {
		if r.within && r.arrays == 0 {
			if err := r.pass(); err != nil {
				return 0, err
			}
		}
		b, err := r.next()
		if errors.Is(err, io.EOF) && r.arrays > 0 {
			r.source.seen.cut = true
		}
		if err != nil {
			return 0, err
		}
		switch b {
		case '[':
			if r.rows && r.arrays == 1 {
				return b, nil
			}
			r.arrays++
		case ']':
			r.arrays--
		case '}', '"':
			if !r.keyed || r.arrays != 1 {
				return b, nil
			}
			if b == '}' {
				r.arrays--
				break
			}
			if err := r.key(); err != nil {
				return 0, err
			}
		case ',', ' ', '\t', '\n', endOfFile[0], mark[0], mark[1], mark[2]:
		default:
			return b, nil
		}
	}
}

// key passes over the name of an object, and the colon behind it.
func (r *jsonItems) key() error {
	for escaped := false; ; {
		b, err := r.next()
		switch {
		case err != nil:
			return err
		case escaped:
			escaped = false
		case b == '\\':
			escaped = true
		case b == '"', b == '\n':
			if err := r.value(); err == nil && r.held == ':' {
				r.held = 0
			}
			return nil
		}
	}
}

// pass passes over the fields behind the list, up to another list of objects, or to an object that is
// the value of none: then a bracket was missing.
func (r *jsonItems) pass() error {
	last, quoted := byte(0), false
	for {
		b, err := r.next()
		switch {
		case err != nil:
			return err
		case b == '\n' || b == '"' && last != '\\':
			quoted = b == '"' && !quoted
		case quoted && last == '\\':
			b = 0 // whatever it escapes, it escapes nothing itself
		case quoted, b == ' ', b == '\t':
		case b == '{' && last == ':':
			if _, _, err := r.whole('{'); err != nil {
				return err
			}
		case b == '[' && last == ':':
			if err := r.value(); err != nil {
				return err
			}
			if r.held == '{' {
				r.arrays = 1
				return nil
			}
		case b == '{', b == '[' && last != '[' && last != ',':
			r.held = b
			return nil
		}
		if b != ' ' && b != '\t' && b != '\n' {
			last = b
		}
	}
}

// value goes on to where a value begins.
func (r *jsonItems) value() error {
	for {
		b, err := r.next()
		if err != nil {
			return err
		}
		if b != ' ' && b != '\t' && b != '\n' {
			r.held = b
			return nil
		}
	}
}

func (r *jsonItems) next() (b byte, err error) {
	if b = r.held; b != 0 {
		r.held = 0
		return b, nil
	}
	return r.source.byte()
}

// junk reads something that is no object.
func (r *jsonItems) junk(first byte) (problem *Message, err error) {
	text := []byte{first}
	for {
		b, err := r.next()
		if err == nil && bytes.IndexByte([]byte("{],\n"), b) >= 0 {
			r.held = b
			err = io.EOF
		}
		if err != nil {
			return Say("there is {0} where an object should be", Quote(strings.ToValidUTF8(string(text), "?"))), err
		}
		if len(text) < maxLine {
			text = append(text, b)
		}
	}
}

// whole reads on behind the bracket of an object, or of a row.
func (r *jsonItems) whole(open byte) (text string, problem *Message, err error) {
	object, scan := []byte{open}, brackets{open: []byte{open}, last: open}
	for {
		b, err := r.next()
		if err != nil {
			return "", Say("the object is not closed where the file ends"), err
		}
		if !scan.fits(b) {
			r.held = b
			return "", Say("the object is not closed before the next one begins"), nil
		}
		if len(object) < maxLine {
			object = append(object, b)
		} else {
			problem = Say("the object is longer than 64 kB")
		}
		scan.take(b)
		if len(scan.open) == 0 {
			return string(object), problem, nil
		}
	}
}

// brackets follows the brackets and strings of an object, or of a row.
type brackets struct {
	open    []byte
	last    byte // that is no space
	quoted  bool
	escaped bool
}

// fits reports whether a byte can be within the object. The bracket of another object
// where no value is wanted, or the array's own, can't.
func (s *brackets) fits(b byte) bool {
	switch {
	case s.quoted:
		return true
	case b == '{':
		return s.wantsValue()
	case b == ']':
		return len(s.open) > 1 || s.open[0] == '['
	case b == '[':
		return s.open[0] == '{' || s.wantsValue()
	}
	return true
}

func (s *brackets) wantsValue() bool {
	if s.open[len(s.open)-1] == '{' {
		return s.last == ':'
	}
	return s.last == '[' || s.last == ','
}

func (s *brackets) take(b byte) {
	switch {
	case b == '\n':
		if s.quoted {
			s.quoted, s.escaped, s.last = false, false, '"'
		}
		return
	case b == ' ', b == '\t':
		s.escaped = false
		return
	case s.escaped:
		s.escaped = false
		return
	case s.quoted:
		s.escaped, s.quoted = b == '\\', b != '"'
		return
	case b == '"':
		s.quoted = true
	case b == '{', b == '[':
		if s.wantsValue() && len(s.open) < maxLine {
			s.open = append(s.open, b)
		}
	case b == '}', b == ']':
		s.open = s.open[:len(s.open)-1]
	}
	s.last = b
}
