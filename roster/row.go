package roster

import "strings"

// splitter makes cells of the lines of a row.
type splitter struct {
	separator rune
	cells     []string
	cell      strings.Builder // of an open quote
	size      int
	state     rowState
}

type rowState int

const (
	complete rowState = iota
	open              // a quote is
	broken
)

// cellsOf splits a row of one line.
func cellsOf(text string, separator rune) (cells []string, problem string) {
	row := splitter{separator: separator}
	if row.feed(text) != complete {
		return nil, "has a quote that is not closed"
	}
	return row.cells, ""
}

// feed takes a line in, or the end of one and the next line within a quote.
//
// A quote is one at the beginning of a cell, if need be behind spaces; another one is
// text, as in 5" pipe.
func (s *splitter) feed(text string) rowState {
	s.size += len(text)
	for s.state != broken {
		if s.state == complete {
			inner, quoted := strings.CutPrefix(strings.TrimLeft(text, " "), `"`)
			if !quoted {
				cell, rest, more := strings.Cut(text, string(s.separator))
				s.cells = append(s.cells, cell)
				if !more {
					return complete
				}
				text = rest
				continue
			}
			text, s.state = inner, open
		}
		inner, rest, closed := strings.Cut(text, `"`)
		s.cell.WriteString(inner)
		if !closed {
			return open
		}
		if after, doubled := strings.CutPrefix(rest, `"`); doubled {
			s.cell.WriteByte('"')
			text = after
			continue
		}
		s.cells = append(s.cells, s.cell.String())
		s.cell.Reset()
		rest = strings.TrimLeft(rest, " ")
		if rest == "" {
			s.state = complete
			return complete
		}
		after, more := strings.CutPrefix(rest, string(s.separator))
		if s.state = complete; !more {
			s.state = broken
		}
		text = after
	}
	return broken
}
