//go:build js && wasm

package main

import (
	"context"
	"strconv"
	"syscall/js"

	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// device is this browser, behind the small interfaces of package app.
type device struct {
	kept       *storageState
	store      repository.Store
	leader     *sync.Leader
	background *background
	users      *directory.Collection
}

func (d *device) Online() bool { return browser.Online() }

func (d *device) OnlineChanges(ctx context.Context) <-chan struct{} {
	tells := make(chan struct{}, 1)
	stop := browser.OnOnline(func(bool) { offer(tells, struct{}{}) })
	context.AfterFunc(ctx, stop)
	return tells
}

func (d *device) StorageUsage(ctx context.Context) (app.StorageUsage, error) {
	u, err := browser.StorageUsage(ctx)
	return app.StorageUsage{Used: u.Used, Quota: u.Quota, Persisted: u.Persisted, Asked: d.kept.asked(ctx)}, err
}

func (d *device) RequestPersist(ctx context.Context) (bool, error) { return d.kept.ask(ctx) }

func (d *device) StorageState() app.StorageState { return d.kept.state() }

func (d *device) StorageStateChanges(ctx context.Context) <-chan struct{} {
	tells := make(chan struct{}, 1)
	go d.kept.follow(ctx, d.users, func() { offer(tells, struct{}{}) })
	return tells
}

func (d *device) RetryStorage(ctx context.Context) { d.kept.monitor.Try(ctx, d.kept.try) }

func (d *device) AcknowledgeLoss(ctx context.Context) error { return d.kept.presence.Heard(ctx) }

func (d *device) GuardLeaving(on bool) { d.kept.guard.Set(on) }

func (d *device) KeepDraft(text string) { page().Call("keepDraft", text) }

func (d *device) TakeDraft() string { return page().Call("takeDraft").String() }

func (d *device) BackgroundSync(ctx context.Context) (supported, registered bool) {
	if d.kept.volatile {
		return false, false
	}
	return d.background.state(ctx)
}

func (d *device) SetBackgroundSync(ctx context.Context, on bool) error {
	return d.background.set(ctx, on)
}

func (d *device) Diagnostics(ctx context.Context) []app.Diagnostic {
	status := d.users.Status()
	lines := []app.Diagnostic{
		{Name: "Version", Value: page().Get("version").String()},
		{Name: "Leading tab", Value: yes(d.leader.Leading())},
		{Name: "Sync workers started here", Value: strconv.FormatInt(d.leader.Starts(), 10)},
		{Name: "Last sync ran in", Value: orNone(status.Host)},
		{Name: "Server answered lately", Value: yes(status.Online)},
		{Name: "Event stream", Value: open(status.Stream)},
		{Name: "Service worker", Value: serviceWorker()},
	}
	if why := d.leader.Failure(); why != "" {
		lines = append(lines, app.Diagnostic{Name: "Last worker failure", Value: why})
	}
	if m, err := d.store.Meta(ctx, sync.MetaClient, sync.MetaSkew, sync.MetaCursor); err == nil {
		lines = append(lines,
			app.Diagnostic{Name: "Client", Value: orNone(m[sync.MetaClient])},
			app.Diagnostic{Name: "Clock difference", Value: orNone(m[sync.MetaSkew]) + " ms"},
			app.Diagnostic{Name: "Cursor", Value: orNone(m[sync.MetaCursor])})
	}
	return lines
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func open(b bool) string {
	if b {
		return "open"
	}
	return "closed"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func serviceWorker() string {
	container := js.Global().Get("navigator").Get("serviceWorker")
	if !container.Truthy() {
		return "not offered"
	}
	if c := container.Get("controller"); c.Truthy() {
		return c.Get("state").String()
	}
	return "does not control this page"
}

func (d *device) Focus(id string)           { browser.Focus(id) }
func (d *device) ShowModal(id string)       { browser.ShowModal(id) }
func (d *device) CloseModal(id string)      { browser.CloseModal(id) }
func (d *device) ModalOpen(id string) bool  { return browser.ModalOpen(id) }
func (d *device) SetValue(id, value string) { browser.SetValue(id, value) }

func (d *device) SetHeight(id string, height float64) { browser.SetHeight(id, height) }

func (d *device) Viewport(id string) (top, height float64) {
	if e, ok := browser.Element(id); ok {
		return e.Get("scrollTop").Float(), e.Get("clientHeight").Float()
	}
	return 0, 0
}

func (d *device) ScrollTo(id string, top float64) {
	if e, ok := browser.Element(id); ok {
		e.Set("scrollTop", top)
	}
}

// Scrolls listens in the capturing phase at the document, because the element
// may be rendered later or anew, and scroll events do not bubble.
func (d *device) Scrolls(ctx context.Context, id string) <-chan struct{} {
	tells := make(chan struct{}, 1)
	waiting := false
	stop := browser.Capture(js.Global().Get("document"), "scroll", func(e js.Value) {
		target := e.Get("target")
		if waiting || target.Get("id").Type() != js.TypeString || target.Get("id").String() != id {
			return
		}
		waiting = true
		browser.OnFrame(func() {
			waiting = false
			offer(tells, struct{}{})
		})
	})
	context.AfterFunc(ctx, stop)
	return tells
}

func page() js.Value { return js.Global().Get("rollcall") }

func (d *device) UpdateWaiting() bool { return page().Call("updateWaiting").Bool() }
func (d *device) ApplyUpdate()        { page().Call("applyUpdate") }
