//go:build js && wasm

package browser

import (
	"context"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/sync"
)

// EventSource is a stream of server-sent events of the types "change" and "ping".
type EventSource struct {
	Path string
	// News, unless nil, gets the data of each event of the type "change", before it is
	// observed.
	News func(data string)
}

const closed = 2 // EventSource.CLOSED

// Follow implements Stream of sync.Host. It observes one EventSource until ctx ends or
// the browser gives up, as it does after a response that is no event stream.
func (e EventSource) Follow(ctx context.Context, observe func(sync.StreamSignal)) {
	if !global.Get("EventSource").Truthy() {
		<-ctx.Done()
		return
	}
	source := global.Get("EventSource").New(e.Path)
	gaveUp := make(chan struct{}, 1)
	signal := func(s sync.StreamSignal) func(js.Value) { return func(js.Value) { observe(s) } }
	stop := stopAll(
		Listen(source, "open", signal(sync.StreamOpened)),
		Listen(source, "change", func(event js.Value) {
			if data := event.Get("data"); e.News != nil && data.Type() == js.TypeString {
				e.News(data.String())
			}
			observe(sync.StreamChanged)
		}),
		Listen(source, "ping", signal(sync.StreamPinged)),
		Listen(source, "error", func(js.Value) {
			observe(sync.StreamClosed)
			if source.Get("readyState").Int() == closed {
				sync.TrySend(gaveUp, struct{}{})
			}
		}))
	defer func() {
		source.Call("close")
		stop()
	}()
	select {
	case <-ctx.Done():
	case <-gaveUp:
	}
}
