// Package exchange exports users to files for other programs and imports files of people,
// which package roster reads.
//
// An import reads in bounded memory. It compares each line with the directory and plans
// the operation that a client would send. The operation's id is derived from its effect, so
// an interrupted import can be run again, and a second run changes nothing.
//
// The lines of a file are one state that the directory is to have, so an address may be
// handed on in it: a line that wants the email of a user who gives it up further down waits
// for that line. Each user and each email has one line at most.
package exchange

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/rollcall/rollcall/roster"
)

// FormatOf returns the format to export in: that with the given name or, without one, by
// the file's extension.
func FormatOf(name, file string) (roster.Format, error) {
	if name == "" {
		name = strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	}
	switch name {
	case "csv", "txt":
		return roster.CSV, nil
	case "jsonl", "ndjson":
		return roster.JSONLines, nil
	}
	return "", errors.New("unknown file format; add -format csv or -format jsonl")
}
