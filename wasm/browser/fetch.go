//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Fetch is sync.HTTP over the browser's fetch, to the page's own origin.
type Fetch struct {
	// Timeout ends a request that has not been answered wholly; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// MaxBody bounds an answer's decoded size in bytes; 0 means DefaultMaxBody.
	MaxBody int
}

const (
	// DefaultTimeout leaves a slow mobile network time for a full page of changes.
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
	resp, err := Await(ctx, global.Call("fetch", r.Path, options(r, controller)))
	if err != nil {
		return sync.Response{}, err
	}
	body, err := Await(ctx, resp.Call("arrayBuffer"))
	if err != nil {
		return sync.Response{}, fmt.Errorf("read the answer: %w", err)
	}
	return f.response(resp, body)
}

func options(r sync.Request, controller js.Value) js.Value {
	headers := map[string]any{}
	for k, v := range r.Header {
		headers[k] = v
	}
	o := map[string]any{
		"method": r.Method, "headers": headers, "signal": controller.Get("signal"),
		"credentials": "same-origin", "cache": "no-store",
		// A redirect is a captive portal's or a proxy's: ours never sends one.
		"redirect": "manual",
	}
	if r.Body != nil {
		o["body"] = string(r.Body)
	}
	return js.ValueOf(o)
}

func (f Fetch) response(resp, body js.Value) (sync.Response, error) {
	if resp.Get("type").String() == "opaqueredirect" {
		return sync.Response{}, errors.New("the network redirects to another site; it may want you to sign in")
	}
	limit := f.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	bytes := global.Get("Uint8Array").New(body)
	n := bytes.Length()
	if n > limit {
		return sync.Response{}, fmt.Errorf("an answer of %d bytes is above the limit of %d", n, limit)
	}
	out := sync.Response{Status: resp.Get("status").Int(), Header: map[string]string{}, Body: make([]byte, n)}
	js.CopyBytesToGo(out.Body, bytes)
	for _, name := range []string{"content-type", "date", "retry-after", "etag", "location"} {
		if v := resp.Get("headers").Call("get", name); v.Type() == js.TypeString {
			out.Header[name] = v.String()
		}
	}
	return out, nil
}
