//go:build js && wasm

package browser

import (
	"strconv"
	"syscall/js"
)

// Online is navigator.onLine: false is certain, true is a hint.
func Online() bool { return global.Get("navigator").Get("onLine").Bool() }

// OnOnline calls f at each online and offline event, which only windows get.
func OnOnline(f func(online bool)) (stop func()) {
	up := Listen(global, "online", func(js.Value) { f(true) })
	down := Listen(global, "offline", func(js.Value) { f(false) })
	return func() {
		up()
		down()
	}
}

// OnShown calls f when the page comes into view: switched to, brought back from
// the back/forward cache, or thawed.
func OnShown(f func()) (stop func()) {
	document := global.Get("document")
	stops := []func(){
		Listen(document, "visibilitychange", func(js.Value) {
			if document.Get("visibilityState").String() == "visible" {
				f()
			}
		}),
		Listen(global, "pageshow", func(e js.Value) {
			if e.Get("persisted").Bool() {
				f()
			}
		}),
		Listen(document, "resume", func(js.Value) { f() }),
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// OnKept calls gone when the page is left and the browser may keep it in its
// back/forward cache, and back when it is shown again from there. While it is kept
// nothing runs in it, and whatever it holds nobody else gets.
func OnKept(gone, back func()) (stop func()) {
	persisted := func(f func()) func(js.Value) {
		return func(e js.Value) {
			if e.Get("persisted").Bool() {
				f()
			}
		}
	}
	hide := Listen(global, "pagehide", persisted(gone))
	show := Listen(global, "pageshow", persisted(back))
	return func() {
		hide()
		show()
	}
}

// OnFrozen calls frozen when the browser is about to stop the page and its workers
// where they are, and thawed when it lets them go on. What a page holds then, a lock or
// a transaction, nobody else gets. Only Chromium tells.
func OnFrozen(frozen, thawed func()) (stop func()) {
	document := global.Get("document")
	freeze := Listen(document, "freeze", func(js.Value) { frozen() })
	resume := Listen(document, "resume", func(js.Value) { thawed() })
	return func() {
		freeze()
		resume()
	}
}

// Element is the element with this id, and whether there is one.
func Element(id string) (js.Value, bool) {
	e := global.Get("document").Call("getElementById", id)
	return e, e.Truthy()
}

// OnFrame calls f once, before the next frame is painted.
func OnFrame(f func()) {
	var callback js.Func
	callback = js.FuncOf(func(js.Value, []js.Value) any {
		callback.Release()
		f()
		return nil
	})
	global.Call("requestAnimationFrame", callback)
}

// Focus moves the keyboard focus to an element once it is there: at the latest
// two frames from now, which is when a rendering under way is done.
func Focus(id string) { focus(id, 2) }

func focus(id string, frames int) {
	if e, ok := Element(id); ok {
		e.Call("focus")
		return
	}
	if frames > 0 {
		OnFrame(func() { focus(id, frames-1) })
	}
}

// ShowModal opens a <dialog> as a modal one, once it is there.
func ShowModal(id string) { showModal(id, 2) }

func showModal(id string, frames int) {
	if e, ok := Element(id); ok {
		if !e.Get("open").Bool() {
			e.Call("showModal")
		}
		return
	}
	if frames > 0 {
		OnFrame(func() { showModal(id, frames-1) })
	}
}

// CloseModal closes a <dialog>.
func CloseModal(id string) {
	if e, ok := Element(id); ok && e.Get("open").Bool() {
		e.Call("close")
	}
}

// ModalOpen reports whether a <dialog> is open.
func ModalOpen(id string) bool {
	e, ok := Element(id)
	return ok && e.Get("open").Bool()
}

// SetValue sets an input's text.
func SetValue(id, value string) {
	if e, ok := Element(id); ok {
		e.Set("value", value)
	}
}

// SetHeight sets an element's height in CSS pixels, through the CSSOM, which a
// content security policy without 'unsafe-inline' allows.
func SetHeight(id string, height float64) {
	if e, ok := Element(id); ok {
		e.Get("style").Call("setProperty", "height", strconv.FormatFloat(height, 'f', -1, 64)+"px")
	}
}
