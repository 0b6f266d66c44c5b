//go:build js && wasm

// Command worker is the sync engine's host, compiled to worker.wasm: in the
// dedicated worker of the leading tab it runs until that goes; in the service
// worker it waits for the events that sw.js passes on.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/rest"
)

func main() {
	bus := browser.OpenChannel("rollcall")
	if js.Global().Get("registration").Truthy() {
		serveEvents(bus)
		select {}
	}
	ctx := context.Background()
	store := openStore(ctx, bus)
	host := newHost(store, bus, sync.ByWorker)
	host.Stream = browser.Events{Path: "/api/v1/events"}.Follow
	if err := host.Run(ctx); err != nil {
		panic(err)
	}
}

// openStore opens the database, however long it takes: without it there is
// nothing to do, and the page says why meanwhile.
func openStore(ctx context.Context, bus sync.Bus) *idb.Store {
	for wait := time.Second; ; wait = min(2*wait, sync.AliveEvery) {
		store, err := idb.Open(ctx, idb.Options{Name: directory.Database, Schemas: []queue.Schema{directory.Users}})
		if err == nil {
			return store
		}
		js.Global().Get("console").Call("error", "rollcall: open the database:", err.Error())
		bus.Publish(sync.Message{Kind: sync.StatusChanged, Status: &sync.Status{
			Phase: sync.Failed, At: time.Now(), Host: sync.ByWorker, Problem: sync.ProblemFor(err),
		}})
		bus.Publish(sync.Message{Kind: sync.WorkerAlive}) // another worker could do no better
		<-time.After(wait)
	}
}

func newHost(store sync.Store, bus sync.Bus, name string) *sync.Host {
	incidents := &sync.IncidentLog{Store: store, Writer: name, Now: time.Now}
	locks := sync.RoundLocks(browser.WebLocks{}, bus, browser.Clock{}, incidents)
	server := &sync.HTTPRemote{HTTP: browser.Fetch{}, Paths: directory.Paths}
	plain := &rest.Remote{HTTP: browser.Fetch{}, Paths: directory.Paths, Dialect: rest.Rollcall, Now: time.Now}
	engine := sync.New(sync.Config{
		Store: store, Remote: &rest.Fallback{Batch: server, Plain: plain}, Locks: locks, Bus: bus, Schemas: []queue.Schema{directory.Users},
		Now: time.Now, Random: rand.Float64, NewID: uuid.NewString,
	})
	server.Observe, plain.Observe = engine.ObserveClock, engine.ObserveClock
	return &sync.Host{
		Engine: engine, Bus: bus, Clock: browser.Clock{}, Store: store, Random: rand.Float64, Name: name, Incidents: incidents,
	}
}

// eventDeadline ends a service worker's event before the browser does, which
// allows about five minutes.
const eventDeadline = 3 * time.Minute

// serveEvents gives sw.js the function that it calls for each sync event:
// rollcallSync(tag) returns a promise that is rejected while work remains, so that the
// browser calls again.
func serveEvents(bus sync.Bus) {
	events := &events{bus: bus}
	js.Global().Set("rollcallSync", js.FuncOf(func(_ js.Value, args []js.Value) any {
		tag := args[0].String()
		return browser.Promise(func() error { return events.serve(tag) })
	}))
}

// events is what the service worker keeps from one event to the next.
type events struct {
	bus  sync.Bus
	host *sync.Host
}

func (e *events) serve(tag string) error {
	ctx, cancel := context.WithTimeout(context.Background(), eventDeadline)
	defer cancel()
	if e.host == nil {
		store, err := idb.Open(ctx, idb.Options{Name: directory.Database, Schemas: []queue.Schema{directory.Users}})
		if err != nil {
			return fmt.Errorf("open the database: %w", err)
		}
		e.host = newHost(store, e.bus, sync.ByServiceWorker)
	}
	reason := sync.Online
	if tag == browser.PeriodicTag {
		reason = sync.Periodic
	}
	waiting := 0
	for range maxDrains {
		report, err := e.host.Drain(ctx, reason)
		if errors.Is(err, sync.ErrAbandoned) {
			e.host = nil // what it left behind may still use the engine
		}
		if err != nil {
			return err
		}
		if waiting = report.Waiting; waiting == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d operations still wait", waiting)
}

// maxDrains is how often an event goes on for writes made while it drained the queue.
const maxDrains = 3
