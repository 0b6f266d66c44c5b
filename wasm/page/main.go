//go:build js && wasm

// Command page is the user interface, compiled to app.wasm. It wires the pages of
// package app to this browser: storage, engine, and the page itself.
package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

func main() {
	ctx := context.Background()
	kept := keep(ctx)
	store, bus := kept.store, kept.bus
	background := newBackground(store)
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: bus, Schema: directory.Users, Codec: directory.Codec,
		Remote: &sync.HTTPRemote{HTTP: browser.Fetch{}, Paths: directory.Paths},
		Now:    time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
		Queued: background.wanted,
	})
	lead := &sync.Leader{
		Locks: browser.WebLocks{}, Clock: browser.Clock{}, Start: startWorker,
		// A channel of its own: what it says, this page hears, too.
		Bus:       browser.OpenChannel("rollcall"),
		Incidents: &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now},
	}
	if !kept.volatile { // else the engine runs in the page, and nothing outlives it
		whileAwake(ctx, lead.Run)
		go background.run(ctx)
	}
	relay(bus)
	d := &device{kept: kept, store: store, leader: lead, background: background, users: users}
	app.Configure(app.Dependencies{
		Users: users, Outbox: users, Syncer: users,
		Network: d, StorageHealth: d, StorageManager: d, BackgroundSync: d, Diagnostics: d,
		Updates: d, Unsaved: d, Elements: d, Dialogs: d, Layout: d,
	})
	ui.RunWhenOnBrowser()
}

// whileAwake runs work, except while the browser has the page frozen or keeps it in
// its back/forward cache: a lock held there would hold up every other tab, a worker's
// transaction their writes, and a lock would keep the page out of the cache.
func whileAwake(ctx context.Context, work func(context.Context)) {
	var stop context.CancelFunc
	begin := func() {
		var awake context.Context
		awake, stop = context.WithCancel(ctx)
		go work(awake)
	}
	begin()
	// What runs by now is done with its work before the browser goes on: Go returns
	// from an event when nothing is left to run.
	sleep := func() { stop() }
	wake := func() {
		stop()
		begin()
	}
	browser.OnKept(sleep, wake)
	browser.OnFrozen(sleep, wake)
}

// relay passes on the events that only windows get.
func relay(bus sync.Bus) {
	browser.OnOnline(func(online bool) {
		bus.Publish(sync.Message{Kind: sync.Connectivity, Online: online})
	})
	browser.OnShown(func() {
		bus.Publish(sync.Message{Kind: sync.SyncRequest, Reason: sync.Visible})
	})
}
