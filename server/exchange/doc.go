// Package exchange moves users in and out as files that other programs read: CSV
// and JSON Lines.
//
// An import reads line by line, in bounded memory. Each line is planned against
// the directory as it is, and what it would do is the operation that a client
// would send; applying it sends that operation, under an id that is made from the
// line's own effect. So an import that was cut off can be run again, and one that
// is run twice changes nothing the second time.
package exchange

import "errors"

// Format is a file format.
type Format string

const (
	CSV   Format = "csv"
	Lines Format = "jsonl" // one JSON object a line
)

// ErrFormat says that a file as a whole is not what it should be.
var ErrFormat = errors.New("the file can't be read")

// maxLine bounds a line of a file, and a CSV record of several lines, in bytes: a
// user has at most some 10 kB.
const maxLine = 64 << 10

// Entry is what a line says of a user. A nil field is one it says nothing about.
type Entry struct {
	ID    string
	Name  *string
	Email *string
	Bio   *string
}

// Line is a line of a file: an entry, or why it is none.
type Line struct {
	Number  int
	Entry   Entry
	Problem string
}

// Reader reads a file line by line; its error is io.EOF at the end, or about the
// file as a whole.
type Reader interface {
	Next() (Line, error)
}
