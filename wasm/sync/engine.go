package sync

import (
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Config configures an Engine. Every field but Go is required.
type Config struct {
	// Store keeps the queue, the rows and the cursor. Pages and hosts of one browser share
	// one store. On a store that forgets, a restart pulls everything again; unsent
	// operations are lost.
	Store Store
	// Remote is the server; package remote has one for Rollcall's protocol, and one for others.
	// One round at a time calls it.
	Remote Remote
	// Locks exclude rounds in other tabs and workers. With locks that reach only one
	// process, two rounds overlap; the store's fence then makes one of them fail. Use
	// RoundLocks, or a frozen tab blocks all others.
	Locks Locks
	// Bus carries RowsChanged to the pages. Without delivery a page shows old rows until
	// it reads them again.
	Bus Bus
	// Schemas are the entity types to sync. The feed's changes of other types are skipped,
	// and the rows of a type left out are neither swept nor checked.
	Schemas []queue.Schema
	// Now is the device's clock. It may jump: a clock set back delays nothing by more than
	// two hours.
	Now func() time.Time
	// Random spreads retries; it returns values in [0,1). If it is constant, all devices
	// come back at the same moment after an outage.
	Random func() float64
	// NewID returns a new UUID. If two devices share a client id, the server takes one's
	// operations for the other's.
	NewID func() string
	// Go runs f beside the round, which saves a page while f requests the next. nil starts
	// a goroutine.
	Go func(f func())
}

// Engine does rounds. Apart from the size of the next batch, and which operations don't
// get through, it keeps nothing in memory that it can't read from its store again; a new
// engine finds these out anew. A Host decides when it does a round.
type Engine struct {
	cfg      Config
	fields   map[string][]string // by entity type
	unique   map[string][]string // fields, by entity type
	batch    int                 // operations in the next batch
	most     int                 // operations in any batch: what the server takes, as far as is known
	clock    serverClock
	suspects map[string]suspicion // by operation
	asked    time.Time            // when the feed was last asked for
	news     news

	onProgress func(*ResyncProgress) // set by the host, like the next
	onSynced   func(Report)          // what is left of the round is the comparison with the server
}

// New returns an engine. It panics if the configuration can't work.
func New(cfg Config) *Engine {
	cfg.check()
	if cfg.Go == nil {
		cfg.Go = func(f func()) { go f() }
	}
	e := &Engine{cfg: cfg, fields: map[string][]string{}, unique: map[string][]string{}, batch: api.MaxOperations, most: api.MaxOperations, suspects: map[string]suspicion{}}
	for _, s := range cfg.Schemas {
		e.fields[s.Type], e.unique[s.Type] = s.Fields, s.Unique
	}
	return e
}

func (cfg Config) check() {
	w := Wiring{Of: "sync.New"}
	w.Need("Store", cfg.Store)
	w.Need("Remote", cfg.Remote)
	w.Need("Locks", cfg.Locks)
	w.Need("Bus", cfg.Bus)
	w.Need("Schemas", cfg.Schemas)
	w.Need("Now", cfg.Now)
	w.Need("Random", cfg.Random)
	w.Need("NewID", cfg.NewID)
	w.Part(cfg.Remote, w.Schemas(cfg.Schemas...))
	w.Bus(cfg.Bus, EngineSide)
	w.Must()
}
