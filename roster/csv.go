package roster

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/rollcall/rollcall/api"
)

// csvReader reads RFC 4180 with what programs make of it: other separators, lines
// that end in any way, empty rows, rows cut short, quotes that stand for inches.
type csvReader struct {
	source    *source
	separator rune
	names     []string // as the file has them
	columns   []column
	named     int // columns up to the last one that has a name
	own       bool
	quoted    bool // it is as our own export writes it, with each cell in quotes
	wrapped   bool // each line is one cell, in quotes, with the cells in it
	quote     openQuote
	pending   []Line // to return first
}

// separators are tried in this order.
const separators = ",;\t|"

func newCSV(s *source) (*csvReader, error) {
	r := &csvReader{source: s}
	first, err := r.headerLine()
	if err != nil {
		return nil, err
	}
	said, isSeparator := separatorLine(first.text)
	if isSeparator {
		if first, err = r.headerLine(); err != nil {
			return nil, err
		}
	}
	if problem := s.check(first); problem != "" {
		// Without its columns a file can't be judged as a whole, so this line must do.
		if err := s.seen.verdict(); err != nil && problem == notText {
			return nil, err
		}
		return nil, refuse("of the columns' names, " + problem)
	}
	for _, separator := range said + separators {
		header, problem := cellsOf(first.text, separator)
		if problem != "" {
			continue
		}
		r.wrapped = len(header) == 1 && strings.ContainsRune(header[0], separator)
		header = r.unwrap(header, separator)
		if known := exportKind(header); known != "" {
			return nil, refuse(known)
		}
		if columns, _ := columnsOf(header); isHeader(columns) {
			r.separator = separator
			if err := r.takeHeader(header); err != nil {
				return nil, err
			}
			r.quoted = r.own && first.text == quotedRow(r.names)
			return r, nil
		}
	}
	return nil, refuse("its first line must name the columns, with email or id among them; it is " + Quote(first.text))
}

// unwrap returns the cells within a cell, where a program has saved each line as one.
func (r *csvReader) unwrap(cells []string, separator rune) []string {
	if !r.wrapped || len(cells) != 1 {
		return cells
	}
	inner, problem := cellsOf(cells[0], separator)
	if problem != "" {
		return cells
	}
	return inner
}

// headerLine returns the first line that is not empty.
func (r *csvReader) headerLine() (physical, error) {
	for {
		line, err := r.source.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = refuse("it has no line that names the columns: name,email,bio")
			}
			return line, err
		}
		if strings.Trim(line.text, ",;\t| ") != "" {
			return line, nil
		}
	}
}

// separatorLine reads the line with which Excel is told of the separator.
func separatorLine(text string) (separator string, ok bool) {
	text = strings.Trim(strings.TrimPrefix(text, mark), `"`)
	const key = "sep="
	if len(text) < len(key) || !strings.EqualFold(text[:len(key)], key) {
		return "", false
	}
	for _, r := range text[len(key):] {
		return string(r), r != '"'
	}
	return "", true
}

// columnsOf says what columns are for, and which are not known.
func columnsOf(header []string) (columns []column, unknown []string) {
	for _, cell := range header {
		name := columnName(cell)
		known, ok := meaning[name]
		if !ok && name != "" {
			unknown = append(unknown, name)
		}
		columns = append(columns, known)
	}
	return columns, unknown
}

// isHeader reports whether columns are of people: without an email or an id nobody is known.
func isHeader(columns []column) bool {
	return slices.Contains(columns, emailColumn) || slices.Contains(columns, idColumn)
}

// takeHeader refuses columns nobody knows: what is left out in silence is lost.
func (r *csvReader) takeHeader(header []string) error {
	columns, unknown := columnsOf(header)
	if len(unknown) > 0 {
		n := slices.IndexFunc(header, func(cell string) bool { return columnName(cell) == unknown[0] })
		return refuse(fmt.Sprintf("column %d is %s; possible are %s", n+1, Quote(unknown[0]), strings.Join(Columns, ", ")))
	}
	names := make([]string, len(header))
	for i, cell := range header {
		names[i] = columnName(cell)
		if first := slices.Index(names, names[i]); first < i && names[i] != "" {
			return refuse("column " + names[i] + " is there twice")
		}
	}
	r.names, r.columns, r.quoted = names, columns, false
	for i, name := range names {
		if name != "" {
			r.named = i + 1
		}
	}
	r.own = !slices.ContainsFunc(Columns, func(c string) bool { return !slices.Contains(names, c) })
	return nil
}

// Next implements parser.
func (r *csvReader) Next() (Line, error) {
	if len(r.pending) > 0 {
		line := r.pending[0]
		r.pending = r.pending[1:]
		return line, nil
	}
	for {
		first, err := r.next()
		if err != nil {
			return Line{}, err
		}
		line := Line{Number: r.source.number}
		if line.Problem = r.source.check(first); line.Problem != "" {
			return line, nil
		}
		cells, problem, err := r.record(r.withoutJoint(first.text))
		if err != nil {
			return Line{}, err
		}
		if line.Problem = problem; problem == "" {
			if !slices.ContainsFunc(cells, isFilled) {
				continue
			}
			line.Entry, line.Problem = r.entry(cells)
		}
		return line, nil
	}
}

func (r *csvReader) next() (physical, error) {
	line, err := r.source.next()
	r.quote.pass(line)
	return line, err
}

func isFilled(cell string) bool {
	return strings.ContainsFunc(cell, func(r rune) bool { return !unicode.IsSpace(r) })
}

// withoutJoint removes what files leave that were joined: a byte order mark before a
// line, and where the last line of one had no end, also the column names of the next.
func (r *csvReader) withoutJoint(text string) string {
	text = strings.TrimPrefix(text, mark)
	before, after, found := strings.Cut(text, mark)
	if !found {
		return text
	}
	if _, problem := cellsOf(before, r.separator); problem != "" {
		return text // the mark is within a text
	}
	if header, problem := cellsOf(after, r.separator); problem == "" && r.isSecondHeader(header) {
		r.source.seen.joined = r.source.number
		return before
	}
	return text
}

// isSecondHeader reports whether a row names columns, and takes these from here on.
func (r *csvReader) isSecondHeader(cells []string) bool {
	if slices.ContainsFunc(cells, func(cell string) bool { return strings.Contains(cell, "@") }) {
		return false
	}
	columns, unknown := columnsOf(cells)
	named := 0
	for _, c := range columns {
		if c != unnamed {
			named++
		}
	}
	return (named > 1 || len(r.columns) == 1) && isHeader(columns) && len(unknown) == 0 && r.takeHeader(cells) == nil
}

// record reads the cells of a row that begins with a line and goes on as long as a
// quote is open.
func (r *csvReader) record(first string) (cells []string, problem string, err error) {
	row := splitter{separator: r.separator}
	state := row.feed(first)
	if state == complete {
		return r.unwrap(row.cells, r.separator), "", nil
	}
	if state == broken {
		return nil, "the line has text behind a closing quote: double the quotes that are text", nil
	}
	number, whole := r.source.number, r.isWhole(&row)
	n, err := r.quote.end(r.source, r.separator, len(first))
	if err != nil {
		return nil, "", err
	}
	if n == 0 { // only the line with the quote is bad; the others are read as they look
		return nil, "the line has a quote that is not closed", nil
	}
	more := make([]physical, 0, n)
	for range n {
		next, err := r.next()
		if err != nil {
			return nil, "", err
		}
		more = append(more, next)
		problem = cmp.Or(problem, r.source.check(next))
		row.feed("\n" + next.text)
	}
	if whole && r.hasPerson(more, row.cells) {
		for i := range more {
			r.pending = append(r.pending, Line{Number: number + 1 + i, Problem: fmt.Sprintf("the line is within a quote that line %d opens, and is not read", number)})
		}
		return nil, fmt.Sprintf("the line has a quote that takes in what looks like people, up to line %d: close it, or double it", number+len(more)), nil
	}
	if name := r.tornField(row.cells); name != "" && problem == "" {
		problem = fmt.Sprintf("the line has a line end in its %s, in a quote that goes on to line %d", name, number+len(more))
	}
	return row.cells, problem, nil
}

// A quote that was opened by mistake takes in lines of others. It shows by this: the line it
// is in would be whole without it, and one that follows looks like a person. A text may have
// such lines, but then they are named, not lost.

// isWhole reports whether the first line of a row, whose quote is open, would be a row.
func (r *csvReader) isWhole(row *splitter) bool {
	rest := strings.Split(row.cell.String(), string(r.separator))
	if r.quoted || len(row.cells)+len(rest) < r.named {
		return false // in a file whose cells are all in quotes, one too many breaks the line
	}
	// In our own export more columns follow the text, so a comma in it is not enough.
	return !r.own || r.names[r.named-1] != "version" || strings.Trim(rest[len(rest)-1], " 0123456789") == ""
}

// hasPerson reports whether one of the lines within a quote looks like a row of its own. The
// cells of the row that the quote is in show whether the file has spaces behind separators:
// else "Bob, bob@example.org" is a sentence.
func (r *csvReader) hasPerson(lines []physical, row []string) bool {
	spaced := slices.ContainsFunc(row, func(cell string) bool { return strings.HasPrefix(cell, " ") })
	return slices.ContainsFunc(lines, func(l physical) bool { return r.isPerson(l.text, spaced) })
}

func (r *csvReader) isPerson(line string, spaced bool) bool {
	cells := strings.Split(line, string(r.separator))
	if (r.own && len(cells) < r.named) || (len(cells) == 1 && r.named > 1) {
		return false
	}
	for i, cell := range cells {
		if spaced {
			cell = strings.TrimSpace(cell)
		}
		cell = strings.Trim(cell, `"`)
		// A comma too many has moved the cells behind it.
		moved := len(cells) > len(r.columns)
		if (moved || r.columns[i] == emailColumn) && strings.Index(cell, "@") > 0 && !strings.ContainsFunc(cell, unicode.IsSpace) {
			return true
		}
		if (moved || r.columns[i] == idColumn) && api.ValidID(cell) {
			return true
		}
	}
	return false
}

// entry makes an entry of cells. Cells that are missing at the end say nothing.
func (r *csvReader) entry(cells []string) (e Entry, problem string) {
	if r.isSecondHeader(cells) {
		return e, "the line names columns, as where files were joined; the lines after it are read by it"
	}
	if cells = r.withoutExcess(cells); len(cells) > len(r.columns) {
		return e, fmt.Sprintf("the line has %d cells; the first line names %d columns", len(cells), len(r.columns))
	}
	for i, cell := range cells {
		if r.own {
			cell = unguard(cell)
		}
		switch r.columns[i] {
		case unnamed:
			if isFilled(cell) {
				return e, fmt.Sprintf("the line has a value in column %d, which has no name", i+1)
			}
		case idColumn:
			e.ID = strings.TrimSpace(cell)
		case nameColumn:
			r.source.seen.name(cell)
			e.Name = &cell
		case emailColumn:
			e.Email = &cell
		case bioColumn:
			e.Bio = &cell
		}
	}
	return e, ""
}

// withoutExcess removes empty cells behind the last column. Where that is the bio, the
// commas of a sentence in it, which have a space behind them, part nothing.
func (r *csvReader) withoutExcess(cells []string) []string {
	for len(cells) > len(r.columns) && !isFilled(cells[len(cells)-1]) {
		cells = cells[:len(cells)-1]
	}
	last := len(r.columns) - 1
	if len(cells) <= last || r.columns[last] != bioColumn {
		return cells
	}
	if slices.ContainsFunc(cells[last+1:], func(cell string) bool { return !strings.HasPrefix(cell, " ") }) {
		return cells
	}
	return append(cells[:last], strings.Join(cells[last:], string(r.separator)))
}

// tornField names a field that a line end can't be in, but is.
func (r *csvReader) tornField(cells []string) string {
	for i, cell := range cells {
		if i < len(r.columns) && r.columns[i] > unused && r.columns[i] != bioColumn && strings.Contains(strings.TrimSpace(cell), "\n") {
			return r.names[i]
		}
	}
	return ""
}
