package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// lineSource reads a file's lines, whatever ends them. Lines that were read too early can be
// unread.
type lineSource struct {
	in     *bufio.Reader
	number int       // of the last line that next returned
	unused []rawLine // unread lines, the next one last
}

// rawLine is a line without its end. It is not whole if it was too long.
type rawLine struct {
	text  string
	whole bool
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func newLineSource(in io.Reader) (*lineSource, error) {
	s := &lineSource{in: bufio.NewReaderSize(in, maxLine)}
	start, err := s.in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	switch {
	case bytes.Equal(start, byteOrderMark):
		_, _ = s.in.Discard(len(byteOrderMark)) // it is in the buffer
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%w: it is UTF-16; save it as UTF-8", ErrFormat)
	}
	return s, nil
}

// next returns the next line.
func (s *lineSource) next() (line rawLine, err error) {
	s.number++
	if n := len(s.unused); n > 0 {
		line, s.unused = s.unused[n-1], s.unused[:n-1]
		return line, nil
	}
	b, err := s.in.ReadSlice('\n')
	line = rawLine{string(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))), true}
	for errors.Is(err, bufio.ErrBufferFull) {
		line.whole = false
		_, err = s.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && (len(b) > 0 || !line.whole) {
		err = nil // the last line has no line end; the next call returns io.EOF
	}
	if err != nil {
		s.number--
		if errors.Is(err, io.EOF) {
			return rawLine{}, io.EOF
		}
		return rawLine{}, fmt.Errorf("read the file: %w", err)
	}
	return line, nil
}

// unread makes next return the last lines again.
func (s *lineSource) unread(lines []rawLine) {
	for i := len(lines) - 1; i >= 0; i-- {
		s.unused = append(s.unused, lines[i])
	}
	s.number -= len(lines)
}

const (
	tooLong = "is longer than 64 kB"
	notUTF8 = "is not UTF-8 text"
)

func (l rawLine) problem() string {
	switch {
	case !l.whole:
		return tooLong
	case !utf8.ValidString(l.text):
		return notUTF8
	}
	return ""
}
