package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// answerTimeout is how long an answer may take.
const answerTimeout = 60 * time.Second

// request is a request. Its parts are reused for the next one.
type request struct {
	method string
	path   []byte
	body   []byte // JSON; empty for none
}

// answer is an answer. Its body is valid until the connection's next request.
type answer struct {
	status int
	body   []byte
}

// wire is a persistent HTTP/1.1 connection. It is minimal, since the client shares the
// processors with the server. It accepts no content coding, and reads answers with
// Content-Length and chunked ones only.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body bytes.Buffer
	host string

	extra string // further lines of each request
}

func dial(addr string) (*wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), host: addr}, nil
}

func (w *wire) close() error { return w.conn.Close() }

// do sends a request and reads its whole answer.
func (w *wire) do(r *request) (answer, error) {
	w.out = append(w.out[:0], r.method...)
	w.out = append(append(w.out, ' '), r.path...)
	w.out = append(append(w.out, " HTTP/1.1\r\nHost: "...), w.host...)
	if len(r.body) > 0 {
		w.out = append(w.out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		w.out = strconv.AppendInt(w.out, int64(len(r.body)), 10)
	}
	w.out = append(append(append(append(w.out, "\r\n"...), w.extra...), "\r\n"...), r.body...)
	if err := w.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return answer{}, err
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return answer{}, fmt.Errorf("send a request: %w", err)
	}
	a, err := w.read()
	if err != nil {
		return answer{}, fmt.Errorf("read the answer to %s %s: %w", r.method, r.path, err)
	}
	return a, nil
}

func (w *wire) read() (answer, error) {
	status, err := w.status()
	if err != nil {
		return answer{}, err
	}
	length, chunked, err := w.headers()
	if err != nil {
		return answer{}, err
	}
	w.body.Reset()
	switch {
	case chunked:
		if _, err := w.body.ReadFrom(httputil.NewChunkedReader(w.in)); err != nil {
			return answer{}, err
		}
		if line, err := w.line(); err != nil || len(line) > 0 {
			return answer{}, errors.Join(fmt.Errorf("behind the last chunk: %q", line), err)
		}
	case length < 0:
		return answer{}, errors.New("the answer has no length")
	default:
		if _, err := io.CopyN(&w.body, w.in, length); err != nil {
			return answer{}, err
		}
	}
	return answer{status: status, body: w.body.Bytes()}, nil
}

func (w *wire) status() (int, error) {
	line, err := w.line()
	if err != nil {
		return 0, err
	}
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return 0, fmt.Errorf("no status: %q", line)
	}
	return strconv.Atoi(string(rest[:3]))
}

// headers reads the headers; length is -1 if none gives it. A content coding or the closing
// of the connection would distort the comparison.
func (w *wire) headers() (length int64, chunked bool, err error) {
	length = -1
	for {
		line, err := w.line()
		if err != nil || len(line) == 0 {
			return length, chunked, err
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Content-Encoding")),
			bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			return 0, false, fmt.Errorf("unwanted header %q", line)
		}
	}
}

// line reads a line without its end. It is valid until the next read.
func (w *wire) line() ([]byte, error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
