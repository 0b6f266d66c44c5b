package harness

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codings is what a proxy does to answers with a content coding.
type Codings int

const (
	CodingsKept     Codings = iota
	CodingsStripped         // the header goes, the coding stays
	CodingsUnpacked         // the coding goes, the header stays
)

// SpoilCodings has the proxy do so to all answers from now on.
func (p *Proxy) SpoilCodings(how Codings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codings = how
}

// Spoilt returns how many answers the proxy has spoilt.
func (p *Proxy) Spoilt() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spoilt
}

func (p *Proxy) spoilCoding(resp *http.Response) error {
	p.mu.Lock()
	how, coding := p.codings, resp.Header.Get("Content-Encoding")
	if how != CodingsKept && coding != "" {
		p.spoilt++
	}
	p.mu.Unlock()
	switch {
	case coding == "" || how == CodingsKept || resp.Request.Method == http.MethodHead:
	case how == CodingsStripped:
		resp.Header.Del("Content-Encoding")
	default:
		plain, err := unpack(coding, resp.Body)
		if err != nil {
			return err
		}
		resp.Body = io.NopCloser(bytes.NewReader(plain))
		resp.ContentLength = int64(len(plain))
		resp.Header.Set("Content-Length", strconv.Itoa(len(plain)))
	}
	return nil
}

func unpack(coding string, body io.Reader) ([]byte, error) {
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	case "zstd":
		z, err := zstd.NewReader(body)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		body = z
	default:
		body = brotli.NewReader(body)
	}
	return io.ReadAll(body)
}
