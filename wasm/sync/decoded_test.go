package sync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// browser is an HTTP as a browser does it: it asks for codings, and decodes by the header
// what has come through the way.
type browser struct {
	sync.HTTP
	codings string
	way     func(sync.Response) sync.Response
}

func (b *browser) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	r.Header = maps.Clone(r.Header)
	r.Header["Accept-Encoding"] = b.codings
	resp, err := b.HTTP.Do(ctx, r)
	if err != nil {
		return resp, err
	}
	resp = b.way(resp)
	resp.Body, err = decode(resp.Header["content-encoding"], resp.Body)
	return resp, err
}

func decode(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return nil, errors.New("unknown coding " + coding)
}

// strip takes the header away and leaves the coding.
func strip(r sync.Response) sync.Response {
	delete(r.Header, "content-encoding")
	return r
}

// unpack takes the coding away and leaves the header.
func unpack(r sync.Response) sync.Response {
	if plain, err := decode(r.Header["content-encoding"], r.Body); err == nil {
		r.Body = plain
	}
	return r
}

// TestCodingsLostOnTheWay: what comes coded without its header, or decoded with it, is
// fetched as it is; and a round later at the latest all is as on a good way.
func TestCodingsLostOnTheWay(t *testing.T) {
	for _, coding := range []string{"gzip", "zstd"} {
		for name, c := range map[string]struct {
			way    func(sync.Response) sync.Response
			failed int // rounds that fail before
			lost   int // coded answers that can't be read
		}{
			"a good way":             {func(r sync.Response) sync.Response { return r }, 0, 0},
			"the header is stripped": {strip, 0, 1},
			"the body is decoded":    {unpack, 2, 2},
		} {
			t.Run(coding+", "+name, func(t *testing.T) {
				w := testbed.New(t)
				other := w.Device()
				for n := range 40 {
					other.Add(fmt.Sprintf("Person%02d", n))
				}
				other.Sync()
				coded := 0
				d := w.DeviceOn(func(http sync.HTTP) sync.Remote {
					return &remote.Server{Paths: directory.Paths, HTTP: &remote.Decoded{HTTP: &browser{http, coding, func(r sync.Response) sync.Response {
						if r.Header["content-encoding"] != "" {
							coded++
						}
						return c.way(r)
					}}}}
				})
				for n := range c.failed {
					d.Add(fmt.Sprintf("Mine%d", n))
					_, err := d.Engine.Round(context.Background(), sync.Manual)
					if n == 0 && err == nil {
						t.Fatal("an answer that can't be decoded went unnoticed")
					}
				}
				d.Sync()
				d.Add("Zoe")
				d.Sync()
				if line := d.Line(); !strings.Contains(line, "Person39()") || !strings.Contains(line, "Zoe()") || strings.Contains(line, "pending") {
					t.Errorf("the device shows %s", line)
				}
				if c.lost > 0 && coded > c.lost {
					t.Errorf("%d coded answers were asked for, want at most %d", coded, c.lost)
				}
				if c.lost == 0 && coded == 0 {
					t.Error("no answer was coded")
				}
			})
		}
	}
}

// TestAnOutageCostsNoCodings: after failed requests that nothing answered, a server that is
// back is asked for coded answers, but for one try in four: a browser may say no more of an
// answer that it can't decode.
func TestAnOutageCostsNoCodings(t *testing.T) {
	for failures := range 10 {
		plain := failures > 0 && failures%4 == 0
		if got := askedAfter(failures, sync.Response{}); (got[0] != "") != plain || got[1] != "" || got[2] != "" {
			t.Errorf("after %d failures: %q", failures, got)
		}
	}
}

// TestAnAnswerThatCantBeDecodedIsAskedForPlain at once.
func TestAnAnswerThatCantBeDecodedIsAskedForPlain(t *testing.T) {
	if got := askedAfter(1, sync.Response{Status: 200}); got[0] != "identity" || got[1] != "" {
		t.Errorf("after an answer that could not be read: %q", got)
	}
}

// askedAfter returns the codings that the requests ask for that follow some failed ones.
func askedAfter(failures int, failed sync.Response) (asked []string) {
	left := failures
	http := &remote.Decoded{HTTP: httpFunc(func(r sync.Request) (sync.Response, error) {
		if left--; left >= 0 {
			return failed, errors.New("no network")
		}
		asked = append(asked, r.Header["Rollcall-Accept-Encoding"])
		return sync.Response{Status: 200}, nil
	})}
	for range failures + 3 {
		_, _ = http.Do(context.Background(), sync.Request{})
	}
	return asked
}

type httpFunc func(sync.Request) (sync.Response, error)

func (f httpFunc) Do(_ context.Context, r sync.Request) (sync.Response, error) { return f(r) }

// TestAnAnswerThatStaysCodedIsSaid: nothing helps, so the words name what is in the way.
func TestAnAnswerThatStaysCodedIsSaid(t *testing.T) {
	w := testbed.New(t)
	d := w.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.Server{Paths: directory.Paths, HTTP: &remote.Decoded{HTTP: &browser{http, "gzip", func(r sync.Response) sync.Response {
			r.Body = []byte("\x1f\x8b\x08 whatever it asked for")
			return strip(r)
		}}}}
	})
	d.Add("Ann")
	_, err := d.Engine.Round(context.Background(), sync.Manual)
	if err == nil || !strings.Contains(err.Error(), "makes its answers unreadable") {
		t.Errorf("the round ended with %v", err)
	}
	d.Shows("Ann() pending")
}
