//go:build js && wasm

package browser

import (
	"context"
	"syscall/js"
	"time"
)

// Events follows a stream of server-sent events until ctx ends: changed is
// called for each event of the type "change", open when the stream opens (true)
// and when it breaks (false). The browser reconnects by itself, except after an answer
// that is no stream; then a new one is opened.
type Events struct {
	Path string
}

const (
	// EventsRetry is the pause before a stream that the browser gave up is opened anew.
	EventsRetry = 5 * time.Second
	closed      = 2 // EventSource.CLOSED
)

// Follow implements sync.Host's Stream.
func (e Events) Follow(ctx context.Context, changed func(), open func(bool)) {
	if !global.Get("EventSource").Truthy() {
		return
	}
	for ctx.Err() == nil {
		e.once(ctx, changed, open)
		select {
		case <-ctx.Done():
		case <-time.After(EventsRetry):
		}
	}
}

// once follows one EventSource until the browser gives it up.
func (e Events) once(ctx context.Context, changed func(), open func(bool)) {
	source := global.Get("EventSource").New(e.Path)
	over := make(chan struct{}, 1)
	stops := []func(){
		Listen(source, "open", func(js.Value) { open(true) }),
		Listen(source, "change", func(js.Value) { changed() }),
		Listen(source, "error", func(js.Value) {
			open(false)
			if source.Get("readyState").Int() == closed {
				select {
				case over <- struct{}{}:
				default:
				}
			}
		}),
	}
	defer func() {
		source.Call("close")
		for _, stop := range stops {
			stop()
		}
	}()
	select {
	case <-ctx.Done():
	case <-over:
	}
}
