// Package exchange exports and imports users as files for other programs: CSV and JSON
// Lines.
//
// An import reads line by line, in bounded memory. It compares each line with the directory
// and plans the operation that a client would send. The operation's id is derived from its
// effect, so an interrupted import can be run again, and a second run changes nothing.
package exchange

import (
	"errors"
	"path/filepath"
	"strings"
)

// Format is a file format.
type Format string

const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl" // one JSON object per line
)

// FormatOf returns the format with the given name or, without one, by the file's extension.
func FormatOf(name, file string) (Format, error) {
	if name == "" {
		name = strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	}
	switch name {
	case "csv", "tsv", "txt":
		return CSV, nil
	case "jsonl", "ndjson":
		return JSONLines, nil
	}
	return "", errors.New("unknown file format; add -format csv or -format jsonl")
}

// ErrFormat says that a whole file can't be imported.
var ErrFormat = errors.New("the file can't be read")

// maxLine bounds a line, and a CSV record of several lines, in bytes. A user takes at most
// some 10 kB.
const maxLine = 64 << 10

// Entry holds a line's fields. A nil field was not given.
type Entry struct {
	ID    string
	Name  *string
	Email *string
	Bio   *string
}

// Line is a line of a file: its entry, or why it has none.
type Line struct {
	Number  int
	Entry   Entry
	Problem string
}

// Reader reads a file line by line. Its error is io.EOF at the end; any other one is about
// the whole file.
type Reader interface {
	Next() (Line, error)
}
