//go:build js && wasm

// Command program is all that a browser runs of Rollcall, compiled to app.wasm: a page,
// the leading tab's dedicated worker and the service worker share one download, and a
// page and its worker one compiled module.
package main

import (
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/page"
	"github.com/rollcall/rollcall/wasm/worker"
)

func main() {
	if js.Global().Get("document").Truthy() {
		page.Run()
	} else {
		worker.Run()
	}
}
