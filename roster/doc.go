// Package roster reads and writes files of people as other programs make them: CSV
// with any separator, JSON, JSON Lines and vCard, in UTF-8, UTF-16 or Windows-1252.
// It has no I/O of its own; the server's import and the app share it.
//
// Open recognises a file by its content and reads it once to the end, in bounded
// memory: what makes a file unusable as a whole is known before the first person is
// taken. Next then yields the entries in the order of the file. Whatever is not
// taken is named: each line of the file belongs to an entry, to a refused line, or
// is empty.
//
//	file, err := roster.Open(in, roster.Options{})
//	for err == nil {
//		line, err = file.Next() // io.EOF at the end
//	}
//
// Recognition is apart from parsing: kind.go knows what a file is, csv.go, json.go
// and vcard.go how to read it. Nothing here knows which values a person may have;
// that is api's business.
package roster

import (
	"errors"
	"io"
	"strings"
)

// Format is the format of a file.
type Format string

const (
	CSV       Format = "csv"   // also with tabs or semicolons
	JSONLines Format = "jsonl" // one object a line
	JSON      Format = "json"  // an array of objects or of rows, or objects one after the other
	VCard     Format = "vcard"
)

// Entry is what a file says of one person. A nil field is one it says nothing about.
type Entry struct {
	ID    string
	Name  *string
	Email *string
	Bio   *string
}

// Line is one entry, or why there is none.
type Line struct {
	// Number is that of the entry's first line in the file, as editors count: LF, CRLF
	// and CR end a line. Numbers never fall. Item is the entry's place in a JSON array,
	// whose entries may share a line; 0 in other formats.
	Number int
	Item   int
	Entry  Entry
	// Problem says why the line is not taken; nil of one that is.
	Problem *Message
}

// Options say what a file does not say itself.
type Options struct {
	// Encoding is that of the text. Empty finds out, and refuses what is not Unicode.
	Encoding Encoding
	// Format must be the file's; empty takes any.
	Format Format
	// Mapping, unless nil, is that of a table whose columns are not named as ours are.
	Mapping *Mapping
	// Headings is the number of the line that names the columns of CSV. 0 finds it, below a title if
	// there is one; with NoHeadings the first line is a person.
	Headings int
}

// NoHeadings says that no line of a file names its columns.
const NoHeadings = -1

// Refusal is why a file is not read at all, in words that say what to do.
type Refusal struct {
	Reason *Message
	// Encoding is one that the file could be read in, if whoever knows it says so.
	Encoding Encoding
	// Sample is a line as it would be in that encoding.
	Sample string
	// Columns says that whoever knows which column is which may give a Mapping; see TableOf.
	Columns bool
}

// Error implements error.
func (r *Refusal) Error() string { return "the file can't be read: " + r.Reason.String() }

func refuse(reason *Message) error { return &Refusal{Reason: reason} }

// Info is what is known of a file as a whole.
type Info struct {
	Format    Format
	Encoding  Encoding
	Separator rune       // of CSV
	Columns   []string   // of a table, as the file names them
	OwnExport bool       // it has the columns of our own export
	Program   string     // whose export it is, if that is known
	Mapped    bool       // its columns have other names than ours, and were mapped
	Lines     int        // how many Next returns
	Notes     []*Message // what whoever imports it should know
}

// maxLine bounds a line of a file, a CSV record of several lines, a JSON object and
// a property of a vCard, in bytes: a person has at most some 10 kB.
const maxLine = 64 << 10

var (
	tooLong        = Say("the line is longer than 64 kB")
	notText        = Say("the line has bytes that are not text in the file's encoding")
	quoteNotClosed = Say("the line has a quote that is not closed")
)

// parser yields the lines of a file; its error is io.EOF at the end.
type parser interface {
	Next() (Line, error)
}

// File is an open file; the fields say what it is.
type File struct {
	Info
	parser parser
}

// Next returns the next line; its error is io.EOF at the end, or the reader's.
func (f *File) Next() (Line, error) { return f.parser.Next() }

// Open recognises a file and reads it once for what concerns the whole of it. Its
// error is a *Refusal, or the reader's.
func Open(in io.ReadSeeker, o Options) (*File, error) {
	encoding, err := encodingOf(in, o.Encoding)
	if err != nil {
		return nil, err
	}
	f := &File{Info: Info{Encoding: encoding}}
	seen := &census{}
	if f.parser, err = f.start(in, seen, o); err != nil {
		return nil, err
	}
	for {
		if _, err = f.parser.Next(); err != nil {
			break
		}
		f.Lines++
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if o.Encoding == "" && encoding == UTF8 {
		if err := seen.verdict(); err != nil {
			return nil, err
		}
	}
	if o.Mapping == nil {
		if err := seen.strange(); err != nil {
			return nil, err
		}
	}
	f.Notes = append(f.Notes, seen.notes()...)
	f.parser, err = f.start(in, &census{}, o)
	return f, err
}

// start makes the parser of a file from its beginning.
func (f *File) start(in io.ReadSeeker, seen *census, o Options) (parser, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	s := newSource(decode(in, f.Encoding), seen)
	head, err := s.peek()
	if err != nil {
		return nil, err
	}
	list, keyed := listIn(string(head))
	if f.Format, err = formatOf(head, list > 0); err != nil {
		return nil, err
	}
	if o.Format != "" && f.Format != o.Format {
		return nil, refuse(&Message{Text: "it is {0}, not {1}", Args: []any{f.Format.words(), o.Format.words()}}) // only a command asks for a format
	}
	switch {
	case f.Format == VCard:
		return &cards{source: s}, nil
	case f.Format == JSON && isRows(head):
		r, err := newJSONRows(s, o)
		if err != nil {
			return nil, err
		}
		f.takeTable(r.table)
		return r, nil
	case f.Format != CSV:
		return f.startJSON(s, string(head[:list]), keyed, o), nil
	}
	r, err := newCSV(s, o)
	if err != nil {
		return nil, err
	}
	f.takeTable(r)
	return r, nil
}

// takeTable takes what is known of a table.
func (f *File) takeTable(r *csvReader) {
	f.Separator, f.Columns, f.OwnExport, f.Program, f.Mapped = r.separator, r.names, r.own, r.program, r.mapping != nil
}

// startJSON makes the parser of objects: of people, or of rows of a table. Before them is what comes
// before their list, which may be keyed.
func (f *File) startJSON(s *source, before string, keyed bool, o Options) parser {
	parse := personOf
	if f.Mapped = o.Mapping != nil; f.Mapped {
		t := &objectTable{mapping: o.Mapping}
		parse = t.entry
	}
	if f.Format == JSONLines {
		return &jsonLines{source: s, parse: parse}
	}
	items := newJSONItems(s, before, parse)
	items.keyed = keyed
	return items
}

func (f Format) words() string {
	switch f {
	case CSV:
		return "CSV"
	case JSONLines:
		return "JSON, one object a line"
	case JSON:
		return "a list of JSON objects"
	case VCard:
		return "vCard"
	}
	return strings.ToUpper(string(f))
}
