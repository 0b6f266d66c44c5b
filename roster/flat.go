package roster

import (
	"encoding/json"
	"strings"
)

// objectTable reads JSON objects as the rows of a table, where somebody says what their fields are for.
// Its columns are the paths to the values, such as name.first, in the order in which they are first
// found, so that they are the same whenever the file is read. What lists have at a path is in one column.
type objectTable struct {
	mapping *Mapping
	columns []string
	place   map[string]int // of a path among the columns
}

// Bounds of a table of objects. What is beyond them is not taken, and named.
const (
	maxColumns = 1000
	maxDepth   = 8   // of objects and lists within an object
	maxPath    = 200 // bytes
)

// objectRow has what an object says.
type objectRow struct {
	cells   []string         // the first value of each column, as far as there are any
	further map[int][]string // the other values of a column
	left    []string         // paths that are no columns
}

// entry makes a person of an object, and counts what has no place here.
func (t *objectTable) entry(_ int, text string, seen *census) (e Entry, problem *Message) {
	row, problem := t.row(text)
	if problem != nil {
		return e, problem
	}
	e, more, problem := t.mapping.entry(row.cells, row.further)
	roles := t.mapping.columns(len(row.cells))
	for i, cell := range row.cells {
		switch {
		case isFilled(cell) && roles[i] == untaken:
			row.left = append(row.left, t.columns[i])
		case roles[i] == nameColumn && len(row.further[i]) > 0:
			row.left = append(row.left, t.columns[i]+" 2")
		}
	}
	if more > 0 {
		row.left = append(row.left, "email 2")
	}
	seen.ignore(row.left)
	if e.Name != nil {
		seen.name(*e.Name)
	}
	if e == (Entry{}) && problem == nil {
		problem = emptyObject
	}
	return e, problem
}

// row reads an object. A field that is there twice is refused, as is half a letter: see parseOwn.
func (t *objectTable) row(text string) (row objectRow, problem *Message) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // digits stay as they are
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return row, notObject(d, text, err)
	}
	r := objectReader{d, text, t, &row}
	if problem = r.object("", 1); problem == nil {
		problem = endOfObject(d, text)
	}
	if problem == nil && hasHalfLetter(text) {
		problem = halfLetter
	}
	return row, problem
}

// objectReader reads one object.
type objectReader struct {
	*json.Decoder
	text  string
	table *objectTable
	row   *objectRow
}

// object reads the fields of an object whose bracket is open.
func (r objectReader) object(path string, depth int) *Message {
	names := map[string]bool{}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return notObject(r.Decoder, r.text, err)
		}
		name, _ := key.(string) // a decoder takes nothing else here
		if names[name] {
			return twice(name)
		}
		names[name] = true
		if path != "" {
			name = path + "." + name
		}
		if problem := r.value(name, depth); problem != nil {
			return problem
		}
	}
	return nil
}

// value reads a value, and those that it has in it.
func (r objectReader) value(path string, depth int) (problem *Message) {
	if depth > maxDepth || len(path) > maxPath {
		if err := r.Decode(&json.RawMessage{}); err != nil {
			return notObject(r.Decoder, r.text, err)
		}
		r.row.left = append(r.row.left, path[:min(len(path), maxPath)])
		return nil
	}
	token, err := r.Token()
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			problem = r.object(path, depth+1)
		}
		for token == '[' && problem == nil && r.More() {
			problem = r.value(path, depth+1)
		}
		if problem == nil {
			_, err = r.Token() // the bracket
		}
	case string:
		r.add(path, token)
	case json.Number:
		r.add(path, token.String())
	case bool:
		r.add(path, map[bool]string{true: "true", false: "false"}[token])
	}
	if err != nil {
		return notObject(r.Decoder, r.text, err)
	}
	return problem
}

func (r objectReader) add(path, value string) {
	place, known := r.table.placeOf(path)
	if !known {
		r.row.left = append(r.row.left, path)
		return
	}
	row := r.row
	for len(row.cells) <= place {
		row.cells = append(row.cells, "")
	}
	switch value = strings.TrimSpace(value); {
	case value == "":
	case row.cells[place] == "":
		row.cells[place] = value
	default:
		if row.further == nil {
			row.further = map[int][]string{}
		}
		row.further[place] = append(row.further[place], value)
	}
}

// placeOf returns the column of a path. A new one is the last.
func (t *objectTable) placeOf(path string) (place int, ok bool) {
	if place, ok = t.place[path]; ok || len(t.columns) == maxColumns {
		return place, ok
	}
	if t.place == nil {
		t.place = map[string]int{}
	}
	place = len(t.columns)
	t.columns, t.place[path] = append(t.columns, path), place
	return place, true
}

// shown are the cells of a row as somebody looks at them.
func (row objectRow) shown() []string {
	cells := make([]string, len(row.cells))
	for i, cell := range row.cells {
		cells[i] = strings.Join(append([]string{cell}, row.further[i]...), ", ")
	}
	return cells
}
