package sync_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// replicated is a device with a replica over a log. Its channel and its requests are those
// of a device of the testbed.
func replicated(w *testbed.World) (*testbed.Device, *replica.Store, *sync.Engine) {
	d := w.Device()
	now := func() time.Time { return w.Now }
	store := replica.New(replica.Options{Database: memdb.New().Open(), Schemas: []queue.Schema{directory.Users}, Now: now, NewID: uuid.NewString})
	d.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: d.Channel.Bus(), Schema: directory.Users, Codec: directory.Codec, Now: now, After: time.After, NewID: uuid.NewString,
	})
	w.T.Cleanup(d.Close)
	return d, store, sync.New(sync.Config{
		Store: store, Remote: &remote.Server{HTTP: d, Paths: directory.Paths}, Locks: memory.NewLocks(), Bus: d.Channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
}

// BenchmarkPush sends 1,000 creates to the server in memory.
func BenchmarkPush(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		d, _, engine := replicated(testbed.New(b))
		many(d, 1000, "")
		b.StartTimer()
		if report, err := engine.Round(b.Context(), sync.Manual); err != nil || report.Pushed != 1000 {
			b.Fatalf("%+v, %v", report, err)
		}
	}
}
