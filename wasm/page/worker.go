//go:build js && wasm

package page

import (
	"errors"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/browser"
)

// startWorker starts the engine's dedicated worker, for sync.Leader.
func startWorker(failed func(error)) (end func()) {
	worker := js.Global().Get("Worker").New(shell().Get("workerURL"), map[string]any{"name": "rollcall-engine"})
	stops := []func(){
		browser.Listen(worker, "message", func(e js.Value) {
			if d := e.Get("data"); d.Type() == js.TypeObject && d.Get("type").String() == "failed" {
				failed(errors.New(d.Get("reason").String()))
			}
		}),
		browser.Listen(worker, "error", func(js.Value) {
			failed(errors.New("the sync worker could not be loaded"))
		}),
	}
	worker.Call("postMessage", map[string]any{"module": shell().Get("module"), "account": account().Get("id")})
	return func() {
		worker.Call("terminate")
		for _, stop := range stops {
			stop()
		}
	}
}
