//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"syscall/js"
	"time"
)

// Tags of the service worker's sync events, and how often it asks to be woken
// to pull. Browsers take the period as a wish.
const (
	SyncTag        = "rollcall-sync"
	PeriodicTag    = "rollcall-periodic"
	PeriodicPeriod = 15 * time.Minute
)

// readyWithin bounds the wait for an active service worker: where none is
// registered, the browser's promise of one never settles.
const readyWithin = 5 * time.Second

// registration is the page's (or the worker's own) service worker registration
// that is active.
func registration(ctx context.Context) (js.Value, error) {
	if r := global.Get("registration"); r.Truthy() {
		return r, nil
	}
	container := global.Get("navigator").Get("serviceWorker")
	if !container.Truthy() {
		return js.Undefined(), errors.New("this browser offers no service worker here")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, errors.New("no service worker is active here"))
	defer cancel()
	return Await(ctx, container.Get("ready"))
}

// BackgroundSync reports whether the browser can sync while no tab is open, and
// whether a sync is registered now.
func BackgroundSync(ctx context.Context) (supported, registered bool) {
	r, err := registration(ctx)
	if err != nil || !r.Get("sync").Truthy() {
		return false, false
	}
	tags, err := Await(ctx, r.Get("sync").Call("getTags"))
	if err != nil {
		return false, false
	}
	return true, tags.Call("includes", SyncTag).Bool()
}

// RegisterSync asks for a sync event as soon as there is a network, and for
// periodic ones if the browser grants them.
func RegisterSync(ctx context.Context) error {
	r, err := registration(ctx)
	if err != nil {
		return err
	}
	if !r.Get("sync").Truthy() {
		return errors.New("this browser can't sync while no tab is open")
	}
	if p := r.Get("periodicSync"); p.Truthy() {
		options := map[string]any{"minInterval": PeriodicPeriod.Milliseconds()}
		// Refused unless the app is installed; the one-off sync matters more.
		_, _ = Await(ctx, p.Call("register", PeriodicTag, options))
	}
	_, err = Await(ctx, r.Get("sync").Call("register", SyncTag))
	return err
}

// CancelPeriodicSync takes the wish for periodic syncs back. A one-off sync can't
// be unregistered by the platform: the caller's setting has to say that nothing is wanted.
func CancelPeriodicSync(ctx context.Context) error {
	r, err := registration(ctx)
	if err != nil {
		return err
	}
	p := r.Get("periodicSync")
	if !p.Truthy() {
		return nil
	}
	_, err = Await(ctx, p.Call("unregister", PeriodicTag))
	return err
}
