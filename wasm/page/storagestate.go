//go:build js && wasm

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/health"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

const (
	// storageDeadline bounds the page's uses of its storage: a person waits.
	storageDeadline = 8 * time.Second
	// firstLook is how long the page is held back until it is known whether there
	// is storage at all. A storage that says nothing is taken for one that will.
	firstLook = 2 * time.Second
)

// metaProbe is written to see whether the storage works again; metaAsked says
// that the browser was asked to keep the data.
const (
	metaProbe = "probe"
	metaAsked = "persistAsked"
)

// storageState is how the data of this page are kept: in IndexedDB, or in the page's
// own memory where the browser gives it no storage.
type storageState struct {
	store    repository.Store // watched by the monitor
	bus      sync.Bus
	volatile bool
	monitor  *health.Monitor
	presence *health.EvictionDetector
	// needsNetwork: there is no service worker, so nothing starts without a network.
	needsNetwork bool
	guard        browser.LeavingGuard
	news         chan struct{}
}

// keep opens the storage and looks what is there.
func keep(ctx context.Context) *storageState {
	k := &storageState{bus: browser.OpenChannel("rollcall"), monitor: health.New(time.After), news: make(chan struct{}, 1)}
	k.store = k.monitor.Watch(idb.New(idb.Options{
		Name: directory.Database, Schemas: []queue.Schema{directory.Users}, Deadline: storageDeadline,
		OnBlocked: k.monitor.Blocked,
		// Perhaps upgraded by a newer version, perhaps cleared: opening it again tells.
		OnOutdated: func() { k.lookAgain(ctx) },
		OnClosed:   func() { k.lookAgain(ctx) },
	}))
	k.presence = health.NewEvictionDetector(k.store, page().Get("seen").Bool())
	looked := make(chan error, 1)
	go func() { looked <- k.look(ctx) }()
	select {
	case err := <-looked:
		if errors.Is(err, queue.ErrUnavailable) {
			return keepInMemory(ctx)
		}
	case <-time.After(firstLook):
	}
	go k.monitor.Run(ctx, k.try)
	return k
}

// keepInMemory has the page keep its data itself, and run the engine itself:
// there is nothing to share with a worker or another tab.
func keepInMemory(ctx context.Context) *storageState {
	store := memory.New(directory.Users)
	store.Now = time.Now
	channel := memory.NewChannel()
	host := newHost(store, channel.Bus())
	k := &storageState{
		store: store, bus: channel.Bus(), volatile: true,
		monitor: health.New(time.After), news: make(chan struct{}, 1),
	}
	k.presence = health.NewEvictionDetector(store, false)
	go func() { panic(host.Run(ctx)) }()
	return k
}

func newHost(store *memory.Store, bus sync.Bus) *sync.Host {
	server := &sync.HTTPRemote{HTTP: browser.Fetch{}, Paths: directory.Paths}
	engine := sync.New(sync.Config{
		Store: store, Remote: server, Locks: memory.NewLocks(), Bus: bus, Schemas: []queue.Schema{directory.Users},
		Now: time.Now, Random: rand.Float64, NewID: uuid.NewString,
	})
	server.Observe = engine.ObserveClock
	return &sync.Host{
		Engine: engine, Bus: bus, Clock: browser.Clock{}, Store: store, Random: rand.Float64, Name: sync.ByPage,
		Incidents: &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now},
		Stream:    browser.Events{Path: api.PathEvents}.Follow,
	}
}

// look opens the storage, again if need be, and sees whether the data are there.
func (k *storageState) look(ctx context.Context) error {
	err := k.presence.Look(ctx)
	offer(k.news, struct{}{})
	return err
}

// lookAgain looks after the connection was lost. What was lost with it is synced
// again at once: the host does not know, and would wait for its timer.
func (k *storageState) lookAgain(ctx context.Context) {
	if k.look(ctx) == nil {
		k.bus.Publish(sync.Message{Kind: sync.SyncRequest, Reason: sync.Visible})
	}
}

// try uses the storage in every way that can fail.
func (k *storageState) try(ctx context.Context) error {
	if err := k.store.SetMeta(ctx, map[string]string{metaProbe: time.Now().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	return k.look(ctx)
}

// follow keeps up with what others notice: refresh is called when the storage
// works again or may hold something else, and tell whenever there is news.
func (k *storageState) follow(ctx context.Context, users *directory.Collection, tell func()) {
	troubles, statuses := k.monitor.Changes(ctx), users.StatusChanges(ctx)
	go func() {
		registration, err := browser.Await(ctx, page().Get("registration"))
		k.needsNetwork = err == nil && !registration.Truthy()
		offer(k.news, struct{}{})
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-statuses:
			if !k.volatile {
				_ = k.presence.Remember(ctx) // what can't be read now is asked for at the next status
			}
			continue
		case <-troubles:
		case <-k.news:
		}
		if k.monitor.Trouble() == nil {
			users.Refresh()
		}
		tell()
	}
}

// state is app.StorageState as it is now.
func (k *storageState) state() app.StorageState {
	return app.StorageState{
		Trouble: k.monitor.Trouble(), Volatile: k.volatile,
		Lost: k.presence.Lost(), NeedsNetwork: k.needsNetwork,
	}
}

// asked reports whether the browser was asked to keep the data, and ask asks.
func (k *storageState) asked(ctx context.Context) bool {
	m, err := k.store.Meta(ctx, metaAsked)
	return err == nil && m[metaAsked] != ""
}

func (k *storageState) ask(ctx context.Context) (bool, error) {
	granted, err := browser.Persist(ctx) // first: it wants the gesture, and that passes
	if err != nil {
		return false, err
	}
	return granted, k.store.SetMeta(ctx, map[string]string{metaAsked: time.Now().UTC().Format(time.RFC3339)})
}
