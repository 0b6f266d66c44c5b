//go:build js && wasm

package browser

import "syscall/js"

// UnloadGuard makes the browser ask before the page is left, while it is on. It listens
// only then: a page with such a listener is not kept in the back/forward cache.
type UnloadGuard struct{ stop func() }

// Set turns the guard on or off.
func (g *UnloadGuard) Set(on bool) {
	switch {
	case on && g.stop == nil:
		g.stop = Listen(global, "beforeunload", func(e js.Value) {
			e.Call("preventDefault")
			e.Set("returnValue", true) // for older browsers
		})
	case !on && g.stop != nil:
		g.stop()
		g.stop = nil
	}
}
