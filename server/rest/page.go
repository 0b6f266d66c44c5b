package rest

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/server/coding"
)

// smallPage is below what compressing is worth: an answer that fits in one packet.
const smallPage = 1 << 10

// writePage answers with JSON that write produces part by part, compressed as the
// client likes. An error of write cuts the answer off: half of it must not look whole.
func (s *server) writePage(w http.ResponseWriter, r *http.Request, write func(io.Writer) error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Add("Vary", "Accept-Encoding")
	// A client that takes nothing of what there is gets it as it is: RFC 9110
	// prefers that to 406.
	chosen, ok := coding.Choose(r.Header.Values("Accept-Encoding"), coding.Zstd, coding.Gzip, coding.Identity)
	if !ok {
		chosen = coding.Identity
	}
	p := &page{w: w, coding: chosen}
	if err := write(p); err != nil {
		if r.Context().Err() == nil {
			s.log.Warn("an answer was cut off", "request", scopeOf(r.Context()).id, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	// Its error says that the client has gone, which is nobody's concern any more.
	_ = p.close()
}

// page is an answer that is compressed once it is not small.
type page struct {
	w          http.ResponseWriter
	coding     string
	small      bytes.Buffer // what was written until it is decided
	compressor compressor   // nil until then, and for good if it isn't compressed
	decided    bool
}

func (p *page) Write(b []byte) (int, error) {
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

func (p *page) out() io.Writer {
	if p.compressor != nil {
		return p.compressor
	}
	return p.w
}

// begin sends the head, with the coding that is final now, and what was kept back.
func (p *page) begin(chosen string) error {
	p.decided = true
	if pool := compressors[chosen]; pool != nil {
		p.coding, p.compressor = chosen, pool.Get().(compressor)
		p.compressor.Reset(p.w)
		p.w.Header().Set("Content-Encoding", chosen)
	}
	p.w.WriteHeader(http.StatusOK)
	_, err := p.out().Write(p.small.Bytes())
	return err
}

func (p *page) close() error {
	if !p.decided {
		return p.begin(coding.Identity)
	}
	if p.compressor == nil {
		return nil
	}
	err := p.compressor.Close()
	p.compressor.Reset(nil) // or the pool would keep the connection
	compressors[p.coding].Put(p.compressor)
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
