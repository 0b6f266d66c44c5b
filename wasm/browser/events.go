//go:build js && wasm

package browser

import (
	"context"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Events is a stream of server-sent events, of the types "change" and "ping".
type Events struct {
	Path string
}

const closed = 2 // EventSource.CLOSED

// Follow implements sync.Host's Stream: it follows one EventSource until ctx ends or
// the browser gives it up, as it does after an answer that is no stream.
func (e Events) Follow(ctx context.Context, hear func(sync.StreamSignal)) {
	if !global.Get("EventSource").Truthy() {
		<-ctx.Done()
		return
	}
	source := global.Get("EventSource").New(e.Path)
	over := make(chan struct{}, 1)
	tells := func(s sync.StreamSignal) func(js.Value) { return func(js.Value) { hear(s) } }
	stops := []func(){
		Listen(source, "open", tells(sync.StreamOpened)),
		Listen(source, "change", tells(sync.StreamChanged)),
		Listen(source, "ping", tells(sync.StreamPinged)),
		Listen(source, "error", func(js.Value) {
			hear(sync.StreamClosed)
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
