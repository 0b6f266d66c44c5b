package exchange

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columns are the columns of an export. An import uses the first four and ignores the rest.
var columns = []string{"id", "name", "email", "bio", "createdAt", "updatedAt", "version"}

// csvReader reads RFC 4180 and its usual variants: a byte order mark, any line ends, and
// semicolons or tabs between the fields.
type csvReader struct {
	source *lineSource
	comma  rune
	header []string
}

func newCSV(s *lineSource) (*csvReader, error) {
	line, err := s.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty; its first line must name the columns, such as name,email,bio", ErrFormat)
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
	return nil, fmt.Errorf("%w: its first line must name the columns, including email or id; it is %.80q", ErrFormat, line.text)
}

// columnOf finds a column, ignoring case.
func columnOf(name string) string {
	name = strings.TrimSpace(name)
	for _, c := range columns {
		if strings.EqualFold(c, name) {
			return c
		}
	}
	return name
}

// checkHeader refuses unknown columns: to ignore one would lose data.
func (r *csvReader) checkHeader() error {
	for i, name := range r.header {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("%w: column %d is %q; it must be one of %s", ErrFormat, i+1, name, strings.Join(columns, ", "))
		}
		if slices.Index(r.header, name) != i {
			return fmt.Errorf("%w: column %s appears twice", ErrFormat, name)
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
		value := unescapeFormula(fields[i])
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

// record returns the text of the next record, which spans several lines if line ends are
// quoted. If a quote is never closed, only its line is bad; reading continues with the next.
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
			line.Problem = rawLine{text, true}.problem()
		}
		return text, line, nil
	}
}

// complete appends lines to a record until its quotes are closed. If they never are, it
// consumes none.
func (r *csvReader) complete(text string) (record string, closed bool, err error) {
	var more []rawLine
	for quotes := strings.Count(text, `"`); quotes%2 == 1; {
		next, err := r.source.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", false, err
		}
		if err == nil {
			more = append(more, next)
		}
		if err != nil || !next.whole || len(text)+len(next.text) >= maxLine {
			r.source.unread(more)
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
		return nil, bad.Err // its line number counts from the record
	}
	return fields, err
}

// formula lists how a cell starts that a spreadsheet runs as a formula: a user could attack
// whoever opens the export. A leading apostrophe makes it text. It is added to, and removed
// from, every value that starts with any number of apostrophes and one of these, so that an
// export is imported unchanged.
const formula = "=+-@\t\r\n＝＋－＠"

func isFormula(value string) bool {
	rest := strings.TrimLeft(value, "'")
	for _, r := range rest {
		return strings.ContainsRune(formula, r)
	}
	return false
}

func escapeFormula(value string) string {
	if isFormula(value) {
		return "'" + value
	}
	return value
}

func unescapeFormula(value string) string {
	if strings.HasPrefix(value, "'") && isFormula(value) {
		return value[1:]
	}
	return value
}
