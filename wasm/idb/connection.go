//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"
	"syscall/js"
	"time"

	goidb "github.com/hack-pad/go-indexeddb/idb"

	"github.com/rollcall/rollcall/wasm/queue"
)

// DefaultDeadline bounds every open and every transaction: a browser whose
// IndexedDB is wedged answers neither yes nor no.
const DefaultDeadline = 15 * time.Second

// connection is the database connection, opened when it is first needed and
// again after it was lost.
type connection struct {
	name     string
	version  uint
	deadline time.Duration

	mu stdsync.Mutex
	db js.Value // undefined when there is none
}

func helper() (js.Value, error) {
	h := js.Global().Get("rollcallIDB")
	if !h.Truthy() {
		return h, errors.New("the IndexedDB helper script was not loaded")
	}
	if !js.Global().Get("indexedDB").Truthy() {
		return h, queue.ErrUnavailable
	}
	return h, nil
}

// get returns the open database.
func (c *connection) get(ctx context.Context) (js.Value, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db.Truthy() {
		return c.db, nil
	}
	db, err := c.open(ctx)
	if err != nil {
		return js.Undefined(), fmt.Errorf("open the database: %w", err)
	}
	c.db = db
	return db, nil
}

// drop forgets a connection that has ended.
func (c *connection) drop(db js.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db.Truthy() && (!db.Truthy() || c.db.Equal(db)) {
		c.db = js.Undefined()
	}
}

func (c *connection) open(ctx context.Context) (js.Value, error) {
	h, err := helper()
	if err != nil {
		return js.Undefined(), err
	}
	opened, failed := make(chan js.Value, 1), make(chan error, 1)
	blocked := false
	told := js.FuncOf(func(_ js.Value, args []js.Value) any {
		switch args[0].String() {
		case "blocked":
			blocked = true
		case "open":
			opened <- args[1]
		case "closed", "outdated":
			go c.drop(args[1])
		}
		return nil
	}) // not released: the connection's events call it as long as the program runs
	factory, err := goidb.WrapFactory(h.Call("factory", told))
	if err != nil {
		return js.Undefined(), fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	version := c.version
	if version == 0 {
		version = uint(h.Get("version").Int())
	}
	// The library's upgrader does nothing, because an error in it would panic and
	// it has no upgrade transaction; the factory migrates. Its context is never
	// cancelled, because Await would then say that all went well.
	request, err := factory.Open(context.WithoutCancel(ctx), c.name, version, func(*goidb.Database, uint, uint) error { return nil })
	if err != nil {
		return js.Undefined(), openError(err)
	}
	go func() {
		if _, err := request.Await(context.Background()); err != nil {
			failed <- openError(err)
		}
	}()
	select {
	case db := <-opened:
		return db, nil
	case err := <-failed:
		return js.Undefined(), err
	case <-ctx.Done():
		go closeLate(opened)
		return js.Undefined(), context.Cause(ctx)
	case <-time.After(c.deadline):
		go closeLate(opened)
		if blocked {
			return js.Undefined(), queue.ErrBlocked
		}
		return js.Undefined(), queue.ErrTimeout
	}
}

// closeLate closes a connection that opens after nobody waits for it any more:
// kept open unheard, it would block the next upgrade.
func closeLate(opened chan js.Value) { (<-opened).Call("close") }

// openError says what an open request failed with.
func openError(err error) error {
	var exception goidb.DOMException
	if errors.As(err, &exception) {
		return classify(exceptionName(err), err.Error())
	}
	return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
}

// exceptionName finds the DOMException's name: errors.Is compares by name.
func exceptionName(err error) string {
	for _, name := range []string{"VersionError", "QuotaExceededError", "AbortError", "InvalidStateError", "UnknownError", "SecurityError"} {
		if errors.Is(err, goidb.NewDOMException(name)) {
			return name
		}
	}
	return ""
}

// classify maps a DOMException's name, or one of the helper's own, to the
// queue's errors.
func classify(name, message string) error {
	switch name {
	case "QuotaExceededError":
		return fmt.Errorf("%w (%s)", queue.ErrQuota, message)
	case "Fenced":
		return queue.ErrFenced
	case "NotBegun", "InvalidStateError":
		return fmt.Errorf("%w (%s)", queue.ErrClosed, message)
	case "VersionError":
		return fmt.Errorf("%w: a newer version of Rollcall has upgraded this device's data; reload the page", queue.ErrUnavailable)
	case "SecurityError":
		return fmt.Errorf("%w (%s)", queue.ErrUnavailable, message)
	case "AbortError", "UnknownError":
		return fmt.Errorf("%w (%s: %s)", queue.ErrClosed, name, message)
	}
	return fmt.Errorf("IndexedDB: %s: %s", name, message)
}

// failure is what a transaction was rejected with.
type failure struct{ name, message string }

func (f *failure) Error() string { return classify(f.name, f.message).Error() }
func (f *failure) Unwrap() error { return classify(f.name, f.message) }

// call runs one of the helper's transactions. A connection that turns out to be
// dead before the transaction has begun is opened anew, once.
func (c *connection) call(ctx context.Context, method string, args ...any) (string, error) {
	for again := true; ; again = false {
		db, err := c.get(ctx)
		if err != nil {
			return "", err
		}
		result, err := c.transact(ctx, method, append([]any{db}, args...))
		var f *failure
		if !again || !errors.As(err, &f) || f.name != "NotBegun" {
			return result, err
		}
		c.drop(db)
	}
}

// transact waits for the end of a transaction, but not longer than the deadline.
func (c *connection) transact(ctx context.Context, method string, args []any) (string, error) {
	h, err := helper()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.deadline, queue.ErrTimeout)
	defer cancel()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	run := h.Call(method, args...)
	done := make(chan struct{})
	var result string
	var failed error
	var resolve, reject js.Func
	settle := func(f func(js.Value)) js.Func {
		return js.FuncOf(func(_ js.Value, args []js.Value) any {
			f(args[0])
			resolve.Release()
			reject.Release()
			close(done)
			return nil
		})
	}
	resolve = settle(func(v js.Value) {
		if v.Type() == js.TypeString {
			result = v.String()
		}
	})
	reject = settle(func(v js.Value) { failed = &failure{text(v.Get("name")), text(v.Get("message"))} })
	run.Get("promise").Call("then", resolve, reject)
	select {
	case <-done:
		return result, failed
	case <-ctx.Done():
	}
	if run.Call("abort").Bool() {
		return "", fmt.Errorf("aborted: %w", context.Cause(ctx))
	}
	select {
	case <-done: // it had just ended
		return result, failed
	default:
		return "", fmt.Errorf("%w: %w", queue.ErrUncertain, context.Cause(ctx))
	}
}

func text(v js.Value) string {
	if v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db.Truthy() {
		c.db.Call("close")
		c.db = js.Undefined()
	}
}
