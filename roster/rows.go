package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// jsonRows reads a table that is written as JSON: a list with a list for each row. The first one names
// the columns, as in CSV.
type jsonRows struct {
	items    *jsonItems
	table    *csvReader // knows what the columns are for; it reads nothing
	headings int        // 1, or NoHeadings
	first    *Line      // the first row, to return, where it is a person
	cells    []string   // of the row that was read last; nil of one that says nothing
}

var notRow = Say("the row is not a list of texts and numbers")

// damagedRow says what is wrong with a row that could not be read: it is too long, or none.
func damagedRow(text string) *Message {
	if text != "" {
		return tooLong
	}
	return notRow
}

// isRows reports whether a file of JSON begins as a list of lists of texts.
func isRows(head []byte) bool {
	for range 2 {
		rest, isList := bytes.CutPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("["))
		if !isList {
			return false
		}
		head = rest
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && head[0] != '[' && head[0] != '{' && !isField(head)
}

// isField reports whether a text begins with the name of a field: what it is in began with another bracket.
func isField(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	if name, err := d.Token(); err != nil || text[0] != '"' || name == nil {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(text[d.InputOffset():], " \t\r\n"), []byte(":"))
}

func newJSONRows(s *source, o Options) (*jsonRows, error) {
	r := &jsonRows{items: newJSONItems(s, "", nil), table: &csvReader{source: s}, headings: 1}
	r.items.rows, r.items.parse = true, r.parse
	first, err := r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, refuse(Say("it has no line that names the columns: name,email,bio"))
	case err != nil:
		return nil, err
	case first.Problem != nil:
		if err := s.seen.verdict(); err != nil {
			return nil, err
		}
		return nil, refuse(first.Problem)
	}
	if o.Mapping != nil {
		names := r.cells
		if o.Headings == NoHeadings {
			names = lettersOf(len(r.cells))
			r.headings, r.first = NoHeadings, &first
		}
		r.table.takeMapped(names, o.Mapping)
		return r, nil
	}
	known, err := r.table.take(r.cells)
	if err == nil && !known {
		err = unknownColumns(strings.Join(r.cells, ","))
	}
	return r, err
}

// Next implements parser. Rows with nothing in them are passed over.
func (r *jsonRows) Next() (line Line, err error) {
	if r.first != nil {
		line, r.first = *r.first, nil
		line.Entry, line.Problem = r.table.entry(r.cells)
		return line, nil
	}
	for {
		r.cells = nil
		line, err = r.items.Next()
		if err != nil || line.Problem != nil || r.cells != nil {
			return line, err
		}
	}
}

// parse is an objectParser of rows. The first names the columns, and nobody.
func (r *jsonRows) parse(_ int, text string, _ *census) (e Entry, problem *Message) {
	cells, problem := rowOf(text)
	if problem != nil || !slices.ContainsFunc(cells, isFilled) {
		return e, problem
	}
	r.cells = cells
	if r.table.columns == nil {
		return e, nil
	}
	return r.table.entry(cells)
}

// rowOf returns the cells of a row. What a list in it has is in one cell.
func rowOf(text string) ([]string, *Message) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // digits stay as they are
	var row []any
	if err := d.Decode(&row); err != nil {
		return nil, notRow
	}
	if hasHalfLetter(text) {
		return nil, halfLetter
	}
	cells := make([]string, len(row))
	for i, value := range row {
		cell, ok := cellOf(value)
		if !ok {
			return nil, notRow
		}
		cells[i] = cell
	}
	return cells, nil
}

// cellOf is a value as a text; false of an object.
func cellOf(value any) (string, bool) {
	switch value := value.(type) {
	case nil:
		return "", true
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	case []any:
		all := make([]string, len(value))
		for i, one := range value {
			text, ok := cellOf(one)
			if !ok {
				return "", false
			}
			all[i] = text
		}
		return strings.Join(all, ", "), true
	}
	return "", false
}
