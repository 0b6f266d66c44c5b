package roster

import (
	"errors"
	"io"
)

// Table is a CSV file as it looks to somebody who is to say what its columns are for.
type Table struct {
	Columns  []string   // as the file names them, or letters
	Rows     [][]string // the first few
	Roles    []Role     // of the columns, as far as they can be guessed
	Headless bool       // the first row seems to be a person
}

// shownRows is how many rows of a table are enough to know it by.
const shownRows = 5

// TableOf looks at a CSV file whose columns have names of its own, or none. Its error is a
// *Refusal, or the reader's.
func TableOf(in io.ReadSeeker, o Options) (*Table, error) {
	encoding, err := encodingOf(in, o.Encoding)
	if err != nil {
		return nil, err
	}
	look := func(headless bool) (*Table, error) {
		o.Format, o.Mapping, o.Headless = CSV, &Mapping{}, headless
		seen := &census{}
		f := &File{Info: Info{Encoding: encoding}}
		p, err := f.start(in, seen, o)
		if err != nil {
			return nil, err
		}
		r, _ := p.(*csvReader) // of CSV it is one
		t := &Table{Columns: r.names, Headless: headless}
		for err == nil {
			var cells []string
			if cells, err = r.row(); err == nil && len(t.Rows) < shownRows && len(cells) > 0 {
				t.Rows = append(t.Rows, cells)
			}
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		if o.Encoding == "" && encoding == UTF8 {
			if err := seen.verdict(); err != nil {
				return nil, err
			}
		}
		t.Roles = guess(t.Columns, t.Rows)
		return t, nil
	}
	t, err := look(o.Headless)
	if err != nil || o.Headless || !looksLikePerson(t.Columns) {
		return t, err
	}
	return look(true)
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
