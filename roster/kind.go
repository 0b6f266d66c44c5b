package roster

import (
	"bytes"
	"strings"
	"unicode"
)

// binaryKinds are files that are no text, by their first bytes.
var binaryKinds = []struct {
	magic  string
	reason *Message
}{
	{"PK\x03\x04", Say("it is a workbook such as Excel's .xlsx, or another zip archive, whatever its name says; open it in the program that made it and save it as CSV in UTF-8")},
	{"\xd0\xcf\x11\xe0", Say("it is a workbook of an older Excel, or an Outlook file, whatever its name says; open it in the program that made it and save it as CSV in UTF-8")},
	{"!BDN", Say("it is an Outlook data file; export the contacts from Outlook as CSV")},
	{"\x1f\x8b", Say("it is compressed with gzip; unpack it first")},
	{"SQLite format 3", Say("it is a database; {0} is for backups", "`rollcall restore`")},
	{"%PDF", Say("it is a PDF; open it in the program that made it and save it as CSV in UTF-8")},
	{`{\rtf`, Say("it is rich text; open it in the program that made it and save it as CSV in UTF-8")},
}

func binaryKind(head []byte) *Message {
	for _, kind := range binaryKinds {
		if bytes.HasPrefix(head, []byte(kind.magic)) {
			return kind.reason
		}
	}
	return nil
}

// textKinds are files of text that are not read, by their first line in lower case.
var textKinds = []struct {
	prefix string
	reason *Message
}{
	{"begin:vcalendar", Say("it is a calendar; Rollcall reads people from CSV, JSON and vCard")},
	{"dn:", Say("it is LDIF; export the address book as CSV or vCard")},
	{"version: 1", Say("it is LDIF; export the address book as CSV or vCard")},
	{"mime-version:", Say("it is a web page in one file, as some programs save workbooks; open it in the program that made it and save it as CSV in UTF-8")},
}

// formatOf recognises a file of text by its beginning, which has no mark. One that is an object around a
// list is wrapped.
func formatOf(head []byte, wrapped bool) (Format, error) {
	text := strings.TrimLeftFunc(string(head), func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
	line := text
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		line = text[:end]
	}
	line = strings.ToLower(strings.TrimSpace(line))
	for _, kind := range textKinds {
		if strings.HasPrefix(line, kind.prefix) {
			return "", refuse(kind.reason)
		}
	}
	switch {
	case text == "":
		return "", refuse(Say("it is empty; the first line of a CSV file names the columns: name,email,bio"))
	case line == "begin:vcard":
		return VCard, nil
	case text[0] == '<':
		return "", refuse(Say("it is a web page or XML, as some programs export tables, whatever its name says; open it in the program that made it and save it as CSV in UTF-8"))
	case text[0] == '[':
		return JSON, nil
	case text[0] == '{':
		if strings.Contains(text[:min(len(text), 100)], `"rollcall-changes"`) {
			return "", refuse(Say("it has changes that were saved from Rollcall before they were sent; load it on the page “Sync”"))
		}
		// The first of objects that have a line each ends in its line.
		if !wrapped && (closes(line) || len(line) == len(text)) {
			return JSONLines, nil
		}
		return JSON, nil
	}
	return CSV, nil
}

// closes reports whether as many brackets close as open in a line of JSON.
func closes(line string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
	}
	return depth <= 0
}

// column is what a column of CSV is for.
type column int

const (
	unnamed column = iota // a value in it is refused
	unused                // the server's own: taken and not used
	untaken               // another program's: whoever imports it is told that it is not taken
	idColumn
	nameColumn
	emailColumn
	bioColumn
)

// Columns are those of our own export, in its order.
var Columns = []string{"id", "name", "email", "bio", "createdAt", "updatedAt", "version"}

var meaning = map[string]column{
	"id": idColumn, "name": nameColumn, "email": emailColumn, "bio": bioColumn,
	"createdAt": unused, "updatedAt": unused, "version": unused,
}

// columnName finds a column's name without regard to case.
func columnName(cell string) string {
	cell = strings.TrimSpace(strings.TrimPrefix(cell, mark))
	for _, c := range Columns {
		if strings.EqualFold(c, cell) {
			return c
		}
	}
	return cell
}
