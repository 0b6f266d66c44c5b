package directory

import (
	"math/rand/v2"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// Place is where a host runs: what differs between a worker and a page without storage.
type Place struct {
	Store     sync.Store
	Bus       sync.Bus
	Locks     sync.Locks
	Clock     sync.Clock
	HTTP      sync.HTTP
	Incidents *sync.IncidentLog // its writer is the host's name
}

// NewHost returns the host of the directory's users. It asks a server for batches and the
// feed, and, where there is neither, speaks plain REST.
func NewHost(p Place) *sync.Host {
	http := &remote.Decoded{HTTP: p.HTTP}
	server := &remote.Server{HTTP: http, Paths: Paths, Fresh: uuid.NewString}
	plain := &remote.REST{HTTP: http, Paths: Paths, Dialect: remote.Rollcall, Now: p.Clock.Now}
	engine := sync.New(sync.Config{
		Store: p.Store, Remote: &remote.Fallback{Batch: server, Plain: plain}, Locks: p.Locks, Bus: p.Bus, Schemas: []queue.Schema{Users},
		Now: p.Clock.Now, Random: rand.Float64, NewID: uuid.NewString,
	})
	server.Observe, plain.Observe = engine.ObserveClock, engine.ObserveClock
	return &sync.Host{
		Engine: engine, Bus: p.Bus, Clock: p.Clock, Store: p.Store, Random: rand.Float64, Name: p.Incidents.Writer, Incidents: p.Incidents,
	}
}
