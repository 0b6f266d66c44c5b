package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/server/coding"
)

// smallPage is below what compressing is worth: an answer that fits in one packet.
const smallPage = 1 << 10

// chooseCoding is the coding that the client likes best. One that takes nothing of what
// there is gets it as it is: RFC 9110 prefers that to 406.
func chooseCoding(r *http.Request) string {
	chosen, ok := coding.Choose(r.Header.Values("Accept-Encoding"), coding.Zstd, coding.Gzip, coding.Identity)
	if !ok {
		return coding.Identity
	}
	return chosen
}

func pageHeader(w http.ResponseWriter) http.Header {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Add("Vary", "Accept-Encoding")
	return h
}

// streamPage answers with JSON that is written part by part, compressed as the client
// likes. An error of write cuts the answer off: half of it must not look whole.
func (s *server) streamPage(w http.ResponseWriter, r *http.Request, c content) {
	pageHeader(w)
	p := &stream{w: w, coding: chooseCoding(r)}
	if err := c.write(p); err != nil {
		if r.Context().Err() == nil {
			s.log.Warn("an answer was cut off", "request", scopeOf(r.Context()).id, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	// Its error says that the client has gone, which is nobody's concern any more.
	_ = p.close()
}

// stream is an answer that is compressed once it is not small.
type stream struct {
	w          http.ResponseWriter
	coding     string
	small      bytes.Buffer // what was written until it is decided
	compressor compressor   // nil until then, and for good if it isn't compressed
	decided    bool
}

func (p *stream) Write(b []byte) (int, error) {
	if !p.decided {
		if p.small.Len()+len(b) < smallPage {
			return p.small.Write(b)
		}
		if err := p.begin(p.coding); err != nil {
			return 0, err
		}
	}
	return p.out().Write(b)
}

func (p *stream) out() io.Writer {
	if p.compressor != nil {
		return p.compressor
	}
	return p.w
}

// begin sends the head, with the coding that is final now, and what was kept back.
func (p *stream) begin(chosen string) error {
	p.decided = true
	if compressors[chosen] != nil {
		p.coding, p.compressor = chosen, borrow(chosen, p.w)
		p.w.Header().Set("Content-Encoding", chosen)
	}
	p.w.WriteHeader(http.StatusOK)
	_, err := p.out().Write(p.small.Bytes())
	return err
}

func (p *stream) close() error {
	if !p.decided {
		return p.begin(coding.Identity)
	}
	if p.compressor == nil {
		return nil
	}
	return giveBack(p.coding, p.compressor)
}

// compress writes b to w in a coding.
func compress(w io.Writer, chosen string, b []byte) error {
	c := borrow(chosen, w)
	_, err := c.Write(b)
	return errors.Join(err, giveBack(chosen, c))
}

// borrow takes an encoder that writes to w, until giveBack, which ends what it encodes.
func borrow(chosen string, w io.Writer) compressor {
	c := compressors[chosen].Get().(compressor)
	c.Reset(w)
	return c
}

func giveBack(chosen string, c compressor) error {
	err := c.Close()
	c.Reset(nil) // or the pool would keep the connection
	compressors[chosen].Put(c)
	return err
}

// compressor is an encoder that can be used again.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// zstdWindow bounds an encoder's memory, and that of the client's decoder: pages
// repeat themselves within a few rows.
const zstdWindow = 128 << 10

// compressors are the encoders that are not in use, by coding.
var compressors = map[string]*sync.Pool{
	coding.Gzip: {New: func() any {
		z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic("make a gzip encoder: " + err.Error()) // the level is one
		}
		return z
	}},
	coding.Zstd: {New: func() any {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic("make a zstd encoder: " + err.Error()) // so are the options
		}
		return z
	}},
}
