//go:build js && wasm

package browser

import (
	"context"
	"fmt"
	"syscall/js"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Fetch is sync.HTTP over the browser's fetch, for the page's own origin.
type Fetch struct {
	// Timeout aborts a request whose response is not complete by then; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// MaxBody bounds the decoded size of a response body in bytes; 0 means
	// DefaultMaxBody.
	MaxBody int
	// Account is whose data the requests are about: the server answers no other one. nil asks for
	// whoever has signed in, "" for nobody.
	Account *string
}

const (
	// DefaultTimeout gives a slow mobile network time for a full page of changes.
	DefaultTimeout = 30 * time.Second
	DefaultMaxBody = 32 << 20
)

var _ sync.HTTP = Fetch{}

// Do implements sync.HTTP.
func (f Fetch) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	timeout := f.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	controller := global.Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { controller.Call("abort") })
	defer stop()
	resp, err := Await(ctx, global.Call("fetch", r.Path, f.options(r, controller)))
	if err != nil {
		return sync.Response{}, err
	}
	if resp.Get("type").String() == "opaqueredirect" {
		return sync.Response{Status: 302}, nil // the browser doesn't say which, nor to where
	}
	status := resp.Get("status").Int()
	body, err := f.read(ctx, resp.Get("body"))
	if err != nil {
		controller.Call("abort") // the rest of the body is not needed
		err = fmt.Errorf("read the answer: %w", err)
		if ctx.Err() != nil {
			return sync.Response{}, err
		}
		return sync.Response{Status: status}, err
	}
	return sync.Response{Status: status, Header: header(resp), Body: body}, nil
}

// read reads a stream to its end, or fails when it exceeds the limit: what answers in the
// server's place may never stop sending.
func (f Fetch) read(ctx context.Context, stream js.Value) ([]byte, error) {
	if !stream.Truthy() {
		return nil, nil
	}
	limit := f.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	reader := stream.Call("getReader")
	var body []byte
	for {
		part, err := Await(ctx, reader.Call("read"))
		if err != nil {
			return nil, err
		}
		if part.Get("done").Bool() {
			return body, nil
		}
		chunk := part.Get("value")
		n := chunk.Length()
		if len(body)+n > limit {
			return nil, fmt.Errorf("the body exceeds the limit of %d bytes", limit)
		}
		body = append(body, make([]byte, n)...)
		js.CopyBytesToGo(body[len(body)-n:], chunk)
	}
}

func (f Fetch) options(r sync.Request, controller js.Value) js.Value {
	headers := map[string]any{}
	if f.Account != nil {
		headers[api.HeaderAccount] = api.ForAccount(*f.Account)
	}
	for k, v := range r.Header {
		headers[k] = v
	}
	o := map[string]any{
		"method": r.Method, "headers": headers, "signal": controller.Get("signal"),
		"credentials": "same-origin", "cache": "no-store",
		// The API never redirects: a redirect comes from a portal or a proxy.
		"redirect": "manual",
	}
	if r.Body != nil {
		o["body"] = string(r.Body)
	}
	return js.ValueOf(o)
}

// header returns the headers that the engine reads.
func header(resp js.Value) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"content-type", "date", "retry-after", "etag", "location", "age", "idempotency-replayed"} {
		if v := resp.Get("headers").Call("get", name); v.Type() == js.TypeString {
			out[name] = v.String()
		}
	}
	return out
}
