package sync_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/sync"
)

// tabs are pages of one browser that all want to lead.
type tabs struct {
	t       *testing.T
	channel *memory.Channel
	locks   *memory.Locks
	store   *memory.Store
}

func newTabs(t *testing.T) *tabs {
	return &tabs{t: t, channel: memory.NewChannel(), locks: memory.NewLocks(), store: memory.New(directory.Users)}
}

// open opens a tab; worker is what each of its workers does until it is ended.
func (s *tabs) open(worker func(ctx context.Context, bus sync.Bus, failed func(error))) (*sync.Leader, context.CancelFunc) {
	l := &sync.Leader{
		Locks: s.locks, Bus: s.channel.Bus(), Clock: bubble{},
		Incidents: &sync.IncidentLog{Store: s.store, Writer: sync.ByPage, Now: time.Now},
		Start: func(failed func(error)) func() {
			ctx, end := context.WithCancel(s.t.Context())
			go worker(ctx, s.channel.Bus(), failed)
			return end
		},
	}
	ctx, close := context.WithCancel(s.t.Context())
	go l.Run(ctx)
	synctest.Wait()
	return l, close
}

// lives is a worker that gives signs of life until it is ended.
func lives(ctx context.Context, bus sync.Bus, _ func(error)) {
	for ctx.Err() == nil {
		bus.Publish(sync.Message{Kind: sync.WorkerAlive})
		select {
		case <-ctx.Done():
		case <-time.After(sync.AliveEvery):
		}
	}
}

// mute is a worker that never gives a sign.
func mute(ctx context.Context, _ sync.Bus, _ func(error)) { <-ctx.Done() }

func TestTheNextTabLeadsWhenTheLeaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		first, closeFirst := s.open(lives)
		second, closeSecond := s.open(lives)
		defer closeSecond()
		pass(10 * time.Minute)
		if !first.Leading() || second.Leading() || first.Starts() != 1 {
			t.Fatalf("first leads %v with %d workers, second leads %v", first.Leading(), first.Starts(), second.Leading())
		}
		closeFirst()
		synctest.Wait()
		if first.Leading() || !second.Leading() {
			t.Error("nobody took over at once")
		}
	})
}

func TestAFrozenLeaderIsReplacedAndGivesUpWhenItWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		thaw, lost := make(chan struct{}), make(chan error, 1)
		go func() { // frozen: page and worker say nothing, the lock is held
			lost <- s.locks.Hold(t.Context(), sync.LeaderLock, sync.Wait, func(ctx context.Context) error {
				<-thaw
				return context.Cause(ctx)
			})
		}()
		synctest.Wait()
		tab, closeTab := s.open(lives)
		defer closeTab()
		if tab.Leading() {
			t.Fatal("two lead")
		}
		pass(sync.LeaderSilence)
		synctest.Wait()
		if !tab.Leading() || tab.Starts() != 1 {
			t.Errorf("after %v the tab leads: %v", sync.LeaderSilence, tab.Leading())
		}
		incident(t, s.store, "Another tab was frozen; this tab took over")
		close(thaw)
		if err := <-lost; !errors.Is(err, sync.ErrStolen) {
			t.Errorf("the frozen leader got %v", err)
		}
		pass(10 * time.Minute)
		if !tab.Leading() || tab.Starts() != 1 {
			t.Error("it did not stay the leader")
		}
	})
}

func TestALeaderLearnsThatItsLockWasStolen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		var frozen atomic.Bool
		first, closeFirst := s.open(func(ctx context.Context, bus sync.Bus, _ func(error)) {
			for ctx.Err() == nil {
				if !frozen.Load() {
					bus.Publish(sync.Message{Kind: sync.WorkerAlive})
				}
				select {
				case <-ctx.Done():
				case <-time.After(sync.AliveEvery):
				}
			}
		})
		defer closeFirst()
		pass(time.Minute + sync.AliveEvery/2) // between two signs
		// Another takes its lock just before it would itself notice the silence.
		frozen.Store(true)
		pass(sync.LeaderSilence - sync.AliveEvery)
		stolen, end := make(chan struct{}), make(chan struct{})
		defer close(end)
		go func() {
			err := s.locks.Hold(t.Context(), sync.LeaderLock, sync.Steal, func(context.Context) error {
				close(stolen)
				<-end
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-stolen
		synctest.Wait()
		if first.Leading() || first.Starts() != 1 {
			t.Errorf("the first leads %v, with %d workers", first.Leading(), first.Starts())
		}
		if got := first.Failure(); !strings.Contains(got, sync.ErrStolen.Error()) {
			t.Errorf("it ended because of %q", got)
		}
		if list, err := sync.Incidents(t.Context(), s.store); err != nil || len(list) > 0 {
			t.Errorf("it noted %v, %v", list, err)
		}
	})
}

// A slow phone needs its time to the first sign of a worker: the page speaks for it.
func TestASlowStartIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		slow := func(ctx context.Context, bus sync.Bus, failed func(error)) {
			select {
			case <-ctx.Done():
			case <-time.After(sync.BootTime - 10*time.Second):
				lives(ctx, bus, failed)
			}
		}
		first, closeFirst := s.open(slow)
		second, closeSecond := s.open(lives)
		defer closeFirst()
		defer closeSecond()
		pass(5 * time.Minute)
		if !first.Leading() || second.Leading() || first.Starts() != 1 {
			t.Errorf("first leads %v after %d workers, second leads %v", first.Leading(), first.Starts(), second.Leading())
		}
	})
}

func TestAWorkerThatFallsSilentIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		n := 0
		tab, closeTab := s.open(func(ctx context.Context, bus sync.Bus, failed func(error)) {
			if n++; n == 1 {
				bus.Publish(sync.Message{Kind: sync.WorkerAlive})
				mute(ctx, bus, failed)
				return
			}
			lives(ctx, bus, failed)
		})
		defer closeTab()
		pass(sync.LeaderSilence + 2*sync.AliveEvery)
		synctest.Wait()
		if tab.Starts() != 2 || !tab.Leading() {
			t.Errorf("%d workers were started", tab.Starts())
		}
		if i := incident(t, s.store, "The sync worker fell silent and was replaced"); i.Recovered.IsZero() {
			t.Error("the new one's life is no recovery")
		}
	})
}

func TestAWorkerThatDoesNotStartIsReportedAndRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		var reported []sync.Status
		defer s.channel.Bus().Subscribe(func(m sync.Message) {
			if m.Kind == sync.StatusChanged {
				reported = append(reported, *m.Status)
			}
		})()
		var mended atomic.Bool
		tab, closeTab := s.open(func(ctx context.Context, bus sync.Bus, failed func(error)) {
			if !mended.Load() {
				failed(errors.New("the server answered 500"))
				return
			}
			lives(ctx, bus, failed)
		})
		defer closeTab()
		pass(10 * time.Minute)
		synctest.Wait()
		if n := tab.Starts(); n < 10 || n > 18 {
			t.Errorf("tried %d times in ten minutes", n)
		}
		if len(reported) == 0 || reported[0].Problem == nil || reported[0].Problem.Code != sync.CodeNoWorker || reported[0].Problem.Detail != "the server answered 500" {
			t.Fatalf("reported %+v", reported)
		}
		if int64(len(reported)) != tab.Starts()-1 {
			t.Errorf("a first failure is reported, too: %d of %d", len(reported), tab.Starts())
		}
		if i := incident(t, s.store, "the server answered 500"); i.Times < 10 || !i.Recovered.IsZero() {
			t.Errorf("incident %+v", i)
		}
		mended.Store(true)
		pass(sync.MaxWorkerPause)
		if i := incident(t, s.store, "the server answered 500"); i.Recovered.IsZero() {
			t.Errorf("recovered, and not recorded so: %+v", i)
		}
	})
}

func TestAWorkerWithoutASignIsReplacedWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTabs(t)
		tab, closeTab := s.open(mute)
		defer closeTab()
		pass(sync.BootTime + 2*time.Second)
		synctest.Wait()
		if tab.Starts() != 2 {
			t.Errorf("%d workers were started", tab.Starts())
		}
	})
}

func TestWorkerPause(t *testing.T) {
	for failures, seconds := range []int{1, 1, 2, 4, 8, 16, 32, 60, 60} {
		want := time.Duration(seconds) * time.Second
		if got := sync.WorkerPause(failures); got != want {
			t.Errorf("after %d: %v", failures, got)
		}
	}
}
