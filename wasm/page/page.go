//go:build js && wasm

// Package page is the program's role in a page: the user interface. It opens the storage,
// starts the engine, and wires the pages of package app to this browser.
package page

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
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// Run shows the app until the page is closed.
func Run() {
	ctx := context.Background()
	names := directory.NamesOf(account().Get("id").String())
	storage := newStorage(ctx, names)
	leading, stop := context.WithCancel(ctx)
	defer stop()
	leader := &sync.Leader{
		Locks: browser.WebLocks{Suffix: names.Suffix}, Clock: browser.Clock{}, Start: startWorker,
		// A channel of its own, so that this page receives the leader's messages, too.
		Bus:       browser.OpenChannel(names.Channel),
		Incidents: &sync.IncidentLog{Store: storage.store, Writer: sync.ByPage, Now: time.Now},
	}
	whileAwake(leading, leader.Run) // first: the worker starts while the page does
	if storage = storage.open(ctx); storage.volatile {
		stop() // the engine runs in the page, and nothing outlives it
	}
	store, bus := storage.store, storage.bus
	background := newBackground(storage)
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: bus, Schema: directory.Users, Codec: directory.Codec,
		Remote: &remote.Server{HTTP: &remote.Decoded{HTTP: browser.Fetch{Account: &names.Account}}, Paths: directory.Paths, Fresh: uuid.NewString},
		Now:    time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
		OnEnqueued: background.request,
	})
	storage.users = users
	if !storage.volatile {
		go background.run(ctx)
	}
	relayEvents(bus)
	offerPeople(ctx, users)
	app.Configure(app.Dependencies{
		Users: users, Outbox: users, Syncer: users,
		Network: network{}, Accounts: newAccounts(), StorageHealth: storage, StorageManager: storage, BackgroundSync: background,
		Diagnostics:  diagnostics{store: store, leader: leader, users: users},
		Installation: installation{}, Updates: updates{}, ChangesFile: changesFile{store}, Unsaved: &unsaved{}, Elements: elements{}, Dialogs: elements{}, Layout: elements{}, Presses: presses{}, Preview: preview{}, Language: language,
	})
	ui.RunWhenOnBrowser()
}
