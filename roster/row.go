package roster

import (
	"errors"
	"io"
	"strings"
)

// splitter makes cells of the lines of a row.
type splitter struct {
	separator rune
	cells     []string
	cell      strings.Builder // of an open quote
	state     rowState
}

type rowState int

const (
	complete rowState = iota
	open              // a quote is
	broken
)

// cellsOf splits a row of one line.
func cellsOf(text string, separator rune) (cells []string, problem *Message) {
	row := splitter{separator: separator}
	if row.feed(text) != complete {
		return nil, quoteNotClosed
	}
	return row.cells, nil
}

// feed takes a line in, or the end of one and the next line within a quote.
//
// A quote is one at the beginning of a cell, if need be behind spaces; another one is
// text, as in 5" pipe.
func (s *splitter) feed(text string) rowState {
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

// openQuote is what the lines ahead of a reader would do to an open quote: all of those that
// were looked at leave it open, but the last one may end it. What a line does is the same for
// every quote before it, so each is looked at once, however many lines open a quote that is
// never closed.
type openQuote struct {
	lines int // that were looked at
	size  int // of them in bytes
	state rowState
}

// end returns how many lines more a quote takes in that a line of this size opens; 0 when it
// is not closed, or takes in more than a row may have.
func (q *openQuote) end(s *source, separator rune, size int) (lines int, err error) {
	if q.lines == 0 {
		q.state = open
	}
	for q.state == open && size+q.size <= maxLine {
		line, err := s.ahead(q.lines)
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		q.lines, q.size = q.lines+1, q.size+len("\n")+len(line.text)
		row := splitter{separator: separator, state: open}
		if q.state = row.feed(line.text); !line.whole {
			q.state = broken
		}
	}
	if q.state != complete || size+q.size > maxLine {
		return 0, nil
	}
	return q.lines, nil
}

// pass takes note that a line which may have been looked at was read.
func (q *openQuote) pass(line physical) {
	if q.lines > 0 {
		q.lines, q.size = q.lines-1, q.size-len("\n")-len(line.text)
	}
}
