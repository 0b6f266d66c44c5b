//go:build js && wasm

// Package worker is the program's role in a worker: it hosts the sync engine. In the
// dedicated worker of the leading tab it syncs until the tab is closed. In the service
// worker it handles the sync events that sw.js passes on.
package worker

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Run serves the worker until the browser ends it.
func Run() {
	if js.Global().Get("registration").Truthy() {
		serveEvents()
		select {}
	}
	ctx := context.Background()
	names := directory.NamesOf(js.Global().Get("rollcallAccount").Get("id").String())
	bus := browser.OpenChannel(names.Channel)
	store := openStore(ctx, bus, names)
	host := newHost(store, bus, names, sync.ByWorker)
	host.Stream = browser.EventSource{Path: api.EventsPath(names.Account), News: host.Tell}.Follow
	if err := host.Run(ctx); err != nil {
		panic(err)
	}
}

// openStore opens the database, however long it takes: without it there is nothing to
// do. Meanwhile the page shows why.
func openStore(ctx context.Context, bus *browser.Channel, names directory.Names) *idb.Store {
	for wait := time.Second; ; wait = min(2*wait, sync.AliveEvery) {
		store, err := idb.Open(ctx, idb.Options{Name: names.Database, Schemas: []queue.Schema{directory.Users}, Channel: bus})
		if err == nil {
			return store
		}
		js.Global().Get("console").Call("error", "rollcall: open the database:", err.Error())
		bus.Publish(sync.Message{Kind: sync.StatusChanged, Status: &sync.Status{
			Phase: sync.Failed, At: time.Now(), Host: sync.ByWorker, Problem: sync.ProblemFor(err),
		}})
		bus.Publish(sync.Message{Kind: sync.WorkerAlive}) // a new worker would not help
		<-time.After(wait)
	}
}

func newHost(store sync.Store, bus *browser.Channel, names directory.Names, name string) *sync.Host {
	incidents := &sync.IncidentLog{Store: store, Writer: name, Now: time.Now}
	locks := sync.RoundLocks(browser.WebLocks{Suffix: names.Suffix}, bus, browser.Clock{}, incidents)
	return directory.NewHost(directory.Place{
		Store: store, Bus: bus, Locks: locks, Clock: browser.Clock{}, HTTP: browser.Fetch{Account: &names.Account}, Incidents: incidents,
	})
}

const (
	// eventDeadline ends the handling of a sync event before the browser does, which
	// allows about five minutes.
	eventDeadline = 3 * time.Minute
	// maxDrains is how often a sync event drains the queue again because of writes made
	// meanwhile.
	maxDrains = 3
)

// serveEvents defines the function that sw.js calls for each sync event. The promise of
// rollcallSync(tag, account) is rejected while operations remain, so that the browser tries again.
func serveEvents() {
	all := map[string]*events{}
	js.Global().Set("rollcallSync", js.FuncOf(func(_ js.Value, args []js.Value) any {
		tag, account := args[0].String(), args[1].String()
		if all[account] == nil {
			names := directory.NamesOf(account)
			all[account] = &events{names: names, bus: browser.OpenChannel(names.Channel)}
		}
		return browser.Promise(func() error { return all[account].serve(tag) })
	}))
}

// events handles the sync events of one account. It keeps the host from one event to the next.
type events struct {
	names directory.Names
	bus   *browser.Channel
	host  *sync.Host
	store *idb.Store // the host's
}

// badge shows on the app's icon how much waits: there may be no page that would.
func (e *events) badge(ctx context.Context) {
	if counts, err := e.store.Counts(ctx); err == nil {
		browser.Badge(counts.Total())
	}
}

func (e *events) serve(tag string) error {
	ctx, cancel := context.WithTimeout(context.Background(), eventDeadline)
	defer cancel()
	if e.host == nil {
		// The account may have signed out, and its data be deleted, in the middle of an event.
		store, err := idb.Open(ctx, idb.Options{Name: e.names.Database, MustExist: e.names.Account != "", Schemas: []queue.Schema{directory.Users}, Channel: e.bus})
		if errors.Is(err, queue.ErrDeleted) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("open the database: %w", err)
		}
		e.host, e.store = newHost(store, e.bus, e.names, sync.ByServiceWorker), store
	}
	defer e.badge(ctx)
	reason := sync.Online
	if tag == browser.PeriodicTag {
		reason = sync.Periodic
	}
	waiting := 0
	for range maxDrains {
		report, err := e.host.Drain(ctx, reason)
		if errors.Is(err, sync.ErrAbandoned) {
			e.host = nil // the abandoned round may still use its engine
		}
		if sync.NeedsPerson(err) || errors.Is(err, queue.ErrDeleted) {
			return nil // another try helps as little; the queue goes on once a page has synced
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
