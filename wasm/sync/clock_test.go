package sync_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// wrongClock is a bubble's clock that can be set wrong.
type wrongClock struct{ shift atomic.Int64 }

func (c *wrongClock) set(by time.Duration) { c.shift.Store(int64(by)) }

// Now has no monotonic reading: a stored time has none either.
func (c *wrongClock) Now() time.Time { return time.Now().Round(0).Add(time.Duration(c.shift.Load())) }

func (c *wrongClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// unsteady is a device in a bubble whose clock is set while it works.
type unsteady struct {
	*testbed.Device
	clock  *wrongClock
	host   *sync.Host
	refuse atomic.Pointer[sync.Response] // what batches are answered, nil for the server's answer
	cancel context.CancelFunc
}

// Do implements sync.HTTP; the server's clock is right.
func (u *unsteady) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	u.World.Now = time.Now()
	if refused := u.refuse.Load(); refused != nil && r.Method == http.MethodPost {
		return *refused, nil
	}
	resp, err := u.Device.Do(ctx, r)
	if err == nil {
		resp.Header["date"] = time.Now().UTC().Format(http.TimeFormat)
	}
	return resp, err
}

func newUnsteady(w *testbed.World) *unsteady {
	u := &unsteady{Device: w.Device(), clock: &wrongClock{}}
	channel := memory.NewChannel()
	server := &remote.Server{HTTP: u, Paths: directory.Paths}
	engine := sync.New(sync.Config{
		Store: u.Store, Remote: server, Locks: memory.NewLocks(), Bus: channel.Bus(), Schemas: []queue.Schema{directory.Users},
		Now: u.clock.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
	server.Observe = engine.ObserveClock
	u.Engine = engine
	u.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: u.Store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: u.clock.Now, After: time.After, NewID: uuid.NewString,
	})
	u.host = &sync.Host{
		Engine: engine, Bus: channel.Bus(), Clock: u.clock, Store: u.Store, Random: func() float64 { return 0.5 }, Name: "worker",
	}
	return u
}

func (u *unsteady) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u.cancel = cancel
	go func() { _ = u.host.Run(ctx) }()
}

func (u *unsteady) waiting() int {
	u.World.T.Helper()
	synctest.Wait()
	c, err := u.Counts(context.Background())
	u.OK(err)
	return c.Waiting
}

// jumps are what happens to a device's clock.
var jumps = map[string]time.Duration{"a day forward": 24 * time.Hour, "a day back": -24 * time.Hour}

func TestAClockThatJumpsHoldsUpNothing(t *testing.T) {
	broken := &sync.Response{Status: http.StatusInternalServerError, Header: map[string]string{}}
	busy := &sync.Response{Status: http.StatusTooManyRequests, Header: map[string]string{"retry-after": "60"}}
	unavailable := &sync.Response{Status: http.StatusServiceUnavailable, Header: map[string]string{}}
	for _, c := range []struct {
		name   string
		answer *sync.Response
		within time.Duration // of the jump
	}{
		{"while an operation waits to be sent again", broken, 5 * time.Second},
		{"while the server wants no requests", busy, time.Minute + 5*time.Second},
		{"while the server can't be had", unavailable, sync.MaxReconnect + 5*time.Second},
	} {
		for jump, by := range jumps {
			t.Run(c.name+", "+jump, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newUnsteady(testbed.New(t))
					u.run(t)
					defer u.cancel()
					synctest.Wait()
					u.refuse.Store(c.answer)
					u.Add("Ann")
					if u.waiting() != 1 {
						t.Fatal("nothing waits")
					}
					u.clock.set(by)
					u.refuse.Store(nil)
					pass(c.within)
					if n := u.waiting(); n != 0 {
						t.Errorf("%d operations still wait %v after the jump", n, c.within)
					}
				})
			})
		}
	}
}

func TestAClockThatJumpsKeepsTheOrderOfWrites(t *testing.T) {
	for jump, by := range jumps {
		t.Run(jump, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := testbed.New(t)
				here, there := newUnsteady(w), newUnsteady(w)
				round := func(u *unsteady) {
					t.Helper()
					_, err := u.Engine.Round(context.Background(), sync.Manual)
					u.OK(err)
				}
				id := here.Add("Ann")
				round(here)
				round(there)
				here.clock.set(by)
				round(here) // it learns how wrong its clock is

				// The other's write is the later one.
				here.update(t, id, "here first")
				pass(time.Hour)
				there.update(t, id, "there second")
				round(there)
				round(here)
				here.reads(t, id, "there second")

				// Now this one's is.
				there.update(t, id, "there third")
				round(there)
				pass(time.Hour)
				here.update(t, id, "here fourth")
				round(here)
				round(there)
				there.reads(t, id, "here fourth")

				// The clock is put right between two writes, of which none was sent.
				here.update(t, id, "here fifth")
				before := here.stamp(t, id)
				here.clock.set(0)
				here.update(t, id, "here sixth")
				if after := here.stamp(t, id); after <= before {
					t.Errorf("the later write has stamp %s, the earlier %s", after, before)
				}
				round(here)
				round(there)
				there.reads(t, id, "here sixth")
			})
		})
	}
}

func (u *unsteady) update(t *testing.T, id, text string) {
	t.Helper()
	if _, err := u.Update(context.Background(), id, testbed.Bio(text)); err != nil {
		t.Fatal(err)
	}
}

func (u *unsteady) reads(t *testing.T, id, text string) {
	t.Helper()
	r, err := u.Get(context.Background(), id)
	if err != nil || r.Value.Bio != text || r.State == queue.Pending {
		t.Fatalf("the bio is %q (state %q), %v; want %q", r.Value.Bio, r.State, err, text)
	}
}

// stamp is that of the one operation of an entity.
func (u *unsteady) stamp(t *testing.T, id string) api.Stamp {
	t.Helper()
	e, err := u.Store.Entity(context.Background(), queue.Ref{Type: api.EntityUser, ID: id})
	if err != nil || len(e.Operations) != 1 {
		t.Fatalf("%d operations, %v", len(e.Operations), err)
	}
	return e.Operations[0].Stamp
}
