package repository

import (
	"context"
	"encoding/json"
	stdsync "sync"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Codec translates records of type T and patches of type P.
type Codec[T, P any] struct {
	Decode func(document json.RawMessage) (T, error)
	Encode func(patch P) (json.RawMessage, error) // the fields that are set
	// Clean returns the patch as it is stored, and what is wrong with it: nil for nothing.
	Clean func(patch P, create bool) (P, *api.Problem)
	// Whole returns the patch that sets every field of a record.
	Whole func(record T) P
}

// Fetcher fetches the current state of one entity from the server; remote.Server is one.
type Fetcher interface {
	Fetch(ctx context.Context, ref queue.Ref) (api.Change, error)
}

// Config configures a Collection. Fields without a default are required.
type Config[T, P any] struct {
	Store  Store
	Bus    sync.Bus
	Schema queue.Schema
	Codec  Codec[T, P]
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time

	// Remote is asked for records that are missing or old. Without it Get answers from the
	// device alone, and only the feed refreshes records.
	Remote Fetcher

	// NewID returns a new UUID for a record. It must be random from the first digit on:
	// the buckets of a digest go by it.
	NewID func() string
	// NewOperationID returns a new UUID for an operation. It should be in order of time
	// (version 7 of RFC 9562), so that the server stores what it remembers of a client's
	// operations side by side. The default is NewID.
	NewOperationID func() string

	// Go runs a function in the background. The default starts a goroutine.
	Go func(func())
	// OnEnqueued is called after each durable write, so that the browser can be asked for
	// a sync when no tab is open any more. It must not block. The default does nothing.
	OnEnqueued func()
}

// Collection is the records of one type. It is safe for concurrent use.
type Collection[T, P any] struct {
	cfg     Config[T, P]
	rows    Topic
	status  Topic
	mu      stdsync.Mutex
	latest  sync.Status
	fetched map[string]time.Time // by id
	deleted map[string]deletion  // by id, for Restore
	wrote   map[string]ownWrite  // by id, for seen
	writes  int64                // of this page, so far
	stop    func()
}

// New returns a collection that is subscribed to the bus until Close. It panics if the
// configuration can't work.
func New[T, P any](cfg Config[T, P]) *Collection[T, P] {
	cfg.check()
	if cfg.Go == nil {
		cfg.Go = func(f func()) { go f() }
	}
	if cfg.NewOperationID == nil {
		cfg.NewOperationID = cfg.NewID
	}
	if cfg.OnEnqueued == nil {
		cfg.OnEnqueued = func() {}
	}
	c := &Collection[T, P]{cfg: cfg, fetched: map[string]time.Time{}, deleted: map[string]deletion{}, wrote: map[string]ownWrite{}}
	c.stop = cfg.Bus.Subscribe(c.receive)
	cfg.Bus.Publish(sync.Message{Kind: sync.StatusRequest})
	return c
}

func (cfg Config[T, P]) check() {
	w := sync.Wiring{Of: "repository.New"}
	w.Need("Store", cfg.Store)
	w.Need("Bus", cfg.Bus)
	w.Need("Now", cfg.Now)
	w.Need("After", cfg.After)
	w.Need("NewID", cfg.NewID)
	w.Need("Codec.Decode", cfg.Codec.Decode)
	w.Need("Codec.Encode", cfg.Codec.Encode)
	w.Need("Codec.Clean", cfg.Codec.Clean)
	w.Need("Codec.Whole", cfg.Codec.Whole)
	types := w.Schemas(cfg.Schema)
	if cfg.Remote != nil {
		w.Need("Remote", cfg.Remote) // a nil pointer
		w.Part(cfg.Remote, types)
	}
	w.Bus(cfg.Bus, sync.PageSide)
	w.Must()
}

// Close ends the subscription to the bus.
func (c *Collection[T, P]) Close() { c.stop() }

// receive handles a message of another tab or of the engine.
func (c *Collection[T, P]) receive(m sync.Message) {
	switch m.Kind {
	case sync.RowsChanged, sync.Enqueued:
		c.rows.Notify()
	case sync.StatusChanged:
		if m.Status != nil {
			c.setStatus(*m.Status)
		}
	case sync.WorkerAlive:
		c.renewStatus()
	}
}

// notifyChanged tells every page and the engine that a record changed.
func (c *Collection[T, P]) notifyChanged(id string) {
	c.rows.Notify()
	c.cfg.Bus.Publish(sync.Message{Kind: sync.RowsChanged, Refs: []queue.Ref{c.ref(id)}})
}

// notifyEnqueued tells every page and the engine that there is an operation to send.
func (c *Collection[T, P]) notifyEnqueued(id string) {
	c.rows.Notify()
	c.cfg.Bus.Publish(sync.Message{Kind: sync.Enqueued, Refs: []queue.Ref{c.ref(id)}})
	c.cfg.OnEnqueued()
}

func (c *Collection[T, P]) ref(id string) queue.Ref {
	return queue.Ref{Type: c.cfg.Schema.Type, ID: id}
}
