//go:build js && wasm

// Command program is all that a browser runs of Rollcall, compiled to app.wasm: a page,
// the leading tab's dedicated worker and the service worker share one download, and a
// page and its worker one compiled module.
package main

import (
	"runtime/debug"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/page"
	"github.com/rollcall/rollcall/wasm/worker"
)

// WebAssembly's memory never shrinks, so garbage is collected earlier where the heap would
// otherwise grow beyond these: what a page and a host need for 100,000 users, twice.
const (
	pageMemory   = 44 << 20
	workerMemory = 60 << 20
)

func main() {
	if js.Global().Get("document").Truthy() {
		debug.SetMemoryLimit(pageMemory)
		page.Run()
	} else {
		debug.SetMemoryLimit(workerMemory)
		worker.Run()
	}
}
