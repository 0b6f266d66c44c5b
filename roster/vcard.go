package roster

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cards reads vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), with what phones make of
// them. A card is an entry: its formatted name, or else the parts of it, the nickname or the
// company's, its preferred email, its notes. The id of a card is its program's, not ours: people are found by email.
type cards struct {
	source *source
	begun  bool // a card within which another one begins was left at its first line
}

// Next implements parser.
func (r *cards) Next() (Line, error) {
	if r.begun {
		r.begun = false
		return r.card()
	}
	for {
		text, err := r.source.next()
		if err != nil {
			return Line{}, err
		}
		switch line := strings.TrimSpace(strings.TrimPrefix(text.text, mark)); {
		case line == "":
		case isProperty(line, "BEGIN:VCARD"):
			return r.card()
		default:
			return Line{Number: r.source.number, Problem: cmp.Or(r.source.check(text), Say("the line belongs to no card: none begins before it"))}, nil
		}
	}
}

// isProperty compares what begins and ends a card.
func isProperty(line, property string) bool {
	return strings.EqualFold(strings.TrimSpace(line), property)
}

// card reads on behind BEGIN:VCARD.
func (r *cards) card() (Line, error) {
	line := Line{Number: r.source.number}
	c := card{seen: r.source.seen}
	agents := 0 // cards of a person's agent, within the person's
	for {
		text, whole, err := r.property()
		if errors.Is(err, io.EOF) {
			line.Problem = Say("the card is not closed where the file ends: it has no END:VCARD")
			return line, nil
		}
		if err != nil {
			return Line{}, err
		}
		switch {
		case isProperty(text, "BEGIN:VCARD"):
			if c.last != "AGENT" {
				r.begun = true
				line.Problem = Say("the card is not closed before the next one begins: it has no END:VCARD")
				return line, nil
			}
			agents++
		case isProperty(text, "END:VCARD"):
			agents--
			if agents < 0 {
				line.Entry, line.Problem = c.entry()
				return line, nil
			}
		case agents == 0:
			c.take(r.source.number, text, whole)
		}
	}
}

// property returns a property, whose lines are put together again: a fold is a line's end
// with a space or tab behind it, and may cut a letter of several bytes; quoted-printable
// goes on behind a line that ends with "=".
func (r *cards) property() (text string, whole bool, err error) {
	first, err := r.source.next()
	if err != nil {
		return "", false, err
	}
	joined, whole := []byte(first.text), first.whole
	soft := isQuotedPrintable(first.text)
	for {
		next, err := r.source.ahead(0)
		if errors.Is(err, io.EOF) {
			return string(joined), whole, nil // the next call finds it again
		}
		if err != nil {
			return "", false, err
		}
		switch {
		case soft && bytes.HasSuffix(joined, []byte("=")) && !isProperty(next.text, "END:VCARD") && !isProperty(next.text, "BEGIN:VCARD"):
			next.text = "\n" + next.text
		case strings.HasPrefix(next.text, " "), strings.HasPrefix(next.text, "\t"):
			next.text = next.text[1:]
		default:
			return string(joined), whole, nil
		}
		if _, err := r.source.next(); err != nil { // it was looked at
			return "", false, err
		}
		if whole = whole && next.whole && len(joined)+len(next.text) <= maxLine; whole {
			joined = append(joined, next.text...)
		}
	}
}

// isQuotedPrintable looks at a property's first line only: programs that fold lines before a
// value have versions without that encoding.
func isQuotedPrintable(line string) bool {
	head, _, found := strings.Cut(line, ":")
	return found && strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE")
}

// card is what is known of a card so far.
type card struct {
	seen      *census
	version   string
	kind      string
	last      string // name of the property before
	encoded   bool   // whose value is base64, and may go on without a fold
	formatted string
	parts     string // of the name, put together
	nickname  string
	company   string
	email     string
	preferred int // rank of that email; 0 before there is one
	notes     []string
	noted     int      // bytes of the notes
	ignored   []string // what has no place here
	problem   *Message
}

// notPreferred is the rank of an email that nothing is said of; RFC 6350 has 1 to 100.
const notPreferred = 101

// take takes a property in. What has no place here is counted.
func (c *card) take(number int, text string, whole bool) {
	name, parameters, value, ok := splitProperty(text)
	if !ok {
		if !c.encoded && strings.TrimSpace(text) != "" {
			c.fail(Say("the card has a line after {0} that is not a property", c.last))
		}
		return
	}
	c.last = name
	c.encoded = parameters.has("ENCODING", "BASE64") || parameters.has("ENCODING", "B")
	switch name {
	case "VERSION":
		c.version = strings.TrimSpace(value)
		return
	case "FN", "N", "NICKNAME", "ORG", "EMAIL", "NOTE", "KIND", "X-ADDRESSBOOKSERVER-KIND":
	case "PRODID", "REV", "UID", "SORT-STRING", "X-ABLABEL", "LANG", "SOURCE", "CLIENTPIDMAP", "PROFILE", "":
		return // of the card, not of the person
	default:
		c.ignore(name)
		return
	}
	if !whole {
		c.fail(Say("the card has a {0} that is longer than 64 kB", name))
		return
	}
	value, problem := c.decode(number, name, value, parameters)
	if problem != nil {
		c.fail(problem)
		return
	}
	c.set(name, value, parameters)
}

func (c *card) set(name, value string, parameters parameters) {
	switch name {
	case "FN":
		c.formatted = cmp.Or(c.formatted, strings.TrimSpace(c.text(value)))
	case "N":
		c.parts = cmp.Or(c.parts, c.nameOf(value))
	case "NICKNAME":
		c.nickname = cmp.Or(c.nickname, strings.TrimSpace(c.text(splitEscaped(value, ',')[0])))
	case "EMAIL":
		c.setEmail(bareAddress(c.text(value)), parameters.rank())
	case "ORG":
		c.company = cmp.Or(c.company, strings.TrimSpace(c.text(splitEscaped(value, ';')[0])))
	case "NOTE":
		if note := c.text(value); note != "" {
			c.notes = append(c.notes, note)
			c.noted += len(note)
		}
		if c.noted > maxLine {
			c.fail(Say("the card has notes that are longer than 64 kB"))
			c.notes = nil
		}
	default:
		c.kind = strings.ToLower(strings.TrimSpace(value))
	}
}

// setEmail keeps the email that is preferred most, and of equal ones the first.
func (c *card) setEmail(email string, rank int) {
	if email == "" {
		return
	}
	if c.preferred > 0 {
		c.ignore("EMAIL 2")
	}
	if c.preferred == 0 || rank < c.preferred {
		c.email, c.preferred = email, rank
	}
}

func (c *card) ignore(name string) {
	if len(c.ignored) < maxIgnored {
		c.ignored = append(c.ignored, name)
	}
}

func (c *card) fail(problem *Message) { c.problem = cmp.Or(c.problem, problem) }

// entry is the card's, when all of it was read.
func (c *card) entry() (e Entry, problem *Message) {
	switch c.version {
	case "2.1", "3.0", "4.0", "":
	default:
		return e, Say("the card's VERSION is {0}; only 2.1, 3.0 and 4.0 can be read", Quote(c.version))
	}
	if c.kind != "" && c.kind != "individual" && c.kind != "org" {
		return e, Say("the card is not a person's: its KIND is {0}", Quote(c.kind))
	}
	if c.problem != nil {
		return e, c.problem
	}
	name := cmp.Or(c.formatted, c.parts, c.nickname, c.company)
	if name != "" {
		e.Name = &name
	}
	if c.nickname != "" && name != c.nickname {
		c.ignore("NICKNAME")
	}
	if c.company != "" && name != c.company {
		c.ignore("ORG")
	}
	if c.email != "" {
		e.Email = &c.email
	}
	if len(c.notes) > 0 {
		bio := strings.Join(c.notes, "\n\n")
		e.Bio = &bio
	}
	if e == (Entry{}) {
		return e, Say("the card has no name, email or note")
	}
	c.seen.ignore(c.ignored)
	return e, nil
}

// decode makes text of a value's bytes.
func (c *card) decode(number int, name, value string, parameters parameters) (text string, problem *Message) {
	if parameters.has("ENCODING", "QUOTED-PRINTABLE") {
		// The reader takes no line that is longer than its buffer.
		in := bufio.NewReaderSize(strings.NewReader(value), len(value)+1)
		decoded, err := io.ReadAll(quotedprintable.NewReader(in))
		if err != nil {
			return "", Say("the card's {0} is not valid quoted-printable text", name)
		}
		value = string(decoded)
	} else if c.encoded {
		return "", Say("the card's {0} is in base64, which can't be read there", name)
	}
	switch charset := strings.ToUpper(parameters.value("CHARSET")); charset {
	case "", "UTF-8", "UTF8", "US-ASCII":
	case "WINDOWS-1252", "CP1252", "ISO-8859-1", "LATIN1":
		value = fromWindows1252(value)
	default:
		return "", Say("the card's {0} is in the encoding {1}, which can't be read: export the cards in UTF-8", name, Quote(charset))
	}
	value = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(value)
	if c.seen.see(number, value) != nil {
		return "", Say("the card's {0} has bytes that are not text in the file's encoding", name)
	}
	return value, nil
}

// text undoes a value's escapes: version 2.1 has only those of separators.
func (c *card) text(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		next := byte(0)
		if value[i] == '\\' && i+1 < len(value) {
			next = value[i+1]
		}
		switch {
		case next == ';' || next == ',' || next == '\\' || next == ':':
			b.WriteByte(next)
			i++
		case (next == 'n' || next == 'N') && c.version != "2.1":
			b.WriteByte('\n')
			i++
		default:
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

// nameOf puts the parts of a name together, as they are spoken: prefix, given,
// additional, family, suffix. The card has the family name first.
func (c *card) nameOf(value string) string {
	parts := splitEscaped(value, ';')
	var words []string
	for _, i := range []int{3, 1, 2, 0, 4} {
		if i < len(parts) {
			for _, word := range splitEscaped(parts[i], ',') {
				if word = strings.TrimSpace(c.text(word)); word != "" {
					words = append(words, word)
				}
			}
		}
	}
	return strings.Join(words, " ")
}

// splitEscaped splits at a separator that has no backslash before it.
func splitEscaped(s string, separator byte) (parts []string) {
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case separator:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:])
}

// parameters are those of a property, in order. Of version 2.1 they may have a value
// alone: it is a TYPE or an ENCODING.
type parameters [][2]string

func (p parameters) has(name, value string) bool {
	return slices.ContainsFunc(p, func(pair [2]string) bool {
		return (pair[0] == name || pair[0] == "") && slices.ContainsFunc(strings.Split(pair[1], ","), func(v string) bool {
			return strings.EqualFold(strings.TrimSpace(v), value)
		})
	})
}

func (p parameters) value(name string) string {
	for _, pair := range p {
		if pair[0] == name {
			return pair[1]
		}
	}
	return ""
}

// rank is how much an email is preferred; 1 is most.
func (p parameters) rank() int {
	if n, err := strconv.Atoi(p.value("PREF")); err == nil && n >= 1 && n <= 100 {
		return n
	}
	if p.has("TYPE", "PREF") {
		return 1
	}
	return notPreferred
}

// splitProperty splits "group.NAME;PARAMETER=value:text". A value in quotes may have
// separators.
func splitProperty(text string) (name string, p parameters, value string, ok bool) {
	var parts []string
	start, quoted, end := 0, false, -1
	for i := 0; i < len(text) && end < 0; i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';', c == ':':
			parts, start = append(parts, text[start:i]), i+1
			if c == ':' {
				end = i
			}
		}
	}
	if end < 0 {
		return "", nil, "", false
	}
	name = strings.ToUpper(strings.TrimSpace(parts[0]))
	name = name[strings.LastIndexByte(name, '.')+1:]
	for _, part := range parts[1:] {
		key, v, named := strings.Cut(part, "=")
		if !named {
			key, v = "", part
		}
		p = append(p, [2]string{strings.ToUpper(strings.TrimSpace(key)), strings.ReplaceAll(v, `"`, "")})
	}
	return name, p, text[end+1:], utf8.ValidString(name)
}
