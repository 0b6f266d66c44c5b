//go:build js && wasm

package idb

import (
	"context"
	"fmt"
	stdsync "sync"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/queue"
)

// What a worker's replica keeps.
const (
	HostCache = hostCache
	HostTexts = hostTexts
)

// Raw is the open IDBDatabase, for tests that break it.
func (d *Database) Raw() js.Value { return d.conn.current() }

// Deadlines are those of a database's waits. They pass when a test says so, so that no
// machine is too slow for it.
type Deadlines struct {
	mu   stdsync.Mutex
	live map[context.Context]context.CancelCauseFunc
}

// Deadlines takes the database's deadlines over.
func (d *Database) Deadlines() *Deadlines {
	out := &Deadlines{live: map[context.Context]context.CancelCauseFunc{}}
	d.conn.bounded = out.bound
	return out
}
func (d *Deadlines) bound(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live[ctx] = cancel
	return ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.live, ctx)
		cancel(nil)
	}
}

// Waits is how many waits are under way.
func (d *Deadlines) Waits() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.live)
}

// Pass ends all waits that are under way.
func (d *Deadlines) Pass() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cancel := range d.live {
		cancel(queue.ErrTimeout)
	}
}

// Delete deletes a database. Its connections are told to close; queue.ErrBlocked
// says that one did not.
func Delete(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, DefaultDeadline, queue.ErrTimeout)
	defer cancel()
	c := &connection{}
	o, err := c.begin(false)
	if err != nil {
		return err
	}
	request, err := o.factory.DeleteDatabase(name)
	if err != nil {
		return fmt.Errorf("delete the database %s: %w", name, openError(err))
	}
	done := make(chan error, 1)
	go func() { done <- request.Await(context.Background()) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = c.late(ctx)
	}
	if err != nil {
		return fmt.Errorf("delete the database %s: %w", name, err)
	}
	return nil
}
