//go:build js && wasm

package browser

import (
	"strconv"
	"syscall/js"
)

// Element returns the element with this id, and whether there is one.
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

// Focus moves the keyboard focus to an element, if it exists within two frames: by then
// any rendering under way is done.
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

// ShowModal opens a <dialog> as a modal, if it exists within two frames.
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

// Value returns an input's text, and whether there is such an input.
func Value(id string) (value string, ok bool) {
	e, ok := Element(id)
	if !ok {
		return "", false
	}
	return e.Get("value").String(), true
}

// SetHeight sets an element's height in CSS pixels, through the CSSOM, which a
// content security policy without 'unsafe-inline' allows.
func SetHeight(id string, height float64) {
	if e, ok := Element(id); ok {
		e.Get("style").Call("setProperty", "height", strconv.FormatFloat(height, 'f', -1, 64)+"px")
	}
}
