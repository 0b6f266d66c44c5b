package roster

import (
	"cmp"
	"errors"
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
	headings  int      // the line that names the columns, or NoHeadings
	names     []string // as the file has them
	columns   []column
	named     int // columns up to the last one that has a name
	mapping   *Mapping
	program   string // whose export it is
	own       bool
	quoted    bool // it is as our own export writes it, with each cell in quotes
	wrapped   bool // each line is one cell, in quotes, with the cells in it
	quote     openQuote
	pending   []Line // to return first
}

// separators are tried in this order.
const separators = ",;\t|"

func newCSV(s *source, o Options) (*csvReader, error) {
	r := &csvReader{source: s}
	first, said, err := r.header(o.Headings)
	if err != nil {
		return nil, err
	}
	if o.Mapping != nil {
		r.takeTable(first, said, o)
		return r, nil
	}
	for _, separator := range said + separators {
		header, problem := r.split(first, separator)
		if problem != nil {
			continue
		}
		known, err := r.take(header)
		if err != nil {
			return nil, err
		}
		if known {
			r.separator, r.quoted = separator, r.own && first.text == quotedRow(r.names)
			return r, nil
		}
	}
	return nil, unknownColumns(first.text)
}

func unknownColumns(first string) error {
	return &Refusal{
		Reason:  Say("its first line must name the columns, with email or id among them, but it is {0}", Quote(first)),
		Columns: true,
	}
}

// take takes columns that are ours or a known program's; false if they are neither.
func (r *csvReader) take(header []string) (known bool, err error) {
	if program, mapping := exportOf(header); mapping != nil {
		r.program = program
		r.takeMapped(header, mapping)
		return true, nil
	}
	if columns, _ := columnsOf(header); !isHeader(columns) {
		return false, nil
	}
	return true, r.takeHeader(header)
}

// header reads the line that names the columns, and what is said of the separator before it.
func (r *csvReader) header(headings int) (first physical, said string, err error) {
	if first, err = r.headerLine(); err != nil {
		return first, "", err
	}
	said, isSeparator := separatorLine(first.text)
	for isSeparator || isTypeLine(first.text) {
		if first, err = r.headerLine(); err != nil {
			return first, "", err
		}
		isSeparator = false
	}
	switch {
	case headings > 0:
		first, err = r.onLine(headings, first)
	case headings == 0:
		first, err = r.pastTitle(first)
	}
	if err != nil {
		return first, "", err
	}
	if r.headings = headings; headings != NoHeadings {
		r.headings = r.source.number
		if first, err = r.wholeRow(first); err != nil {
			return first, "", err
		}
	}
	if problem := r.source.check(first); problem != nil {
		// Without its columns a file can't be judged as a whole, so this line must do.
		if err := r.source.seen.verdict(); err != nil && problem == notText {
			return first, "", err
		}
		if problem == tooLong {
			return first, "", refuse(Say("the line that names its columns is longer than 64 kB"))
		}
		return first, "", refuse(Say("the line that names its columns has bytes that are not text in the file's encoding"))
	}
	return first, said, nil
}

// onLine returns the line with a number, which is to name the columns.
func (r *csvReader) onLine(number int, line physical) (_ physical, err error) {
	for err == nil && r.source.number < number {
		line, err = r.source.next()
		r.source.seen.headed = number
	}
	if errors.Is(err, io.EOF) || r.source.number != number || isBlank(line.text) {
		return line, refuse(Say("line {0} names no columns", number))
	}
	return line, err
}

// maxHeading is how many lines a row with headings may have.
const maxHeading = 10

// wholeRow adds those lines that follow to one that ends within a heading of several, in quotes.
func (r *csvReader) wholeRow(first physical) (physical, error) {
	row := first
	for n := 0; !closed(row.text) && n < maxHeading; n++ {
		line, err := r.source.ahead(n)
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return first, err
		}
		if row.text += "\n" + line.text; !line.whole || len(row.text) > maxLine {
			return first, nil
		}
		if closed(row.text) {
			for range n + 1 {
				_, _ = r.source.next() // it was looked at
			}
			return row, nil
		}
	}
	return first, nil
}

// closed reports whether a row has no open quote, with one of the separators.
func closed(text string) bool {
	return strings.ContainsFunc(separators, func(separator rune) bool {
		row := splitter{separator: separator}
		return row.feed(text) == complete
	})
}

// isBlank reports whether a line has no cell with anything in it, whatever the separator is.
func isBlank(text string) bool { return strings.Trim(text, separators+" ") == "" }

// maxTitle is how many lines may be above the one that names the columns.
const maxTitle = 5

// pastTitle passes over a title, as people put it above the headings of a spreadsheet: lines that name no
// column and have fewer filled cells than the line with the headings.
func (r *csvReader) pastTitle(first physical) (physical, error) {
	columns, named := headings(first.text)
	for n := 0; n < maxTitle && !named && !strings.Contains(first.text, "@"); n++ {
		line, err := r.source.ahead(n)
		if err != nil || strings.Contains(line.text, "@") {
			break // whoever reads on hears of the error
		}
		if more, ok := headings(line.text); !ok || more <= columns {
			continue
		}
		for range n + 1 {
			if line, err = r.source.next(); err != nil {
				return line, err
			}
		}
		r.source.seen.headed = r.source.number
		return line, nil
	}
	return first, nil
}

// headings counts the filled cells of a line, and reports whether they name columns of people, an email's
// among them.
func headings(text string) (filled int, named bool) {
	for _, separator := range separators {
		cells, problem := cellsOf(text, separator)
		if problem != nil {
			continue
		}
		n := 0
		for _, cell := range cells {
			if isFilled(cell) {
				n++
			}
			named = named || slices.Contains(words[EmailRole], plainName(cell))
		}
		filled = max(filled, n)
		if _, mapping := exportOf(cells); mapping != nil {
			named = true
		}
	}
	return filled, named
}

// isTypeLine reports whether a line is the one that PowerShell's Export-Csv begins with.
func isTypeLine(text string) bool {
	const key = "#type "
	text = strings.TrimPrefix(text, mark)
	return len(text) >= len(key) && strings.EqualFold(text[:len(key)], key)
}

// split returns the cells of the line that names the columns.
func (r *csvReader) split(first physical, separator rune) (header []string, problem *Message) {
	header, problem = cellsOf(first.text, separator)
	r.wrapped = problem == nil && len(header) == 1 && strings.ContainsRune(header[0], separator)
	return r.unwrap(header, separator), problem
}

// takeTable takes the columns of a table that names them in its own way, or not at all.
func (r *csvReader) takeTable(first physical, said string, o Options) {
	var header []string
	for _, separator := range said + separators {
		if cells, problem := r.split(first, separator); problem == nil && len(cells) > len(header) {
			r.separator, header = separator, cells
		}
	}
	if len(header) == 0 { // a quote is open in it: then it has no names
		r.separator = ','
	}
	if header, _ = r.split(first, r.separator); len(header) == 0 {
		header = []string{first.text}
	}
	names := header
	if o.Headings == NoHeadings {
		names = lettersOf(len(header))
		r.source.back(first)
	}
	r.takeMapped(names, o.Mapping)
}

// lettersOf names n columns without names.
func lettersOf(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = letterOf(i)
	}
	return names
}

// letterOf names a column as spreadsheets do: A to Z, AA and so on.
func letterOf(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return letterOf(i/26-1) + letterOf(i%26)
}

// takeMapped takes columns whose names are another program's.
func (r *csvReader) takeMapped(header []string, mapping *Mapping) {
	r.mapping, r.names, r.columns = mapping, make([]string, len(header)), mapping.columns(len(header))
	for i, cell := range header {
		r.names[i] = nameOf(cell)
		if r.columns[i] != untaken || r.names[i] != "" {
			r.named = i + 1
		}
	}
}

// nameOf is a heading in one line.
func nameOf(cell string) string {
	return strings.Join(strings.Fields(strings.TrimPrefix(cell, mark)), " ")
}

// unwrap returns the cells within a cell, where a program has saved each line as one.
func (r *csvReader) unwrap(cells []string, separator rune) []string {
	if !r.wrapped || len(cells) != 1 {
		return cells
	}
	inner, problem := cellsOf(cells[0], separator)
	if problem != nil {
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
				err = refuse(Say("it has no line that names the columns: name,email,bio"))
			}
			return line, err
		}
		if !isBlank(line.text) {
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
		return &Refusal{
			Reason:  Say("column {0} is {1}; possible are {2}", n+1, Quote(unknown[0]), strings.Join(Columns, ", ")),
			Columns: true,
		}
	}
	names := make([]string, len(header))
	for i, cell := range header {
		names[i] = columnName(cell)
		if first := slices.Index(names, names[i]); first < i && names[i] != "" {
			return &Refusal{Reason: Say("column {0} is there twice", names[i]), Columns: true}
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
		if line.Problem = r.source.check(first); line.Problem != nil {
			return line, nil
		}
		cells, problem, err := r.record(r.withoutJoint(first.text))
		if err != nil {
			return Line{}, err
		}
		if line.Problem = problem; problem == nil {
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
	if _, problem := cellsOf(before, r.separator); problem != nil {
		return text // the mark is within a text
	}
	if header, problem := cellsOf(after, r.separator); problem == nil && r.isSecondHeader(header) {
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
	if r.mapping != nil {
		return slices.EqualFunc(cells, r.names, func(a, b string) bool { return nameOf(a) == b })
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
func (r *csvReader) record(first string) (cells []string, problem *Message, err error) {
	row := splitter{separator: r.separator}
	state := row.feed(first)
	if state == complete {
		return r.unwrap(row.cells, r.separator), nil, nil
	}
	if state == broken {
		return nil, Say("the line has text after a closing quote: double the quotes that belong to the text"), nil
	}
	number, whole := r.source.number, r.isWhole(&row)
	n, err := r.quote.end(r.source, r.separator, len(first))
	if err != nil {
		return nil, nil, err
	}
	if n == 0 { // only the line with the quote is bad; the others are read as they look
		return nil, quoteNotClosed, nil
	}
	more := make([]physical, 0, n)
	for range n {
		next, err := r.next()
		if err != nil {
			return nil, nil, err
		}
		more = append(more, next)
		problem = cmp.Or(problem, r.source.check(next))
		row.feed("\n" + next.text)
	}
	if whole && r.hasPerson(more, row.cells) {
		for i := range more {
			r.pending = append(r.pending, Line{Number: number + 1 + i, Problem: Say("the line is inside a quote that line {0} opens, and is skipped", number)})
		}
		return nil, Say("a quote in this line swallows what looks like people, up to line {0}: close it, or double it", number+len(more)), nil
	}
	if name := r.tornField(row.cells); name != "" && problem == nil {
		problem = Say("the {0} has a line break in it: its quote is closed only in line {1}", name, number+len(more))
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
func (r *csvReader) entry(cells []string) (e Entry, problem *Message) {
	if r.isSecondHeader(cells) {
		return e, Say("the line names columns again, as when files are joined; the lines below are read by it")
	}
	if cells = r.withoutExcess(cells); len(cells) > len(r.columns) {
		return e, Say("the line has more cells than there are columns: {0} instead of {1}", len(cells), len(r.columns))
	}
	if r.mapping != nil {
		return r.mapped(cells)
	}
	for i, cell := range cells {
		if r.own {
			cell = unguard(cell)
		}
		switch r.columns[i] {
		case unnamed:
			if isFilled(cell) {
				return e, Say("the line has a value in column {0}, which has no name", i+1)
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
	return e, nil
}

// mapped makes an entry of another program's cells, and counts those that have no place here.
func (r *csvReader) mapped(cells []string) (e Entry, problem *Message) {
	var left []string
	for i, cell := range cells {
		if r.columns[i] == untaken && isFilled(cell) && r.names[i] != "" {
			left = append(left, r.names[i])
		}
	}
	e, more, problem := r.mapping.entry(cells, nil)
	if more > 0 {
		left = append(left, "email 2")
	}
	r.source.seen.ignore(left)
	if e.Name != nil {
		r.source.seen.name(*e.Name)
	}
	if e == (Entry{}) && problem == nil {
		problem = Say("the line has no name, email or note")
	}
	return e, problem
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
		if i < len(r.columns) && r.columns[i] > untaken && r.columns[i] != bioColumn && strings.Contains(strings.TrimSpace(cell), "\n") {
			return r.names[i]
		}
	}
	return ""
}
