//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"syscall/js"
	"time"
)

// Tags of the service worker's sync events, and how often it asks for a periodic one.
// Browsers treat the period as a hint.
const (
	SyncTag        = "rollcall-sync"
	PeriodicTag    = "rollcall-periodic"
	PeriodicPeriod = 15 * time.Minute
)

// readyWithin bounds the wait for an active service worker: if none is registered,
// serviceWorker.ready never settles.
const readyWithin = 5 * time.Second

// registration returns the active service worker registration, of the page or of the
// service worker itself.
func registration(ctx context.Context) (js.Value, error) {
	if r := global.Get("registration"); r.Truthy() {
		return r, nil
	}
	container := global.Get("navigator").Get("serviceWorker")
	if !container.Truthy() {
		return js.Undefined(), errors.New("this browser has no service workers here")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, errors.New("no service worker is active here"))
	defer cancel()
	return Await(ctx, container.Get("ready"))
}

// BackgroundSync reports whether the browser can sync while no tab is open, and whether
// a sync is registered. The suffix is of an account's tags.
func BackgroundSync(ctx context.Context, suffix string) (supported, registered bool) {
	r, err := registration(ctx)
	if err != nil || !r.Get("sync").Truthy() {
		return false, false
	}
	tags, err := Await(ctx, r.Get("sync").Call("getTags"))
	if err != nil {
		return false, false
	}
	return true, tags.Call("includes", SyncTag+suffix).Bool()
}

// RegisterSync registers a sync event for when there is a network, and periodic ones if
// the browser grants them.
func RegisterSync(ctx context.Context, suffix string) error {
	r, err := registration(ctx)
	if err != nil {
		return err
	}
	if !r.Get("sync").Truthy() {
		return errors.New("this browser can't sync while no tab is open")
	}
	if p := r.Get("periodicSync"); p.Truthy() {
		options := map[string]any{"minInterval": PeriodicPeriod.Milliseconds()}
		// The browser refuses unless the app is installed. The one-off sync matters more.
		_, _ = Await(ctx, p.Call("register", PeriodicTag+suffix, options))
	}
	_, err = Await(ctx, r.Get("sync").Call("register", SyncTag+suffix))
	return err
}

// CancelPeriodicSync unregisters periodic syncs. The platform can't unregister a one-off
// sync: the caller has to remember that none is wanted.
func CancelPeriodicSync(ctx context.Context, suffix string) error {
	r, err := registration(ctx)
	if err != nil {
		return err
	}
	p := r.Get("periodicSync")
	if !p.Truthy() {
		return nil
	}
	_, err = Await(ctx, p.Call("unregister", PeriodicTag+suffix))
	return err
}
