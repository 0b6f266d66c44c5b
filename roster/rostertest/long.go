// Package rostertest has files for tests of what reads people from files.
package rostertest

import (
	"fmt"
	"io"
)

// Long is a CSV file of so many lines that is never anywhere as a whole.
type Long struct {
	Lines int
	Each  func(line int) // called with each line that is made; nil for nothing

	line int
	rest []byte
}

var _ io.ReadSeeker = (*Long)(nil)

// Seek goes back to the beginning, wherever to it is asked to go.
func (l *Long) Seek(int64, int) (int64, error) {
	l.line, l.rest = 0, nil
	return 0, nil
}

func (l *Long) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		switch {
		case l.line == 0:
			l.rest = []byte("name,email,bio\n")
		case l.line > l.Lines:
			return 0, io.EOF
		default:
			l.rest = fmt.Appendf(nil, "Person %d,p%d@example.org,%0500d\n", l.line, l.line, 0)
		}
		l.line++
		if l.Each != nil {
			l.Each(l.line)
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
