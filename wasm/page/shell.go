//go:build js && wasm

package main

import (
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/browser"
)

// shell is the object rollcall of boot.js.
func shell() js.Value { return js.Global().Get("rollcall") }

// updates is app.Updates.
type updates struct{}

func (updates) UpdateWaiting() bool { return shell().Call("updateWaiting").Bool() }
func (updates) ApplyUpdate()        { shell().Call("applyUpdate") }

// unsaved is app.Unsaved.
type unsaved struct{ guard browser.UnloadGuard }

func (u *unsaved) GuardLeaving(on bool)  { u.guard.Set(on) }
func (u *unsaved) KeepDraft(text string) { shell().Call("keepDraft", text) }
func (u *unsaved) TakeDraft() string     { return shell().Call("takeDraft").String() }

// presses is app.Presses.
type presses struct{}

func (presses) Pressed() bool { return js.Global().Get("rollcallElements").Call("pressed").Bool() }
