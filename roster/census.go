package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// census counts what shows only in the file as a whole.
type census struct {
	marked   bool // the file begins with a byte order mark
	last     int  // number of the last line that was counted
	beyond   int  // lines with letters beyond ASCII
	invalid  int  // lines that are not UTF-8
	first    int  // the first of those
	sample   string
	mojibake int      // lines with letters such as Ã«
	lost     int      // lines with U+FFFD
	asked    int      // names with a question mark in a word
	joined   int      // line within which another file begins
	headed   int      // line with the headings, if something is above them
	cut      bool     // an array is not closed
	people   int      // objects that are people, as we or known programs write them
	others   int      // objects that have other fields
	foreign  *Message // why the first of those is no person
	ignored  map[string]int
}

// check says whether a line is no text, and counts it unless it was seen before.
func (c *census) check(number int, text string) (problem *Message) {
	if number > c.last {
		c.last = number
		return c.see(number, text)
	}
	if !utf8.ValidString(text) {
		return notText
	}
	return nil
}

// see says whether what begins in a line is no text, and counts it.
func (c *census) see(number int, text string) (problem *Message) {
	switch {
	case !utf8.ValidString(text):
		c.invalid++
		if c.invalid == 1 {
			c.first, c.sample = number, text
		}
		return notText
	case strings.IndexFunc(text, beyondASCII) >= 0:
		c.beyond++
		if strings.ContainsRune(text, utf8.RuneError) {
			c.lost++
		}
		if isMojibake(text) {
			c.mojibake++
		}
	}
	return nil
}

// name counts a name that shows what programs write in place of letters they haven't.
func (c *census) name(name string) {
	if before, after, found := strings.Cut(strings.TrimSpace(name), "?"); found && before+after != "" {
		c.asked++
	}
}

// object counts an object of JSON, in a line. Foreign says which field of it nobody here has; nil is a person.
func (c *census) object(line int, foreign *Message) {
	if foreign == nil {
		c.people++
		return
	}
	c.others++
	if c.others == 1 {
		c.foreign = &Message{Text: "most of its objects are not written as people are here; line {0}: {1}", Args: []any{line, foreign.String()}} // only a command shows it
	}
}

// strange refuses a file most of whose objects have fields of their own for what they say of people. Where
// most have ours, those that have not are refused alone.
func (c *census) strange() error {
	if c.others <= c.people {
		return nil
	}
	return &Refusal{Reason: c.foreign, Columns: true}
}

func beyondASCII(r rune) bool { return r >= utf8.RuneSelf && r != '\ufeff' }

// ignore counts properties of a card that have no place here.
func (c *census) ignore(names []string) {
	if c.ignored == nil {
		c.ignored = map[string]int{}
	}
	for _, name := range names {
		if _, known := c.ignored[name]; known || len(c.ignored) < maxIgnored {
			c.ignored[name]++
		}
	}
}

// maxIgnored bounds how many names of properties are kept.
const maxIgnored = 100

// verdict refuses a file whose letters are not UTF-8. Where most are, the few lines
// that are not are refused alone: letters of another encoding make no UTF-8 by chance.
func (c *census) verdict() error {
	if c.invalid == 0 || c.marked || c.beyond >= c.invalid {
		return nil
	}
	sample := fromWindows1252(c.sample)
	if !utf8.ValidString(sample) {
		return refuse(Say("it is not UTF-8, as line {0} shows; save it as UTF-8, in Excel as “CSV UTF-8”", c.first))
	}
	return &Refusal{
		Reason: Say("it is not UTF-8, as line {0} shows; save it as UTF-8, in Excel as “CSV UTF-8”. "+
			"Taken as Windows-1252, the line is {1}", c.first, Quote(sample)),
		Encoding: Windows1252, Sample: sample,
	}
}

// Quote quotes the beginning of a file's text, so that it can be shown in a line of a
// terminal.
func Quote(text string) string {
	const most = 80
	runes := []rune(text)
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return fmt.Sprintf("%q", string(runes))
}

func (c *census) notes() []*Message {
	var notes []*Message
	if c.mojibake > 0 {
		notes = append(notes, SayN(c.mojibake,
			"letters in {n} line look garbled, such as “Ã«” for “ë”: a program read UTF-8 as Windows-1252 before it saved this file",
			"letters in {n} lines look garbled, such as “Ã«” for “ë”: a program read UTF-8 as Windows-1252 before it saved this file"))
	}
	if c.lost > 0 {
		notes = append(notes, SayN(c.lost,
			"letters in {n} line were lost before the file was saved: “\ufffd” stands in their place",
			"letters in {n} lines were lost before the file was saved: “\ufffd” stands in their place"))
	}
	if c.asked > 0 {
		notes = append(notes, SayN(c.asked,
			"the name in {n} line has “?” in it: a program that saved this file may have lost letters",
			"the names in {n} lines have “?” in them: a program that saved this file may have lost letters"))
	}
	if c.joined > 0 {
		notes = append(notes, Say("another file begins in line {0}, as when files are joined", c.joined))
	}
	if c.headed > 0 {
		notes = append(notes, Say("the headings are in line {0}; the lines above are skipped", c.headed))
	}
	if c.cut {
		notes = append(notes, Say("its list is not closed: the end of the file may be missing"))
	}
	if len(c.ignored) > 0 {
		notes = append(notes, c.notTaken())
	}
	return notes
}

// notTaken names the columns or properties that were left out, the most frequent first.
func (c *census) notTaken() *Message {
	names := slices.SortedFunc(maps.Keys(c.ignored), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.ignored[b], c.ignored[a]), cmp.Compare(a, b))
	})
	const most = 8
	if more := len(names) - most; more > 0 {
		return SayN(more,
			"left out: {0} and {n} more. Rollcall keeps only name, email and bio",
			"left out: {0} and {n} more. Rollcall keeps only name, email and bio", strings.Join(names[:most], ", "))
	}
	return Say("left out: {0}. Rollcall keeps only name, email and bio", strings.Join(names, ", "))
}

// isMojibake reports whether letters of a text, as bytes of Windows-1252, are one
// letter in UTF-8.
func isMojibake(text string) bool {
	var bytes []byte
	for _, r := range text + "\n" {
		b, ok := windows1252Byte(r)
		if ok && b >= utf8.RuneSelf {
			bytes = append(bytes, b)
			continue
		}
		for ; len(bytes) > 1; bytes = bytes[1:] {
			if _, size := utf8.DecodeRune(bytes); size > 1 {
				return true
			}
		}
		bytes = bytes[:0]
	}
	return false
}
