package rest

import (
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/coding"
)

// minCompressed is the size from which a page is compressed: a smaller one fits in a packet.
const minCompressed = 1 << 10

// chooseCoding returns the coding that the client prefers. If it accepts none of ours, it gets
// the page uncompressed: RFC 9110 prefers that to 406.
func chooseCoding(r *http.Request) string {
	if r.Header.Get(api.HeaderAcceptCoding) == api.CodingIdentity {
		return coding.Identity
	}
	chosen, ok := coding.Choose(r.Header.Values("Accept-Encoding"), coding.Zstd, coding.Gzip, coding.Identity)
	if !ok {
		return coding.Identity
	}
	return chosen
}

// mediaJSON is the media type of what is not an error or an event.
const mediaJSON = "application/json"

func pageHeader(w http.ResponseWriter, media string) http.Header {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Add("Vary", "Accept, Accept-Encoding, "+api.HeaderAcceptCoding)
	return h
}

// streamPage answers with a page that is encoded while it is sent. An error aborts the
// response, so that a part of it does not look complete.
func (s *server) streamPage(w http.ResponseWriter, r *http.Request, c content, chosen string) error {
	turn := &turnWriter{out: w, take: func() (func(), error) { return s.admission.processorTurn(r.Context()) }}
	var err error
	if turn.release, err = turn.take(); err != nil {
		return err
	}
	defer func() { turn.release() }()
	h := pageHeader(w, c.media)
	write := c.write
	if compressors[chosen] != nil {
		h.Set("Content-Encoding", chosen)
		write = func(w io.Writer) error { return compress(w, chosen, c.write) }
	}
	w.WriteHeader(http.StatusOK)
	if err := write(turn); err != nil {
		if r.Context().Err() == nil {
			s.log.Warn("aborted a response: the page can't be written", "request", scopeOf(r.Context()).id, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// compress calls write with a compressing writer. After an error, the output is incomplete.
func compress(w io.Writer, chosen string, write func(io.Writer) error) error {
	z := compressors[chosen].Get().(compressor)
	z.Reset(w)
	if err := write(z); err != nil {
		return err
	}
	err := z.Close()
	z.Reset(nil) // else the pool would retain the connection
	compressors[chosen].Put(z)
	return err
}

// compressor is a reusable encoder.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// zstdWindow bounds the memory of the encoder and of the client's decoder. Pages repeat
// themselves within a few rows.
const zstdWindow = 128 << 10

// compressors are the unused encoders by coding.
var compressors = map[string]*sync.Pool{
	coding.Gzip: {New: func() any {
		z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic("create a gzip encoder: " + err.Error()) // the level is valid
		}
		return z
	}},
	coding.Zstd: {New: func() any {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic("create a zstd encoder: " + err.Error()) // the options are valid
		}
		return z
	}},
}
