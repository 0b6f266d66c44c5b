package exchange

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns are those of a file; an import takes the first four, and the others only
// so that an export can be imported.
var columns = []string{"id", "name", "email", "bio", "createdAt", "updatedAt", "version"}

// csvReader reads RFC 4180 with what programs make of it: a byte order mark, lines
// that end in any way, semicolons or tabs between the fields.
type csvReader struct {
	source *source
	comma  rune
	header []string
}

func newCSV(s *source) (*csvReader, error) {
	line, err := s.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty; its first line must name the columns: name,email,bio", ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	if problem := line.problem(); problem != "" {
		return nil, fmt.Errorf("%w: its first line %s", ErrFormat, problem)
	}
	for _, comma := range ",;\t" {
		header, err := parseRecord(line.text, comma)
		if err != nil {
			continue
		}
		for i, name := range header {
			header[i] = columnOf(name)
		}
		if slices.Contains(header, "email") || slices.Contains(header, "id") {
			r := &csvReader{source: s, comma: comma, header: header}
			err := r.checkHeader()
			return r, err
		}
	}
	return nil, fmt.Errorf("%w: its first line must name the columns, with email or id among them; it is %.80q", ErrFormat, line.text)
}

// columnOf finds a column's name without regard to case.
func columnOf(name string) string {
	name = strings.TrimSpace(name)
	for _, c := range columns {
		if strings.EqualFold(c, name) {
			return c
		}
	}
	return name
}

// checkHeader refuses columns nobody knows: a column that is left out in silence
// is lost data.
func (r *csvReader) checkHeader() error {
	for i, name := range r.header {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("%w: column %d is %q; possible are %s", ErrFormat, i+1, name, strings.Join(columns, ", "))
		}
		if slices.Index(r.header, name) != i {
			return fmt.Errorf("%w: column %s is there twice", ErrFormat, name)
		}
	}
	return nil
}

// Next implements Reader.
func (r *csvReader) Next() (Line, error) {
	text, line, err := r.record()
	if err != nil || line.Problem != "" {
		return line, err
	}
	fields, err := parseRecord(text, r.comma)
	if err != nil {
		line.Problem = "is not CSV: " + err.Error()
		return line, nil
	}
	if len(fields) != len(r.header) {
		line.Problem = fmt.Sprintf("has %d fields; the first line names %d columns", len(fields), len(r.header))
		return line, nil
	}
	for i, name := range r.header {
		value := unguard(fields[i])
		switch name {
		case "id":
			line.Entry.ID = strings.TrimSpace(value)
		case "name":
			line.Entry.Name = &value
		case "email":
			line.Entry.Email = &value
		case "bio":
			line.Entry.Bio = &value
		}
	}
	return line, nil
}

// record returns the text of the next record, which has several lines when line
// ends are quoted. Where a quote is never closed, only the line with it is bad:
// reading goes on with the next one.
func (r *csvReader) record() (string, Line, error) {
	for {
		first, err := r.source.next()
		if err != nil {
			return "", Line{}, err
		}
		line := Line{Number: r.source.number, Problem: first.problem()}
		if line.Problem != "" {
			return "", line, nil
		}
		if first.text == "" {
			continue
		}
		text, closed, err := r.complete(first.text)
		switch {
		case err != nil:
			return "", line, err
		case !closed:
			line.Problem = "has a quote that is not closed"
		default:
			line.Problem = physical{text, true}.problem()
		}
		return text, line, nil
	}
}

// complete adds lines to a record until its quotes are closed. If they never are,
// it takes no line.
func (r *csvReader) complete(text string) (record string, closed bool, err error) {
	var more []physical
	for quotes := strings.Count(text, `"`); quotes%2 == 1; {
		next, err := r.source.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", false, err
		}
		if err == nil {
			more = append(more, next)
		}
		if err != nil || !next.whole || len(text)+len(next.text) >= maxLine {
			r.source.takeBack(more)
			return "", false, nil
		}
		quotes += strings.Count(next.text, `"`)
		text += "\n" + next.text
	}
	return text, true, nil
}

func parseRecord(text string, comma rune) ([]string, error) {
	p := csv.NewReader(strings.NewReader(text))
	p.Comma = comma
	fields, err := p.Read()
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return nil, bad.Err // its line numbers are of the record
	}
	return fields, err
}

// Spreadsheets take a cell that begins so for a formula, and run it: a user could
// write one into a bio for whoever opens the export. An apostrophe before it makes
// it text. It is put before, and taken from, whatever begins with any number of
// apostrophes and then one of these, so that an export is imported as it was.
const formula = "=+-@\t\r\n＝＋－＠"

func isFormula(value string) bool {
	rest := strings.TrimLeft(value, "'")
	for _, r := range rest {
		return strings.ContainsRune(formula, r)
	}
	return false
}

func guard(value string) string {
	if isFormula(value) {
		return "'" + value
	}
	return value
}

func unguard(value string) string {
	if strings.HasPrefix(value, "'") && isFormula(value) {
		return value[1:]
	}
	return value
}
