//go:build js && wasm

// Command device spends a day without a network in a browser, on the database of
// the site it is loaded from: see package day. It sets spendDay(operations, start),
// where start is in milliseconds since 1970, which returns a promise.
package main

import (
	"context"
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/day"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

func main() {
	js.Global().Set("spendDay", js.FuncOf(func(_ js.Value, args []js.Value) any {
		d, start := day.Day{Operations: args[0].Int()}, time.UnixMilli(int64(args[1].Float()))
		return browser.Promise(func() error { return spend(d, start) })
	}))
	select {}
}

func spend(d day.Day, start time.Time) error {
	store := unhurried{idb.New(idb.Options{Name: directory.Nobodys, Schemas: []queue.Schema{directory.Users}})}
	defer store.Close()
	clock := d.Clock(start)
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: clock.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
	})
	defer users.Close()
	return d.Spend(context.Background(), day.Device{Users: users, Store: store, Clock: clock})
}

// unhurried does not wait for the disk at each write: nobody pulls the plug, and
// thousands of writes are to be made in seconds.
type unhurried struct{ *idb.Store }

// Update implements queue.Store.
func (s unhurried) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	txn.Relaxed = true
	return s.Store.Update(ctx, txn, decide)
}
