package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// source reads the physical lines of a file, in whatever way they end, and takes
// back those that were read too early.
type source struct {
	in     *bufio.Reader
	number int        // of the last line that next returned
	back   []physical // lines to return again, the next one last
}

// physical is a line without its end, or, when it is not whole, its beginning.
type physical struct {
	text  string
	whole bool
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func newSource(in io.Reader) (*source, error) {
	s := &source{in: bufio.NewReaderSize(in, maxLine)}
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

// next returns the next line. One that is too long is not whole.
func (s *source) next() (line physical, err error) {
	s.number++
	if n := len(s.back); n > 0 {
		line, s.back = s.back[n-1], s.back[:n-1]
		return line, nil
	}
	b, err := s.in.ReadSlice('\n')
	line = physical{string(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))), true}
	for errors.Is(err, bufio.ErrBufferFull) {
		line.whole = false
		_, err = s.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && (len(b) > 0 || !line.whole) {
		err = nil // the last line has no end; the next call finds the file's
	}
	if err != nil {
		s.number--
		if errors.Is(err, io.EOF) {
			return physical{}, io.EOF
		}
		return physical{}, fmt.Errorf("read the file: %w", err)
	}
	return line, nil
}

// takeBack makes next return the lines again; they were the last ones it returned.
func (s *source) takeBack(lines []physical) {
	for i := len(lines) - 1; i >= 0; i-- {
		s.back = append(s.back, lines[i])
	}
	s.number -= len(lines)
}

const (
	tooLong = "is longer than 64 kB"
	notUTF8 = "is not UTF-8 text"
)

func (l physical) problem() string {
	switch {
	case !l.whole:
		return tooLong
	case !utf8.ValidString(l.text):
		return notUTF8
	}
	return ""
}
