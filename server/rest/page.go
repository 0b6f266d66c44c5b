package rest

import (
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

// streamPage answers with JSON that is written part by part, compressed in a coding. An
// error of write cuts the answer off: half of it must not look whole.
func (s *server) streamPage(w http.ResponseWriter, r *http.Request, c content, chosen string) {
	h := pageHeader(w)
	write := c.write
	if compressors[chosen] != nil {
		h.Set("Content-Encoding", chosen)
		write = func(w io.Writer) error { return compress(w, chosen, c.write) }
	}
	w.WriteHeader(http.StatusOK)
	if err := write(w); err != nil {
		if r.Context().Err() == nil {
			s.log.Warn("an answer was cut off", "request", scopeOf(r.Context()).id, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// compress has write write to w in a coding. After an error what was written has no end.
func compress(w io.Writer, chosen string, write func(io.Writer) error) error {
	z := compressors[chosen].Get().(compressor)
	z.Reset(w)
	if err := write(z); err != nil {
		return err
	}
	err := z.Close()
	z.Reset(nil) // or the pool would keep the connection
	compressors[chosen].Put(z)
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
