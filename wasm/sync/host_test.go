package sync_test

import (
	"context"
	"errors"
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

// bubble is the clock of a synctest bubble, where time passes when all wait.
type bubble struct{}

func (bubble) Now() time.Time                         { return time.Now() }
func (bubble) After(d time.Duration) <-chan time.Time { return time.After(d) }

// pass lets time pass in the bubble.
func pass(d time.Duration) { <-time.After(d) }

// hosted is a device whose engine is run by a Host, in a bubble.
type hosted struct {
	*testbed.Device
	host    *sync.Host
	channel *memory.Channel
	bus     *memory.Bus            // of a tab that listens
	stream  chan sync.StreamSignal // the event stream's signals
	streams atomic.Int64           // how many were opened
	cancel  context.CancelFunc
}

func newHosted(t *testing.T, w *testbed.World) *hosted {
	h := newStopped(w)
	h.start(t)
	return h
}

// newStopped is newHosted with the host not yet running.
func newStopped(w *testbed.World) *hosted {
	channel := memory.NewChannel()
	h := &hosted{Device: w.Device(), channel: channel, stream: make(chan sync.StreamSignal)}
	h.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: h.Store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString,
	})
	h.host = &sync.Host{
		Engine: h.engine(h.Store), Bus: channel.Bus(), Clock: bubble{}, Store: h.Store, Random: func() float64 { return 0.5 }, Name: "worker",
		Incidents: &sync.IncidentLog{Store: h.Store, Writer: sync.ByWorker, Now: time.Now},
		Stream: func(ctx context.Context, signal func(sync.StreamSignal)) {
			h.streams.Add(1)
			for {
				select {
				case <-ctx.Done():
					return
				case s := <-h.stream:
					signal(s)
				}
			}
		},
	}
	h.bus = channel.Bus()
	return h
}

func (h *hosted) engine(store sync.Store) *sync.Engine {
	return sync.New(sync.Config{
		Store: store, Remote: &remote.Server{HTTP: h.Device, Paths: directory.Paths}, Locks: memory.NewLocks(), Bus: h.channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: time.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
}

func (h *hosted) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h.cancel = cancel
	go func() { _ = h.host.Run(ctx) }()
}

func down(sync.Request) (*sync.Response, error) {
	return nil, errors.New("no route to host")
}

// waiting is how many operations the queue holds once everybody rests.
func (h *hosted) waiting() int {
	h.World.T.Helper()
	synctest.Wait()
	c, err := h.Counts(context.Background())
	h.OK(err)
	return c.Waiting
}

func TestHostSendsAWriteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		h := newHosted(t, w)
		defer h.cancel()
		synctest.Wait()
		h.Add("Ann")
		if n := h.waiting(); n != 0 {
			t.Errorf("%d operations wait", n)
		}
		if s := h.Status(); s.Phase != sync.Success || !s.Online || s.SyncedAt.IsZero() || s.Pushed != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestHostReconnectsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		h := newHosted(t, w)
		defer h.cancel()
		h.Intercept(down)
		h.Add("Ann")
		if h.waiting() != 1 || h.Status().Online || h.Status().Problem == nil {
			t.Fatalf("status %+v", h.Status())
		}
		pass(time.Hour)
		ops, err := h.Waiting(t.Context(), 5)
		h.OK(err)
		if ops[0].RetryCount != 0 {
			t.Errorf("being offline counted as %d attempts", ops[0].RetryCount)
		}
		h.Intercept(nil)
		pass(sync.MaxReconnect)
		if h.waiting() != 0 || !h.Status().Online {
			t.Errorf("after the outage: %+v", h.Status())
		}
	})
}

func TestAnOpenedStreamStartsARoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		h.Intercept(down)
		h.Add("Ann")
		pass(time.Hour)
		synctest.Wait()
		h.Intercept(nil)
		h.stream <- sync.StreamOpened
		if h.waiting() != 0 {
			t.Error("the stream's opening was no reason for a round")
		}
	})
}

func TestAClosedStreamStartsARoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		if !h.Status().Online {
			t.Fatalf("status %+v", h.Status())
		}
		h.Intercept(down)
		h.stream <- sync.StreamClosed
		synctest.Wait()
		if h.Status().Online {
			t.Error("the server is gone, and nobody has noticed")
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		synctest.Wait()
		h.Intercept(func(r sync.Request) (*sync.Response, error) {
			if r.Method == "POST" {
				return &sync.Response{Status: 429, Header: map[string]string{"retry-after": "100"}}, nil
			}
			return nil, nil
		})
		h.Add("Ann")
		synctest.Wait()
		h.Intercept(nil)
		sent := len(h.Sent())
		pass(99 * time.Second)
		h.Add("Bo")
		if h.waiting() != 2 || len(h.Sent()) != sent {
			t.Errorf("the server was asked again, %d times", len(h.Sent())-sent)
		}
		pass(2 * time.Second)
		if h.waiting() != 0 {
			t.Error("not sent once the time was over")
		}
	})
}

func TestSyncAllReportsSuccessAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		synctest.Wait()
		if r, err := h.SyncAll(t.Context()); err != nil || r.Problem != nil {
			t.Errorf("report %+v, %v", r, err)
		}
		h.Intercept(down)
		if r, err := h.SyncAll(t.Context()); err != nil || r.Problem == nil || r.Problem.Title != "The server can't be reached" {
			t.Errorf("report %+v, %v", r, err)
		}
		h.cancel()
		synctest.Wait()
		if _, err := h.SyncAll(t.Context()); err == nil {
			t.Error("a host that is gone went unnoticed")
		}
	})
}

func TestRoundLocksTakeOverFromAFrozenHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		channel, locks := memory.NewChannel(), memory.NewLocks()
		locksOfRounds := sync.RoundLocks(locks, channel.Bus(), bubble{}, nil)
		thaw, stolen := make(chan struct{}), make(chan error, 1)
		go func() { // frozen: it holds the lock itself, and does not beat
			stolen <- locks.Hold(t.Context(), "l", sync.Wait, func(ctx context.Context) error {
				<-thaw
				return context.Cause(ctx)
			})
		}()
		synctest.Wait()
		begin := time.Now()
		ran := false
		err := locksOfRounds.Hold(t.Context(), "l", sync.Wait, func(ctx context.Context) error {
			ran = ctx.Err() == nil
			return nil
		})
		if err != nil || !ran || time.Since(begin) != sync.StealAfter {
			t.Errorf("ran %v after %v: %v", ran, time.Since(begin), err)
		}
		close(thaw)
		if err := <-stolen; !errors.Is(err, sync.ErrStolen) {
			t.Errorf("the frozen holder got %v", err)
		}
	})
}

func TestRoundLocksWaitForABusyHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		channel, locks := memory.NewChannel(), memory.NewLocks()
		holder := sync.RoundLocks(locks, channel.Bus(), bubble{}, nil)
		waiter := sync.RoundLocks(locks, channel.Bus(), bubble{}, nil)
		held := make(chan error, 1)
		go func() {
			held <- holder.Hold(t.Context(), "l", sync.Wait, func(ctx context.Context) error {
				for range 40 { // busy for longer than it could be stuck
					pass(2 * time.Second)
					sync.ReportProgress(ctx)
				}
				return context.Cause(ctx)
			})
		}()
		synctest.Wait()
		begin := time.Now()
		err := waiter.Hold(t.Context(), "l", sync.Wait, func(context.Context) error { return nil })
		if err != nil || time.Since(begin) < 10*sync.StealAfter {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if err := <-held; err != nil {
			t.Errorf("the busy holder got %v", err)
		}
	})
}

// arrives checks that what another device writes is on this one within a time.
func (h *hosted) arrives(within time.Duration) {
	h.World.T.Helper()
	h.Put(uuid.NewString(), api.User{Name: "Zoe", Email: "zoe@example.org"})
	pass(within)
	synctest.Wait()
	h.Shows("Zoe()")
}

func TestARefusedStreamIsReplacedByPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newStopped(testbed.New(t))
		h.host.Stream = func(_ context.Context, signal func(sync.StreamSignal)) {
			h.streams.Add(1)
			signal(sync.StreamClosed)
		}
		h.start(t)
		defer h.cancel()
		pass(3 * time.Minute)
		h.arrives(sync.PollClosed + time.Second)
		if s := h.Status(); !s.Online || s.Stream {
			t.Errorf("status %+v", s)
		}
		before := h.streams.Load()
		pass(time.Hour)
		if n := h.streams.Load() - before; n < 3 || n > 12 {
			t.Errorf("the stream was tried %d times in an hour", n)
		}
	})
}

func TestAMuteStreamDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newStopped(testbed.New(t))
		h.host.Stream = func(ctx context.Context, signal func(sync.StreamSignal)) {
			h.streams.Add(1)
			signal(sync.StreamOpened)
			<-ctx.Done()
		}
		h.start(t)
		defer h.cancel()
		pass(3 * time.Minute)
		h.arrives(sync.PollClosed + time.Second)
		before := h.streams.Load()
		pass(time.Hour)
		if n := h.streams.Load() - before; n < 3 || n > 12 {
			t.Errorf("the stream was tried %d times in an hour", n)
		}
	})
}

func TestADayOfRetryAfterIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		synctest.Wait()
		h.Intercept(func(sync.Request) (*sync.Response, error) {
			return &sync.Response{Status: 503, Header: map[string]string{"retry-after": "86400"}}, nil
		})
		pass(sync.PollClosed)
		synctest.Wait()
		if at := h.Status().RetryAt; time.Until(at) > time.Minute || !at.After(time.Now()) {
			t.Errorf("the next try is said to be at %v", at)
		}
		sent := len(h.Sent())
		pass(10 * time.Minute)
		if n := len(h.Sent()) - sent; n > 15 {
			t.Errorf("%d requests in ten minutes", n)
		}
		h.Intercept(nil)
		h.arrives(time.Minute)
		if at := h.Status().RetryAt; !at.IsZero() {
			t.Errorf("still waits until %v", at)
		}
	})
}

func TestTheServerKnowsBetterThanTheBrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		synctest.Wait()
		h.bus.Publish(sync.Message{Kind: sync.Connectivity, Online: false})
		synctest.Wait()
		if got := h.Status().Reach(sync.ReachOffline, false, time.Now()); got != sync.ReachOnline {
			t.Errorf("the server answers, but the page concludes %v from %+v", got, h.Status())
		}
		h.Intercept(down)
		h.bus.Publish(sync.Message{Kind: sync.Connectivity, Online: false})
		synctest.Wait()
		if got := h.Status().Reach(sync.ReachOnline, false, time.Now()); got != sync.ReachOffline {
			t.Errorf("the page concludes %v from %+v", got, h.Status())
		}
	})
}

// compared is a store that says when its rows are summed up.
type compared struct {
	sync.Store
	begins func()
}

func (s compared) Digest(ctx context.Context, entityType string) (api.Digest, error) {
	s.begins()
	return s.Store.Digest(ctx, entityType)
}

// TestNobodyWaitsForTheComparison: with many rows it takes seconds after the last of them has come.
func TestNobodyWaitsForTheComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		h := newStopped(w)
		var said sync.Status
		h.bus.Subscribe(func(m sync.Message) {
			if m.Kind == sync.StatusChanged {
				said = *m.Status
			}
		})
		comparisons := 0
		h.host.Engine = h.engine(compared{h.Store, func() {
			comparisons++
			if said.Phase != sync.Success || said.Pushed != 1 || said.SyncedAt.IsZero() || said.Resync != nil {
				t.Errorf("the comparison begins while the person is told %+v", said)
			}
		}})
		h.Add("Ann")
		h.start(t)
		defer h.cancel()
		if n := h.waiting(); n != 0 || comparisons != 1 {
			t.Errorf("%d operations wait after %d comparisons", n, comparisons)
		}
	})
}

// tidied is a store that takes steps to tidy.
type tidied struct {
	sync.Store
	step func() (more bool)
}

func (s tidied) Tidy(context.Context) (more bool, err error) { return s.step(), nil }

// TestHostTidiesWhileNothingWaits: it does so step by step, also without a network, and what
// is written meanwhile goes first.
func TestHostTidiesWhileNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		h := newStopped(w)
		steps := 0
		h.host.Store = tidied{h.Store, func() bool {
			switch steps++; steps {
			case 2:
				h.Add("Ann")
			case 3:
				if c, err := h.Counts(context.Background()); err != nil || c.Waiting != 0 {
					t.Errorf("%d operations wait for the store to be tidied, %v", c.Waiting, err)
				}
			}
			return steps < 5
		}}
		h.start(t)
		defer h.cancel()
		if n := h.waiting(); n != 0 || steps != 5 {
			t.Errorf("%d operations wait after %d steps", n, steps)
		}
		h.Intercept(down)
		h.Add("Bob")
		if h.waiting() != 1 || steps < 6 {
			t.Errorf("without a network there were %d steps", steps)
		}
	})
}
