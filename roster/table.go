package roster

import (
	"errors"
	"io"
	"slices"
	"strings"
)

// Table is a file of CSV or JSON as it looks to somebody who is to say what its columns are for.
type Table struct {
	Columns []string   // as the file names them, or letters
	Rows    [][]string // the first few; cells may be missing at the end
	Roles   []Role     // of the columns, as far as they can be guessed
	// Headings is the line of CSV that names the columns, or NoHeadings where the first line seems to be a
	// person. 1 stands for the first row of JSON; 0 of objects, whose fields have their names with them.
	Headings int
	Top      []TopLine // of CSV, where another one may have the headings

	separator rune // of CSV
}

// TopLine is one of the first lines of a table.
type TopLine struct {
	Number int    `json:"number"`
	Text   string `json:"text"` // of its cells
}

const (
	shownRows   = 5   // of a table are enough to know it by
	guessedRows = 100 // are looked at to guess what its columns are
	topLines    = 20
	topText     = 60 // letters of one
)

// TableOf looks at a table whose columns have names of its own, or none. Its error is a *Refusal, or
// the reader's.
func TableOf(in io.ReadSeeker, o Options) (*Table, error) {
	encoding, err := encodingOf(in, o.Encoding)
	if err != nil {
		return nil, err
	}
	o.Mapping = &Mapping{}
	look := func(o Options) (*Table, error) {
		seen := &census{}
		f := &File{Info: Info{Encoding: encoding}}
		p, err := f.start(in, seen, o)
		if err != nil {
			return nil, err
		}
		t, err := tableOf(p)
		if err != nil {
			return nil, err
		}
		if o.Encoding == "" && encoding == UTF8 {
			if err := seen.verdict(); err != nil {
				return nil, err
			}
		}
		if len(t.Columns) == 0 {
			return nil, refuse(Say("it has no object with anything in it; a person looks like {0}", `{"name": "Ann", "email": "ann@example.org"}`))
		}
		t.Roles = guess(t.Columns, t.Rows)
		t.Rows = t.Rows[:min(len(t.Rows), shownRows)]
		return t, nil
	}
	t, err := look(o)
	if err == nil && o.Headings == 0 && t.Headings > 0 && looksLikePerson(t.Columns) {
		o.Headings = NoHeadings
		t, err = look(o)
	}
	if err != nil || t.Headings == 0 {
		return t, err
	}
	t.Top, err = topOf(in, encoding, t)
	return t, err
}

func tableOf(p parser) (*Table, error) {
	switch p := p.(type) {
	case *csvReader:
		return tableOfRows(p)
	case *jsonRows:
		return tableOfLists(p)
	case *jsonLines:
		t := &objectTable{}
		return t.table(p, &p.parse)
	case *jsonItems:
		t := &objectTable{}
		return t.table(p, &p.parse)
	}
	return nil, refuse(&Message{Text: "it is {0}, not {1}", Args: []any{VCard.words(), CSV.words()}}) // only a command asks for a table
}

func tableOfRows(r *csvReader) (t *Table, err error) {
	t = &Table{Columns: r.names, Headings: r.headings, separator: r.separator}
	for err == nil {
		var cells []string
		if cells, err = r.row(); err == nil && len(t.Rows) < guessedRows && len(cells) > 0 {
			t.Rows = append(t.Rows, cells)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return t, nil
}

func tableOfLists(r *jsonRows) (*Table, error) {
	t := &Table{Columns: r.table.names, Headings: r.headings}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return t, nil
		} else if err != nil {
			return nil, err
		}
		if r.cells != nil && len(t.Rows) < guessedRows {
			t.Rows = append(t.Rows, r.cells)
		}
	}
}

// table reads all objects, whose columns may be in the last one only.
func (t *objectTable) table(p parser, parse *objectParser) (*Table, error) {
	var rows [][]string
	*parse = func(_ int, text string, _ *census) (e Entry, problem *Message) {
		row, problem := t.row(text)
		if problem == nil && len(rows) < guessedRows {
			rows = append(rows, row.shown())
		}
		return e, problem
	}
	for {
		if _, err := p.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return &Table{Columns: t.columns, Rows: rows}, nil
}

// topOf returns the first lines of a table, any of which may have its headings; none of JSON.
func topOf(in io.ReadSeeker, encoding Encoding, t *Table) (top []TopLine, err error) {
	f := &File{Info: Info{Encoding: encoding}}
	p, err := f.start(in, &census{}, Options{Mapping: &Mapping{}, Headings: NoHeadings})
	if err != nil {
		return nil, err
	}
	r, isCSV := p.(*csvReader)
	for isCSV && len(top) < topLines {
		line, err := r.source.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if line.whole && !isBlank(line.text) {
			top = append(top, TopLine{r.source.number, topTextOf(line.text, t.separator)})
		}
	}
	return top, nil
}

// topTextOf is the beginning of a line's cells.
func topTextOf(text string, separator rune) string {
	text = strings.ToValidUTF8(strings.TrimPrefix(text, mark), "?")
	if cells, problem := cellsOf(text, separator); problem == nil {
		text = strings.Join(slices.DeleteFunc(cells, func(cell string) bool { return !isFilled(cell) }), " · ")
	}
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > topText {
		return string(runes[:topText]) + "…"
	}
	return string(runes)
}

// looksLikePerson reports whether a first row has an address in it, which names no column.
func looksLikePerson(cells []string) bool {
	email, _, _ := addressIn(cells)
	return isAddress(email)
}

// row returns the cells of the next row; none of an empty row, or of one that is refused.
func (r *csvReader) row() ([]string, error) {
	first, err := r.next()
	if err != nil {
		return nil, err
	}
	problem := r.source.check(first)
	cells, broken, err := r.record(r.withoutJoint(first.text))
	r.pending = nil
	if err != nil || problem != nil || broken != nil {
		return nil, err
	}
	for _, cell := range cells {
		if isFilled(cell) {
			return cells, nil
		}
	}
	return nil, nil
}
