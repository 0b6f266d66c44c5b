package roster

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// headSize is how much of a file is looked at to find its encoding.
const headSize = 4 << 10

// source reads the physical lines of a file, in whatever way they end, and lets a
// reader look at those that follow.
type source struct {
	in     *bufio.Reader
	seen   *census
	number int        // of the last line that next returned
	queue  []physical // lines that were looked at, to return first
	inside bool       // byte has returned one of the line
}

// physical is a line without its end, or, when it is not whole, its beginning. Its
// text may be no UTF-8.
type physical struct {
	text  string
	whole bool
}

func newSource(in io.Reader, seen *census) *source {
	return &source{in: bufio.NewReaderSize(in, maxLine), seen: seen}
}

// peek returns the beginning of the file without a mark, and skips that. It is as long as a line may be.
func (s *source) peek() ([]byte, error) {
	head, err := s.in.Peek(maxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte(mark)) {
		_, _ = s.in.Discard(len(mark)) // it is in the buffer
		head = head[len(mark):]
		s.seen.marked = true
	}
	return head, nil
}

// next returns the next line. One that is too long is not whole.
func (s *source) next() (line physical, err error) {
	if len(s.queue) > 0 {
		line, s.queue = s.queue[0], s.queue[1:]
	} else if line, err = s.read(); err != nil {
		return line, err
	}
	s.number++
	return line, nil
}

// back has next return the line that it returned last once more.
func (s *source) back(line physical) {
	s.queue = append([]physical{line}, s.queue...)
	s.number--
}

// ahead returns the line that next returns after n others.
func (s *source) ahead(n int) (physical, error) {
	for len(s.queue) <= n {
		line, err := s.read()
		if err != nil {
			return line, err
		}
		s.queue = append(s.queue, line)
	}
	return s.queue[n], nil
}

// read reads a line of the file.
func (s *source) read() (physical, error) {
	var text []byte
	whole := true
	for {
		if _, err := s.in.Peek(1); err != nil {
			if !errors.Is(err, io.EOF) || (len(text) == 0 && whole) {
				return physical{}, err
			}
			break // the last line has no end
		}
		chunk, _ := s.in.Peek(s.in.Buffered())
		end := bytes.IndexAny(chunk, "\r\n")
		if end >= 0 {
			chunk = chunk[:end]
		}
		if room := maxLine - len(text); len(chunk) > room {
			whole, text = false, append(text, chunk[:room]...)
		} else {
			text = append(text, chunk...)
		}
		_, _ = s.in.Discard(len(chunk))
		if end >= 0 {
			if err := s.skipEnd(); err != nil {
				return physical{}, err
			}
			break
		}
	}
	if string(text) == endOfFile {
		text = nil
	}
	return physical{string(text), whole}, nil
}

// endOfFile is a line that `copy a.csv+b.csv` leaves behind the last one.
const endOfFile = "\x1a"

// skipEnd skips one end of a line: LF, CRLF, CR, or the CRCRLF of a file that was
// copied as text twice.
func (s *source) skipEnd() error {
	b, err := s.in.ReadByte()
	if err != nil || b == '\n' {
		return err
	}
	rest, err := s.in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	n := 0
	if bytes.HasPrefix(rest, []byte("\n")) {
		n = 1
	} else if bytes.HasPrefix(rest, []byte("\r\n")) {
		n = 2
	}
	_, err = s.in.Discard(n)
	return err
}

// check says why the line that next returned last is no text.
func (s *source) check(l physical) *Message {
	if !l.whole {
		return tooLong
	}
	return s.seen.check(s.number, l.text)
}

// byte returns the next byte, a line's end as LF. It is for formats whose lines mean
// nothing, and not used together with next.
func (s *source) byte() (byte, error) {
	if !s.inside {
		s.number++
		s.inside = true
	}
	b, err := s.in.ReadByte()
	if err != nil || (b != '\n' && b != '\r') {
		return b, err
	}
	s.inside = false
	if b == '\r' {
		if err := s.in.UnreadByte(); err != nil {
			return 0, err
		}
		return '\n', s.skipEnd()
	}
	return b, nil
}
