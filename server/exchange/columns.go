package exchange

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rollcall/rollcall/roster"
)

// Open reads a file of people. Columns says which columns of CSV, or fields of JSON, are what, where they have names of
// their own: "name=First+Last,email=Mail". Empty takes those that are known.
func Open(in io.ReadSeeker, o roster.Options, columns string) (*roster.File, error) {
	if columns != "" {
		table, err := roster.TableOf(in, o)
		if err != nil {
			return nil, err
		}
		o.Headings = table.Headings
		if o.Mapping, err = mappingOf(columns, table.Columns); err != nil {
			return nil, err
		}
	}
	return roster.Open(in, o)
}

// ReadHeadings returns the line that names the columns, as an operator gives it: a number, or none.
// Empty leaves it to the file.
func ReadHeadings(said, columns string) (int, error) {
	line, err := strconv.Atoi(said)
	switch {
	case said == "":
		return 0, nil
	case strings.EqualFold(said, "none") && columns == "":
		return 0, errors.New("-headings none: say which column is what, such as -columns name=1,email=2")
	case strings.EqualFold(said, "none"):
		return roster.NoHeadings, nil
	case err != nil || line < 1:
		return 0, errors.New("-headings must be the number of a line, or none")
	}
	return line, nil
}

// mappingOf reads what an operator says of a table's columns, by name or by number from 1.
func mappingOf(said string, columns []string) (*roster.Mapping, error) {
	m := &roster.Mapping{}
	for part := range strings.SplitSeq(said, ",") {
		field, names, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("-columns %q: write field=column, such as name=First+Last,email=Mail", said)
		}
		var places []int
		for name := range strings.SplitSeq(names, "+") {
			i, err := placeOf(strings.TrimSpace(name), columns)
			if err != nil {
				return nil, err
			}
			places = append(places, i)
		}
		switch strings.ToLower(strings.TrimSpace(field)) {
		case "id":
			m.ID = places
		case "name":
			m.Names = [][]int{places}
		case "email":
			m.Emails = places
		case "bio":
			m.Bios = places
		default:
			return nil, fmt.Errorf("-columns: there is no field %q; possible are id, name, email and bio", field)
		}
	}
	if len(m.ID)+len(m.Emails) == 0 {
		return nil, fmt.Errorf("-columns: say which column is the email, or the id: people are found by it")
	}
	return m, nil
}

func placeOf(name string, columns []string) (int, error) {
	for i, c := range columns {
		if strings.EqualFold(c, name) {
			return i, nil
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(columns) {
		return n - 1, nil
	}
	const most = 100
	var quoted []string
	for _, c := range columns[:min(len(columns), most)] {
		quoted = append(quoted, roster.Quote(c))
	}
	return 0, fmt.Errorf("-columns: the file has no column %q; it has %s", name, strings.Join(quoted, ", "))
}
