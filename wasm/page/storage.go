//go:build js && wasm

package page

import (
	"context"
	"errors"
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
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

const (
	// storageDeadline bounds each use of the storage by the page: a person waits for it.
	storageDeadline = 8 * time.Second
	// openWait is how long the page waits to learn whether there is any storage. If it
	// gets no answer, it assumes that there is.
	openWait = 2 * time.Second
)

// storage is app.StorageHealth and app.StorageManager. It keeps the data of this page in
// IndexedDB, or in the page's own memory if the browser provides no storage.
type storage struct {
	names    directory.Names
	store    repository.Store // observed by the monitor
	bus      sync.Bus
	volatile bool
	monitor  *health.Monitor
	eviction *health.EvictionDetector
	users    *directory.Collection // set by main
	// needsNetwork: there is no service worker, so the app can't start offline.
	needsNetwork bool
	changed      chan struct{}
}

// newStorage returns the storage in IndexedDB. It opens when it is first used.
func newStorage(ctx context.Context, names directory.Names) *storage {
	channel := browser.OpenChannel(names.Channel)
	s := &storage{names: names, bus: channel, monitor: health.New(time.After), changed: make(chan struct{}, 1)}
	s.store = s.monitor.Wrap(idb.New(idb.Options{
		Name: names.Database, Schemas: []queue.Schema{directory.Users}, Channel: channel, Deadline: storageDeadline,
		OnBlocked: s.monitor.Blocked,
		// A newer version may have upgraded the database, or the browser cleared it.
		// Opening it again tells which.
		OnOutdated: func() { s.reopen(ctx) },
		OnClosed:   func() { s.reopen(ctx) },
	}))
	s.eviction = health.NewEvictionDetector(s.store, shell().Get("seen").Bool())
	return s
}

// open opens the storage, and checks whether the data are still there. It returns what is
// used instead where the browser provides none.
func (s *storage) open(ctx context.Context) *storage {
	checked := make(chan error, 1)
	go func() { checked <- s.checkEviction(ctx) }()
	select {
	case err := <-checked:
		// A database that the browser denies fails like one that is broken.
		if errors.Is(err, queue.ErrUnavailable) || (err != nil && shell().Get("blocked").Bool()) {
			return openInMemory(ctx, s.names)
		}
	case <-time.After(openWait):
	}
	go s.monitor.Run(ctx, s.probe)
	return s
}

// openInMemory keeps the data in the page, and runs the engine there: there is nothing to
// share with a worker or another tab.
func openInMemory(ctx context.Context, names directory.Names) *storage {
	store := replica.New(replica.Options{
		Database: memdb.New().Open(), Schemas: []queue.Schema{directory.Users}, Now: time.Now, NewID: uuid.NewString,
	})
	channel := memory.NewChannel()
	host := directory.NewHost(directory.Place{
		Store: store, Bus: channel.Bus(), Locks: memory.NewLocks(), Clock: browser.Clock{}, HTTP: browser.Fetch{Account: &names.Account},
		Incidents: &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now},
	})
	host.Stream = browser.EventSource{Path: api.EventsPath(names.Account), News: host.Tell}.Follow
	s := &storage{
		names: names, store: store, bus: channel.Bus(), volatile: true,
		monitor: health.New(time.After), changed: make(chan struct{}, 1),
	}
	s.eviction = health.NewEvictionDetector(store, false)
	go func() { panic(host.Run(ctx)) }()
	return s
}

// checkEviction opens the storage if it is not open, and checks whether the data are
// still there.
func (s *storage) checkEviction(ctx context.Context) error {
	err := s.eviction.Check(ctx)
	sync.TrySend(s.changed, struct{}{})
	return err
}

// reopen opens the storage again after the connection was lost. It requests a sync for
// what was lost with it: the host does not know of that and would wait for its timer.
func (s *storage) reopen(ctx context.Context) {
	if s.checkEviction(ctx) == nil {
		s.bus.Publish(sync.Message{Kind: sync.SyncRequest, Reason: sync.Visible})
	}
}

// probe uses the storage in every way that can fail.
func (s *storage) probe(ctx context.Context) error {
	if err := s.store.SetMeta(ctx, map[string]string{metaProbe: time.Now().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	return s.checkEviction(ctx)
}

func (s *storage) StorageState() app.StorageState {
	return app.StorageState{
		Trouble: s.monitor.Failure(), Volatile: s.volatile,
		Lost: s.eviction.Lost(), NeedsNetwork: s.needsNetwork,
		Older: !shell().Call("otherVersion").Bool(),
	}
}

func (s *storage) StorageStateChanges(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	go s.follow(ctx, func() { sync.TrySend(changes, struct{}{}) })
	return changes
}

// follow calls notify whenever the state changes. When the storage works again, or may
// hold other data, it refreshes what the page shows.
func (s *storage) follow(ctx context.Context, notify func()) {
	failures, statuses := s.monitor.Changes(ctx), s.users.StatusChanges(ctx)
	go func() {
		registration, err := browser.Await(ctx, shell().Get("registration"))
		s.needsNetwork = err == nil && !registration.Truthy()
		sync.TrySend(s.changed, struct{}{})
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-statuses:
			if !s.volatile {
				_ = s.eviction.LearnClient(ctx) // the next status tries again
			}
			continue
		case <-failures:
		case <-s.changed:
		}
		if s.monitor.Failure() == nil {
			s.users.Refresh()
		}
		notify()
	}
}

func (s *storage) RetryStorage(ctx context.Context) { s.monitor.Probe(ctx, s.probe) }

func (s *storage) AcknowledgeLoss(ctx context.Context) error { return s.eviction.Acknowledge(ctx) }

func (s *storage) StorageUsage(ctx context.Context) (app.StorageUsage, error) {
	u, err := browser.StorageUsage(ctx)
	m, failed := s.store.Meta(ctx, metaAsked)
	return app.StorageUsage{
		Used: u.Used, Quota: u.Quota, Persisted: u.Persisted, Asked: failed == nil && m[metaAsked] != "",
	}, err
}

func (s *storage) RequestPersist(ctx context.Context) (bool, error) {
	granted, err := browser.Persist(ctx) // first, because it needs the person's gesture, which expires
	if err != nil {
		return false, err
	}
	return granted, s.store.SetMeta(ctx, map[string]string{metaAsked: time.Now().UTC().Format(time.RFC3339)})
}
