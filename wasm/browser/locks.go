//go:build js && wasm

package browser

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/sync"
)

// WebLocks is sync.Locks over the Web Locks API: locks of the whole origin, which the
// browser releases when their holder dies.
type WebLocks struct {
	Suffix string // of the names: the accounts of a browser don't wait for each other
}

var _ sync.Locks = WebLocks{}

// local replaces Web Locks in old browsers and outside a secure context. There every tab
// leads and syncs for itself, one round at a time. The store's fences and the operations'
// ids keep the rounds of two tabs from doing harm.
var local = memory.NewLocks()

// HasLocks reports whether the browser has Web Locks. In a secure context, every browser
// with service workers and wasm does.
func HasLocks() bool { return global.Get("navigator").Get("locks").Truthy() }

// Hold implements sync.Locks.
func (l WebLocks) Hold(ctx context.Context, name string, mode sync.LockMode, f func(context.Context) error) error {
	name += l.Suffix
	if !HasLocks() {
		return local.Hold(ctx, name, mode, f)
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ran, granted := make(chan error, 1), false
	held := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if firstOf(args).IsNull() {
			ran <- sync.ErrLocked
			return nil
		}
		granted = true
		return Promise(func() error {
			ran <- f(inner)
			return nil
		})
	})
	defer held.Release()
	options := map[string]any{"mode": "exclusive"}
	switch mode {
	case sync.Steal:
		options["steal"] = true
	case sync.NoWait:
		options["ifAvailable"] = true
	case sync.Wait:
		controller := global.Get("AbortController").New()
		options["signal"] = controller.Get("signal")
		defer context.AfterFunc(ctx, func() { controller.Call("abort") })()
	}
	promise := global.Get("navigator").Get("locks").Call("request", name, options, held)
	_, err := Await(context.WithoutCancel(ctx), promise)
	switch {
	case err == nil:
		return <-ran
	case granted:
		// The promise of a stolen lock is rejected while f still runs. f is cancelled, and
		// waited for.
		cancel(fmt.Errorf("lock %s: %w", name, sync.ErrStolen))
		return <-ran
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("lock %s: %w", name, err)
}
