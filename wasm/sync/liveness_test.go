package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// incident waits for an incident with this text in it.
func incident(t *testing.T, store *memory.Store, text string) sync.Incident {
	t.Helper()
	synctest.Wait()
	list, err := sync.Incidents(context.Background(), store)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if strings.Contains(i.What, text) {
			return i
		}
	}
	t.Errorf("no incident %q among %+v", text, list)
	return sync.Incident{}
}

// roundLocks are the locks of one of several hosts of a browser.
func roundLocks(locks *memory.Locks, channel *memory.Channel) sync.Locks {
	return sync.RoundLocks(locks, channel.Bus(), bubble{}, nil)
}

func TestARoundWithoutProgressIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(directory.Users)
		log := &sync.IncidentLog{Store: store, Writer: sync.ByWorker, Now: time.Now}
		locks := sync.RoundLocks(memory.NewLocks(), memory.NewChannel().Bus(), bubble{}, log)
		begin := time.Now()
		err := locks.Hold(t.Context(), sync.RoundLock, sync.Wait, func(ctx context.Context) error {
			pass(30 * time.Second)
			sync.ReportProgress(ctx)
			<-ctx.Done() // a request that never ends, but listens
			return fmt.Errorf("push: %w", context.Cause(ctx))
		})
		if took := time.Since(begin); !errors.Is(err, sync.ErrStuck) || took < 30*time.Second+sync.StuckAfter-sync.BeatEvery || took > 30*time.Second+sync.StuckAfter+2*sync.BeatEvery {
			t.Errorf("after %v: %v", took, err)
		}
		incident(t, store, "made no progress for 45 seconds")
	})
}

func TestARoundThatDoesNotStopIsAbandonedAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		channel, locks := memory.NewChannel(), memory.NewLocks()
		wedged, held := make(chan struct{}), make(chan error, 1)
		defer close(wedged)
		go func() {
			held <- roundLocks(locks, channel).Hold(t.Context(), "l", sync.Wait, func(context.Context) error {
				<-wedged // it ignores its context
				return nil
			})
		}()
		synctest.Wait()
		begin := time.Now()
		err := roundLocks(locks, channel).Hold(t.Context(), "l", sync.Wait, func(context.Context) error { return nil })
		if took := time.Since(begin); err != nil || took > sync.StuckAfter+sync.StuckGrace+sync.StealAfter {
			t.Errorf("the other had the lock after %v: %v", took, err)
		}
		if err := <-held; !errors.Is(err, sync.ErrAbandoned) {
			t.Errorf("the wedged one got %v", err)
		}
	})
}

// A waiter that was asleep itself, as a phone is, receives what has piled up before
// it decides: it never takes its own sleep for the holder's silence.
func TestAWaiterThatSleptDoesNotSteal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		channel, locks := memory.NewChannel(), memory.NewLocks()
		holding, cancel := context.WithCancel(t.Context())
		held := make(chan error, 1)
		go func() {
			held <- locks.Hold(t.Context(), "l", sync.Wait, func(ctx context.Context) error {
				select {
				case <-holding.Done():
				case <-ctx.Done():
				}
				return context.Cause(ctx)
			})
		}()
		synctest.Wait()
		clock := &sleepy{woken: make(chan struct{})}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		waiter := sync.TakeoverLocks{Locks: locks, Bus: channel.Bus(), Clock: clock, Signs: []sync.Kind{sync.Heartbeat}, Silence: sync.StealAfter}
		done := make(chan error, 1)
		go func() {
			done <- waiter.Hold(ctx, "l", sync.Wait, func(context.Context) error { return nil })
		}()
		synctest.Wait()
		close(clock.woken) // every timer of the sleep is due at once
		synctest.Wait()
		holder := channel.Bus()
		for range 10 {
			holder.Publish(sync.Message{Kind: sync.Heartbeat})
			pass(sync.BeatEvery)
		}
		cancel()
		if err := <-held; err != nil {
			t.Errorf("the living holder got %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// sleepy is a clock whose first timer is due when it wakes.
type sleepy struct {
	bubble
	once  stdsync.Once
	woken chan struct{}
}

func (s *sleepy) After(d time.Duration) <-chan time.Time {
	first := false
	s.once.Do(func() { first = true })
	if !first {
		return time.After(d)
	}
	ch := make(chan time.Time, 1)
	go func() {
		<-s.woken
		ch <- time.Now()
	}()
	return ch
}

func TestASilentStreamIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		synctest.Wait()
		h.stream <- sync.StreamOpened
		for range 4 { // pings keep it
			pass(25 * time.Second)
			h.stream <- sync.StreamPinged
		}
		if n := h.streams.Load(); n != 1 || !h.Status().Stream {
			t.Fatalf("%d streams were opened, status %+v", n, h.Status())
		}
		pass(sync.StreamSilence + time.Second)
		synctest.Wait()
		if n := h.streams.Load(); n != 2 || h.Status().Stream {
			t.Errorf("after the silence %d streams were opened, status %+v", n, h.Status())
		}
		pass(sync.StreamSilence + time.Second) // this one never opens
		synctest.Wait()
		if n := h.streams.Load(); n != 3 {
			t.Errorf("one that never opened was kept: %d", n)
		}
		pass(sync.PollClosed)
		if i := incident(t, h.Store, "event stream was silent"); i.Recovered.IsZero() {
			t.Error("the round after it does not count as recovered")
		}
	})
}

func TestOnlineExpiresWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		synctest.Wait()
		h.stream <- sync.StreamOpened
		synctest.Wait()
		if !h.Status().Online {
			t.Fatalf("status %+v", h.Status())
		}
		hung := make(chan struct{})
		defer close(hung)
		h.Intercept(func(sync.Request) (*sync.Response, error) {
			<-hung // it ignores its deadline
			return nil, errors.New("gone")
		})
		h.Add("Ann")
		pass(sync.OnlineLasts + 2*sync.AliveEvery)
		synctest.Wait()
		if h.Status().Online {
			t.Errorf("online, though nothing was answered for %v: %+v", sync.OnlineLasts, h.Status())
		}
	})
}

func TestAStatusIsRenewedWhileItsHostLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		synctest.Wait()
		h.stream <- sync.StreamOpened
		for range 10 {
			pass(20 * time.Second)
			h.stream <- sync.StreamPinged
		}
		if s := h.Status(); !s.Online || time.Since(s.At) > sync.AliveEvery {
			t.Errorf("at rest: %v old, %+v", time.Since(s.At), s)
		}
		h.cancel()
		synctest.Wait()
		pass(time.Minute)
		if s := h.Status(); time.Since(s.At) < time.Minute {
			t.Errorf("a host that is gone is believed: %+v", s)
		}
	})
}

// small makes the server's pages of the feed hold two changes.
func (h *hosted) small(meanwhile func()) {
	h.Intercept(func(r sync.Request) (*sync.Response, error) {
		if !strings.HasPrefix(r.Path, "/api/v1/changes") {
			return nil, nil
		}
		r.Path = strings.Replace(r.Path, fmt.Sprint("limit=", sync.PageSize), "limit=2", 1)
		meanwhile()
		resp := h.World.Serve(context.Background(), r)
		return &resp, nil
	})
}

func TestAResyncShowsProgressAndTheOldListMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		author := w.Device()
		for _, name := range []string{"Ann", "Bo", "Cy", "Di", "Ed"} {
			author.Add(name)
		}
		author.Sync()
		h := newHosted(t, w)
		synctest.Wait()
		var progress []string
		defer h.bus.Subscribe(func(m sync.Message) {
			if m.Kind == sync.StatusChanged && m.Status.Resync != nil {
				progress = append(progress, fmt.Sprint(m.Status.Resync.First, m.Status.Resync.Arrived))
			}
		})()
		// Another epoch with the same five, and one more waits unsent.
		rows, err := h.List(t.Context(), repository.Query{Limit: 10})
		h.OK(err)
		h.Intercept(down)
		h.Add("Unsent")
		h.waiting()
		other := testbed.New(t)
		w.Handler = other.Handler
		for _, r := range rows.Records.First(3) { // two are lost there
			other.Device().Put(r.ID, r.Value)
		}
		fewest, pages := 99, 0
		h.small(func() {
			pages++
			page, err := h.List(t.Context(), repository.Query{Limit: 10})
			h.OK(err)
			fewest = min(fewest, page.Total)
		})
		pass(sync.MaxReconnect)
		synctest.Wait()
		if pages < 3 || fewest < 4 {
			t.Errorf("%d pages, with at least %d rows visible", pages, fewest)
		}
		if got := strings.Join(progress, " "); !strings.Contains(got, "false 0 false 2") {
			t.Errorf("progress %q", got)
		}
		if s := h.Status(); s.Resync != nil || s.Phase != sync.Success {
			t.Errorf("at the end: %+v", s)
		}
		page, err := h.List(t.Context(), repository.Query{Limit: 10})
		h.OK(err)
		if page.Total != 4 {
			t.Errorf("%d rows are left, want the three and the one sent", page.Total)
		}
	})
}

func TestTheFirstLoadShowsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		author := w.Device()
		for _, name := range []string{"Ann", "Bo", "Cy", "Di", "Ed"} {
			author.Add(name)
		}
		author.Sync()
		h := newStopped(w)
		var progress []string
		defer h.bus.Subscribe(func(m sync.Message) {
			if m.Kind == sync.StatusChanged && m.Status.Resync != nil {
				progress = append(progress, fmt.Sprint(m.Status.Resync.First, m.Status.Resync.Arrived))
			}
		})()
		h.small(func() {})
		h.start(t)
		defer h.cancel()
		synctest.Wait()
		if got := strings.Join(progress, " "); !strings.Contains(got, "true 0") || !strings.Contains(got, "true 2") || !strings.Contains(got, "true 4") {
			t.Errorf("progress %q", got)
		}
		if s := h.Status(); s.Resync != nil {
			t.Errorf("at the end: %+v", s)
		}
	})
}

// stuckRemote answers nothing, whatever its caller's deadline.
type stuckRemote struct {
	sync.Remote
	hung chan struct{}
}

func (s stuckRemote) Push(context.Context, string, []queue.Operation) ([]api.Result, error) {
	<-s.hung
	return nil, errors.New("gone")
}

func (s stuckRemote) Pull(context.Context, string, int) (api.ChangePage, error) {
	<-s.hung
	return api.ChangePage{}, errors.New("gone")
}

func TestAHostEndsAfterAnAbandonedRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		channel := memory.NewChannel()
		hung := make(chan struct{})
		defer close(hung)
		remote := stuckRemote{hung: hung}
		store := memory.New(directory.Users)
		engine := sync.New(sync.Config{
			Store: store, Remote: remote, Locks: sync.RoundLocks(memory.NewLocks(), channel.Bus(), bubble{}, nil), Bus: channel.Bus(),
			Schemas: []queue.Schema{directory.Users}, Now: time.Now, Random: func() float64 { return 0.5 }, NewID: func() string { return "id" },
		})
		host := &sync.Host{Engine: engine, Bus: channel.Bus(), Clock: bubble{}, Store: store, Random: func() float64 { return 0.5 }, Name: sync.ByWorker}
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := host.Run(ctx); !errors.Is(err, sync.ErrAbandoned) || time.Since(begin) > time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestIncidentsAreKeptNewestFirstAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(directory.Users)
		page := &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now}
		worker := &sync.IncidentLog{Store: store, Writer: sync.ByWorker, Now: time.Now}
		for i := range 30 {
			page.Note(fmt.Sprint("page ", i))
			synctest.Wait()
			pass(time.Second)
		}
		for range 3 {
			worker.Note("the same")
			synctest.Wait()
		}
		again := &sync.IncidentLog{Store: store, Writer: sync.ByWorker, Now: time.Now} // a new worker
		again.Recovered()
		synctest.Wait()
		list, err := sync.Incidents(t.Context(), store)
		if err != nil || len(list) != sync.MaxIncidents {
			t.Fatalf("%d incidents, %v", len(list), err)
		}
		if i := list[0]; i.What != "the same" || i.Times != 3 || i.Recovered.IsZero() {
			t.Errorf("the newest: %+v", i)
		}
		if i := list[1]; i.What != "page 29" || !i.Recovered.IsZero() {
			t.Errorf("the next: %+v", i)
		}
	})
}

// Two tabs lead in turn, and each remembers what it noted itself.
func TestATabKeepsWhatAnotherNotedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(directory.Users)
		one := &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now}
		other := &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now}
		one.Recovered()
		for i, log := range []*sync.IncidentLog{one, other, one, other} {
			pass(time.Second)
			log.Note(fmt.Sprint("incident ", i))
			synctest.Wait()
		}
		one.Recovered()
		synctest.Wait()
		list, err := sync.Incidents(t.Context(), store)
		if err != nil || len(list) != 4 {
			t.Fatalf("%d incidents, %v: %v", len(list), err, list)
		}
		for i, incident := range list {
			if incident.What != fmt.Sprint("incident ", 3-i) || incident.Recovered.IsZero() {
				t.Errorf("incident %d: %+v", i, incident)
			}
		}
	})
}

// silentFor is a store that fails so many times.
type silentFor struct {
	*memory.Store
	times int
}

func (s *silentFor) SetMeta(ctx context.Context, values map[string]string) error {
	if s.times--; s.times >= 0 {
		return queue.ErrTimeout
	}
	return s.Store.SetMeta(ctx, values)
}

// TestAnIncidentIsSavedOnceItCanBe: without another one, too.
func TestAnIncidentIsSavedOnceItCanBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &silentFor{Store: memory.New(directory.Users), times: 2}
		log := &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now}
		log.Note("once")
		pass(5 * time.Minute)
		list, err := sync.Incidents(t.Context(), store)
		if err != nil || len(list) != 1 || list[0].What != "once" || list[0].Times > 1 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestAnIncidentThatCouldNotBeSavedIsSavedWithTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &silentFor{Store: memory.New(directory.Users), times: 2}
		log := &sync.IncidentLog{Store: store, Writer: sync.ByPage, Now: time.Now}
		log.Note("first")
		pass(time.Second)
		log.Note("second")
		synctest.Wait()
		log.Recovered()
		synctest.Wait()
		list, err := sync.Incidents(t.Context(), store)
		if err != nil || len(list) != 2 || list[0].What != "second" || list[1].What != "first" || list[0].Recovered.IsZero() {
			t.Errorf("%v, %v", list, err)
		}
	})
}
