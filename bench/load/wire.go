package main

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"
)

// answerTimeout is how long a client waits for an answer.
const answerTimeout = 30 * time.Second

// wire is a minimal HTTP connection for one request at a time: clients share the processors
// with the server.
type wire struct {
	addr string
	conn net.Conn // may be nil
	in   *bufio.Reader
	out  []byte
	body bytes.Buffer
}

// authorization is a header line of all clients, "" for none.
var authorization string

// decoder decompresses pages. Browsers accept zstd, too.
var decoder = func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2))
	if err != nil {
		panic("make a zstd decoder: " + err.Error()) // the options are valid
	}
	return d
}()

// answer is an answer. The body is valid until the next request.
type answer struct {
	status     int
	body       []byte
	retryAfter time.Duration
}

// ask sends a request and reads the whole answer.
func (w *wire) ask(method, path string, body []byte) (a answer, err error) {
	if w.conn == nil {
		if w.conn, err = net.Dial("tcp", w.addr); err != nil {
			return a, fmt.Errorf("connect: %w", err)
		}
		w.in = bufio.NewReaderSize(w.conn, 4<<10)
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	b := w.out[:0]
	b = append(b, method...)
	b = append(append(b, ' '), path...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), w.addr...)
	b = append(b, "\r\nAccept: application/json\r\nAccept-Encoding: zstd\r\n"...)
	b = append(b, authorization...)
	if body != nil {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n"...)
	}
	w.out = append(append(b, "\r\n"...), body...)
	if err := w.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return a, fmt.Errorf("set a deadline: %w", err)
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return a, fmt.Errorf("send: %w", err)
	}
	return w.read()
}

func (w *wire) read() (a answer, err error) {
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return a, fmt.Errorf("read an answer: %w", err)
	}
	w.body.Reset()
	if _, err := io.Copy(&w.body, resp.Body); err != nil {
		return a, fmt.Errorf("read an answer: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return a, fmt.Errorf("read an answer: %w", err)
	}
	a = answer{status: resp.StatusCode, body: w.body.Bytes()}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		a.retryAfter = time.Duration(seconds) * time.Second
	}
	if resp.Header.Get("Content-Encoding") == "zstd" {
		if a.body, err = decoder.DecodeAll(a.body, nil); err != nil {
			return a, fmt.Errorf("decode an answer: %w", err)
		}
	}
	if resp.Close {
		w.close()
	}
	return a, nil
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close() // no longer used
		w.conn = nil
	}
}

// page is what a client needs of a page of the feed.
type page struct {
	ids    [][]byte
	cursor string
	more   bool
}

var (
	beforeID     = []byte(`"entityId":"`)
	beforeCursor = []byte(`],"cursor":"`)
	beforeMore   = []byte(`"hasMore":true`)
)

// parsePage parses a page without decoding its documents, which would take most of the time.
// It relies on the server's format: documents have their quotes escaped.
func parsePage(body []byte) (p page, err error) {
	end := bytes.LastIndex(body, beforeCursor)
	if end < 0 {
		return p, fmt.Errorf("not a page of the feed: %.200q", body)
	}
	changes, rest := body[:end], body[end+len(beforeCursor):]
	cursor, rest, ok := bytes.Cut(rest, []byte{'"'})
	if !ok || len(cursor) == 0 {
		return p, fmt.Errorf("a page without a cursor: %.200q", rest)
	}
	p.cursor, p.more = string(cursor), bytes.Contains(rest, beforeMore)
	for {
		_, after, found := bytes.Cut(changes, beforeID)
		if !found {
			return p, nil
		}
		id, tail, _ := bytes.Cut(after, []byte{'"'})
		p.ids, changes = append(p.ids, id), tail
	}
}

// fingerprint hashes an id, so that sums of fingerprints distinguish sets.
func fingerprint(id []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(id) // never fails
	return h.Sum64()
}
