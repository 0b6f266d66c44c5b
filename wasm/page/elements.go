//go:build js && wasm

package page

import (
	"context"
	"strings"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/sync"
)

// elements is app.Elements, app.Dialogs and app.Layout: the page's elements by id.
type elements struct{}

func (elements) Focus(id string)                     { browser.Focus(id) }
func (elements) SetValue(id, value string)           { browser.SetValue(id, value) }
func (elements) Value(id string) (string, bool)      { return browser.Value(id) }
func (elements) ShowModal(id string)                 { browser.ShowModal(id) }
func (elements) CloseModal(id string)                { browser.CloseModal(id) }
func (elements) ModalOpen(id string) bool            { return browser.ModalOpen(id) }
func (elements) SetHeight(id string, height float64) { browser.SetHeight(id, height) }

func (elements) Viewport(id string) (top, height float64) {
	if e, ok := browser.Element(id); ok {
		return e.Get("scrollTop").Float(), e.Get("clientHeight").Float()
	}
	return 0, 0
}

// script is the object rollcallElements of elements.js.
func script() js.Value { return js.Global().Get("rollcallElements") }

func (elements) ScrollTo(id string, top float64) { script().Call("scrollTo", id, top) }

func (elements) Reveal(id string)        { script().Call("reveal", id) }
func (elements) KeepPlace(text string)   { script().Call("keep", "rollcall-place", text) }
func (elements) KeptPlace() string       { return script().Call("kept", "rollcall-place").String() }
func (elements) KeepUndo(text string)    { script().Call("keep", "rollcall-undo", text) }
func (elements) KeptUndo() string        { return script().Call("kept", "rollcall-undo").String() }
func (elements) KeepExport(ids []string) { script().Call("keepIDs", strings.Join(ids, "\n")) }

// Scrolls listens at the document in the capturing phase: scroll events do not bubble,
// and the element may be rendered later or again.
func (elements) Scrolls(ctx context.Context, id string) <-chan struct{} {
	scrolls := make(chan struct{}, 1)
	waiting := false // for the next frame
	stop := browser.ListenCapture(js.Global().Get("document"), "scroll", func(e js.Value) {
		target := e.Get("target")
		if waiting || target.Get("id").Type() != js.TypeString || target.Get("id").String() != id {
			return
		}
		waiting = true
		browser.OnFrame(func() {
			waiting = false
			sync.TrySend(scrolls, struct{}{})
		})
	})
	context.AfterFunc(ctx, stop)
	return scrolls
}
