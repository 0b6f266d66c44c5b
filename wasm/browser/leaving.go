//go:build js && wasm

package browser

import "syscall/js"

// LeavingGuard has the browser ask before the page is left, while it is on. It
// listens only then: a page that listens is not kept in the back/forward cache.
type LeavingGuard struct{ stop func() }

// Set turns the guard on or off.
func (g *LeavingGuard) Set(on bool) {
	switch {
	case on && g.stop == nil:
		g.stop = Listen(global, "beforeunload", func(e js.Value) {
			e.Call("preventDefault")
			e.Set("returnValue", true) // what older browsers look at
		})
	case !on && g.stop != nil:
		g.stop()
		g.stop = nil
	}
}
