// Package exchange exports users to files for other programs and imports files of people,
// which package roster reads.
//
// An import reads in bounded memory. Package plan compares each line with the directory; what
// it plans becomes the operation that a client would send. The id of a new user is derived from
// the email, so an interrupted import can be run again, and a second run changes nothing.
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
	case "json":
		return roster.JSON, nil
	case "vcard", "vcf":
		return roster.VCard, nil
	}
	return "", errors.New("unknown file format; add -format csv, jsonl, json or vcard")
}
