//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"syscall/js"
)

var global = js.Global()

// Await waits for a promise or for the end of ctx, after which the result is ignored. It
// returns a rejection as an error with the text of the reason.
func Await(ctx context.Context, promise js.Value) (js.Value, error) {
	type settled struct {
		value js.Value
		err   error
	}
	done := make(chan settled, 1)
	var resolve, reject js.Func
	release := func() {
		resolve.Release()
		reject.Release()
	}
	resolve = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		done <- settled{value: firstOf(args)}
		return nil
	})
	reject = js.FuncOf(func(_ js.Value, args []js.Value) any {
		release()
		done <- settled{err: reason(firstOf(args))}
		return nil
	})
	promise.Call("then", resolve, reject)
	select {
	case s := <-done:
		return s.value, s.err
	case <-ctx.Done():
		return js.Undefined(), context.Cause(ctx)
	}
}

func firstOf(args []js.Value) js.Value {
	if len(args) == 0 {
		return js.Undefined()
	}
	return args[0]
}

// reason returns the reason of a rejection as an error.
func reason(v js.Value) error {
	if v.Type() == js.TypeObject {
		if m := v.Get("message"); m.Type() == js.TypeString && m.String() != "" {
			return errors.New(m.String())
		}
	}
	return errors.New(v.String())
}

// Promise returns a promise that f's return settles.
func Promise(f func() error) js.Value {
	var executor js.Func
	executor = js.FuncOf(func(_ js.Value, args []js.Value) any {
		executor.Release()
		resolve, reject := args[0], args[1]
		go func() {
			if err := f(); err != nil {
				reject.Invoke(global.Get("Error").New(err.Error()))
				return
			}
			resolve.Invoke()
		}()
		return nil
	})
	return global.Get("Promise").New(executor)
}

// Listen calls f for each event of that name at target, until stop is called.
func Listen(target js.Value, event string, f func(js.Value)) (stop func()) {
	return listen(target, event, false, f)
}

// ListenCapture is Listen in the capturing phase, which also sees the events of
// descendants that do not bubble.
func ListenCapture(target js.Value, event string, f func(js.Value)) (stop func()) {
	return listen(target, event, true, f)
}

func listen(target js.Value, event string, capture bool, f func(js.Value)) (stop func()) {
	listener := js.FuncOf(func(_ js.Value, args []js.Value) any {
		f(firstOf(args))
		return nil
	})
	target.Call("addEventListener", event, listener, capture)
	return func() {
		target.Call("removeEventListener", event, listener, capture)
		listener.Release()
	}
}
