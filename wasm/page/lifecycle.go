//go:build js && wasm

package page

import (
	"context"
	"syscall/js"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/sync"
)

// whileAwake runs work, except while the page is frozen or in the back/forward cache. A
// lock held then would block every other tab, a transaction of the worker their writes,
// and a lock would keep the page out of the cache.
func whileAwake(ctx context.Context, work func(context.Context)) {
	var stop context.CancelFunc
	begin := func() {
		var awake context.Context
		awake, stop = context.WithCancel(ctx)
		go work(awake)
	}
	begin()
	// work ends before the browser goes on: Go returns from an event only when no
	// goroutine can run.
	sleep := func() { stop() }
	wake := func() {
		stop()
		begin()
	}
	browser.OnBackForwardCache(sleep, wake)
	browser.OnFreeze(sleep, wake)
}

// relayEvents passes on to the engine the events that only windows receive.
func relayEvents(bus sync.Bus) {
	browser.OnOnline(func(online bool) {
		bus.Publish(sync.Message{Kind: sync.Connectivity, Online: online})
	})
	browser.OnVisible(func() {
		bus.Publish(sync.Message{Kind: sync.SyncRequest, Reason: sync.Visible})
	})
}

// network is app.Network.
type network struct{}

func (network) Online() bool { return browser.Online() }

func (network) SignIn() { js.Global().Get("location").Call("assign", api.PathSignIn) }

func (network) OnlineChanges(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	context.AfterFunc(ctx, browser.OnOnline(func(bool) { sync.TrySend(changes, struct{}{}) }))
	return changes
}
