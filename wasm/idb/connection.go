//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"syscall/js"
	"time"

	goidb "github.com/hack-pad/go-indexeddb/idb"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
)

// DefaultDeadline bounds every open and every transaction: a browser whose
// IndexedDB is wedged answers neither yes nor no.
const DefaultDeadline = 15 * time.Second

// Options say which database to open, and how.
type Options struct {
	Name    string
	Schemas []queue.Schema
	// Channel brings records to other tabs, and theirs here; nil for none.
	Channel Channel
	// Deadline bounds every open and every transaction; 0 means DefaultDeadline.
	Deadline time.Duration
	// MustExist opens no database that is not there, queue.ErrDeleted: it is not to come back.
	MustExist bool
	// Version opens as of an older version, for tests of migrations; 0 means the newest.
	Version uint

	// What happens to the connection is told by these, in goroutines of their own;
	// nil ones are not called.

	// OnOutdated: another tab upgrades or deletes the database, and this
	// connection was closed to let it.
	OnOutdated func()
	// OnBlocked: an opening waits for another tab that holds an older version.
	OnBlocked func()
	// OnClosed: the browser took the connection away, as when site data are cleared.
	OnClosed func()
}

// connection is the database connection, opened when it is first needed and
// again after it was lost.
type connection struct {
	options Options
	gate    chan struct{} // held by whoever opens, so that others wait no longer than they want
	bounded bound

	mu      stdsync.Mutex
	db      js.Value    // undefined when there is none
	number  int64       // how often it was opened
	blocked atomic.Bool // an opening waits for another tab, and those after it with it
}

// bound returns a context that ends with queue.ErrTimeout when a wait has lasted too long.
type bound func(context.Context) (context.Context, context.CancelFunc)

func within(deadline time.Duration) bound {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, deadline, queue.ErrTimeout)
	}
}

func helper() (js.Value, error) {
	h := js.Global().Get("rollcallIDB")
	if !h.Truthy() {
		return h, fmt.Errorf("%w: the IndexedDB helper script was not loaded", queue.ErrUnavailable)
	}
	if why := h.Call("unavailable").String(); why != "" {
		return h, fmt.Errorf("%w: %s", queue.ErrUnavailable, why)
	}
	return h, nil
}

// opened is the number of the connection.
func (c *connection) opened() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.number
}

func (c *connection) current() js.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.db
}

// get returns the open database. The deadline counts from here on, also for who
// waits for another's opening: else a queue of callers would wait one deadline each.
func (c *connection) get(ctx context.Context) (js.Value, error) {
	if db := c.current(); db.Truthy() {
		return db, nil
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	select {
	case c.gate <- struct{}{}:
		defer func() { <-c.gate }()
	case <-ctx.Done():
		return js.Undefined(), fmt.Errorf("open the database: %w", c.late(ctx))
	}
	if db := c.current(); db.Truthy() {
		return db, nil
	}
	db, err := c.open(ctx, false)
	if errors.Is(err, queue.ErrQuota) { // an upgrade has what it moves twice
		db, err = c.open(ctx, true)
	}
	if err != nil {
		return js.Undefined(), fmt.Errorf("open the database: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.db = db
	c.number++
	return db, nil
}

// drop closes a connection that is of no use any more, and forgets it.
func (c *connection) drop(db js.Value) {
	db.Call("close")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db.Truthy() && c.db.Equal(db) {
		c.db = js.Undefined()
	}
}

// opening is a request to open or delete a database under way.
type opening struct {
	factory *goidb.Factory
	opened  chan js.Value
	full    atomic.Bool // an upgrade found no room
	missing atomic.Bool // there is no database, and none was to be made
}

// begin makes a factory whose requests tell what go-indexeddb does not. A bare one upgrades
// without the rows.
func (c *connection) begin(bare bool) (*opening, error) {
	h, err := helper()
	if err != nil {
		return nil, err
	}
	o := &opening{opened: make(chan js.Value, 1)}
	told := js.FuncOf(func(_ js.Value, args []js.Value) any {
		switch args[0].String() {
		case "blocked":
			c.blocked.Store(true)
			tell(c.options.OnBlocked)
		case "full":
			o.full.Store(true)
		case "missing":
			o.missing.Store(true)
		case "open":
			c.blocked.Store(false)
			o.opened <- args[1]
		case "closed":
			c.drop(args[1])
			tell(c.options.OnClosed)
		case "outdated":
			c.drop(args[1])
			tell(c.options.OnOutdated)
		}
		return nil
	}) // not released: the connection's events call it as long as the program runs
	o.factory, err = goidb.WrapFactory(h.Call("factory", told, bare, c.options.MustExist))
	return o, err
}

func tell(hook func()) {
	if hook != nil {
		go hook()
	}
}

func (c *connection) open(ctx context.Context, bare bool) (js.Value, error) {
	o, err := c.begin(bare)
	if err != nil {
		return js.Undefined(), err
	}
	version := c.options.Version
	if version == 0 {
		version = uint(js.Global().Get("rollcallIDB").Get("version").Int())
	}
	// The library's upgrader does nothing, because an error in it would panic and
	// it has no upgrade transaction; the factory migrates. Its context is never
	// cancelled, because Await would then say that all went well.
	request, err := o.factory.Open(context.Background(), c.options.Name, version, func(*goidb.Database, uint, uint) error { return nil })
	if err != nil {
		return js.Undefined(), openError(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := request.Await(context.Background())
		switch {
		case err != nil && o.missing.Load():
			failed <- queue.ErrDeleted
		case err != nil && o.full.Load():
			failed <- fmt.Errorf("%w (%s)", queue.ErrQuota, err.Error())
		case err != nil:
			failed <- openError(err)
		}
	}()
	select {
	case db := <-o.opened:
		return db, nil
	case err := <-failed:
		return js.Undefined(), err
	case <-ctx.Done():
		go closeLate(o.opened)
		return js.Undefined(), c.late(ctx)
	}
}

// late says why a request has not been answered when ctx ended.
func (c *connection) late(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, queue.ErrTimeout) || !c.blocked.Load() {
		return err
	}
	return queue.ErrBlocked
}

// closeLate closes a connection that opens after nobody waits for it any more:
// kept open unheard, it would block the next upgrade.
func closeLate(opened chan js.Value) { (<-opened).Call("close") }

// openError says what an open request failed with.
func openError(err error) error {
	var exception goidb.DOMException
	if errors.As(err, &exception) {
		name := exceptionName(err)
		if name == "InvalidStateError" { // a private window of an older Firefox
			return fmt.Errorf("%w (%s)", queue.ErrUnavailable, err.Error())
		}
		return &failure{name, err.Error()}
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
	case "NotBegun", "InvalidStateError":
		return fmt.Errorf("%w (%s)", queue.ErrClosed, message)
	case "VersionError":
		return queue.ErrOutdated
	case "SecurityError":
		return fmt.Errorf("%w (%s)", queue.ErrUnavailable, message)
	case "AbortError", "UnknownError", "Frozen":
		return fmt.Errorf("%w (%s: %s)", queue.ErrClosed, name, message)
	}
	return fmt.Errorf("IndexedDB: %s: %s", name, message)
}

// failure is what an opening or a transaction was rejected with.
type failure struct{ name, message string }

func (f *failure) Error() string { return classify(f.name, f.message).Error() }
func (f *failure) Unwrap() error { return classify(f.name, f.message) }

// dead reports whether a failure means that the connection is lost and nothing
// was saved: it refused to begin a transaction, or the browser aborted one of
// itself, which Safari does with all when its database process has gone.
func dead(err error) bool { return failedAs(err, "NotBegun", "AbortError", "UnknownError") }

// frozen reports whether a transaction was given up because the page was frozen.
// Nothing was saved, and the connection is well.
func frozen(err error) bool { return failedAs(err, "Frozen") }

func failedAs(err error, names ...string) bool {
	var f *failure
	return errors.As(err, &f) && slices.Contains(names, f.name)
}

// call runs a transaction. When the connection turns out to be dead, or an upgrade was given up, it is
// opened anew and the transaction tried once more; after a silence, the next call gets a new connection.
// One that a freezing of the page has ended is tried as often as that happens.
func (c *connection) call(ctx context.Context, query replica.Query, decide decider) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for again := true; ; {
		db, err := c.get(ctx)
		if err == nil {
			err = c.transact(ctx, db, query, decide)
			if dead(err) || errors.Is(err, queue.ErrTimeout) {
				c.drop(db)
			}
		}
		switch {
		case ctx.Err() != nil:
			return err
		case frozen(err):
		case again && dead(err):
			again = false
		default:
			return err
		}
	}
}

// grace is how long the end of a transaction is waited for when time is up
// already, to be able to say whether it was saved.
const grace = time.Second

// transact runs a transaction and waits for its end, but not longer than the deadline.
func (c *connection) transact(ctx context.Context, db js.Value, query replica.Query, decide decider) error {
	caller := ctx
	ctx, cancel := c.bounded(caller)
	defer cancel()
	d := &decision{opened: c.opened(), read: query.Read, decide: decide, done: make(chan struct{})}
	number := d.begin()
	var seq int64
	record := js.Null()
	if try := query.Try; try != nil && try.Opened == d.opened {
		seq, record = try.Seq, js.ValueOf(try.Text)
	}
	run := js.Global().Get("rollcallIDB").Call("run", db, number, decisions.decide, decisions.ended,
		query.Write, query.Relaxed, query.After, strings.Join(query.Keys, "\n"), seq, record)
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
	}
	if run.Get("frozen").Truthy() { // its end is told when the page goes on
		select {
		case <-d.done:
			return d.err
		case <-caller.Done():
			return context.Cause(caller)
		}
	}
	// A commit under way can't be called back, and abort does not always know of
	// one: only the end of the transaction says what became of it.
	run.Call("abort")
	select {
	case <-d.done:
		if d.err == nil {
			return nil
		}
		return context.Cause(ctx)
	case <-time.After(grace):
		if !query.Write {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", queue.ErrUncertain, context.Cause(ctx))
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
