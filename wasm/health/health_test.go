package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/health"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

var schema = queue.Schema{Type: "user", Index: func(json.RawMessage) (sort, search string) { return "", "" }}

// failing is a store whose next uses fail.
type failing struct {
	repository.Store
	reads, writes error
}

func (f *failing) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	if f.writes != nil {
		return fmt.Errorf("update: %w", f.writes)
	}
	return f.Store.Update(ctx, txn, decide)
}

func (f *failing) SetMeta(ctx context.Context, values map[string]string) error {
	if f.writes != nil {
		return fmt.Errorf("set meta: %w", f.writes)
	}
	return f.Store.SetMeta(ctx, values)
}

func (f *failing) Counts(ctx context.Context) (queue.Counts, error) {
	if f.reads != nil {
		return queue.Counts{}, fmt.Errorf("count: %w", f.reads)
	}
	return f.Store.Counts(ctx)
}

// world is a watched store with timers that the test fires.
type world struct {
	t      *testing.T
	store  *failing
	m      *health.Monitor
	use    repository.Store
	timers chan time.Duration
	fire   chan time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: &failing{Store: memory.New(schema)}, timers: make(chan time.Duration, 8), fire: make(chan time.Time)}
	w.m = health.New(func(d time.Duration) <-chan time.Time {
		w.timers <- d
		return w.fire
	})
	w.use = w.m.Watch(w.store)
	return w
}

func (w *world) write() error {
	return w.use.SetMeta(w.t.Context(), map[string]string{"a": "b"})
}

func (w *world) read() error {
	_, err := w.use.Counts(w.t.Context())
	return err
}

func (w *world) expect(want error) {
	w.t.Helper()
	if got := w.m.Trouble(); !errors.Is(got, want) {
		w.t.Fatalf("the trouble is %v, want %v", got, want)
	}
}

func TestTroubleBeginsAndEndsWithTheUses(t *testing.T) {
	w := newWorld(t)
	changes := w.m.Changes(t.Context())
	told := func(want bool) {
		t.Helper()
		select {
		case <-changes:
			if !want {
				t.Fatal("it told though nothing changed")
			}
		default:
			if want {
				t.Fatal("it did not tell")
			}
		}
	}
	_ = w.read()
	w.expect(nil)
	told(false)
	w.store.reads = queue.ErrTimeout
	_ = w.read()
	w.expect(queue.ErrTimeout)
	told(true)
	_ = w.read()
	told(false)
	w.store.reads = nil
	_ = w.read()
	w.expect(nil)
	told(true)

	// That something can be read does not say that it can be written.
	w.store.writes = queue.ErrQuota
	_ = w.write()
	w.expect(queue.ErrQuota)
	_ = w.read()
	w.expect(queue.ErrQuota)
	w.store.writes = nil
	_ = w.write()
	w.expect(nil)

	w.m.Blocked()
	w.expect(queue.ErrBlocked)
	_ = w.read()
	w.expect(nil)
}

func TestWhatIsNoTroubleOfTheStorage(t *testing.T) {
	w := newWorld(t)
	for _, err := range []error{queue.ErrFenced, queue.ErrStale, context.Canceled, errors.New("some bug")} {
		w.store.writes = err
		_ = w.write()
		w.expect(nil)
	}
	w.store.writes = nil
	// A decision may refuse with whatever it likes.
	err := w.use.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: "a"}}}, func([]*queue.Entity) error {
		return queue.ErrTimeout
	})
	if !errors.Is(err, queue.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	w.expect(nil)
}

func TestItTriesByItselfUntilTheTroubleIsOver(t *testing.T) {
	w := newWorld(t)
	tries := make(chan error, 1)
	go w.m.Run(t.Context(), func(ctx context.Context) error {
		err := w.store.SetMeta(ctx, nil)
		tries <- err
		return err
	})
	w.store.writes = queue.ErrTimeout
	_ = w.write()
	for i, want := range []time.Duration{health.FirstTry, 2 * health.FirstTry, 4 * health.FirstTry} {
		if got := <-w.timers; got != want {
			t.Fatalf("try %d comes after %v, want %v", i, got, want)
		}
		if i == 2 {
			w.store.writes = nil
		}
		changes := w.m.Changes(t.Context())
		w.fire <- time.Time{}
		if err := <-tries; (err == nil) != (i == 2) {
			t.Fatalf("try %d ended with %v", i, err)
		}
		if i == 2 {
			<-changes
		}
	}
	w.expect(nil)

	// A newer version does not go away; nothing is tried against it.
	w.store.writes = queue.ErrOutdated
	_ = w.write()
	w.expect(queue.ErrOutdated)
	select {
	case d := <-w.timers:
		t.Fatalf("it tries again after %v", d)
	default:
	}
}

func TestTheLossOfEverythingIsNoticed(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name               string
		seen               bool
		client, here, loss string
		want               bool
	}{
		{"the first visit", false, "", "", "", false},
		{"a visit like any other", true, "c1", "yes", "", false},
		{"the second visit, without a sync in the first", false, "", "yes", "", false},
		{"the cookie was cleared, too, or has run out", false, "c1", "yes", "", false},
		{"the data are gone and the server knows this browser", true, "", "", "", true},
		{"so, and a worker has synced anew before", true, "c2", "", "", true},
		{"noticed before and not read yet", true, "c2", "yes", "noticed", true},
		{"read, and the server was not reached since", true, "", "yes", "heard", false},
	} {
		store := memory.New(schema)
		if err := store.SetMeta(ctx, map[string]string{sync.MetaClient: c.client, "here": c.here, "loss": c.loss}); err != nil {
			t.Fatal(err)
		}
		p := health.NewEvictionDetector(store, c.seen)
		if err := p.Look(ctx); err != nil {
			t.Fatal(err)
		}
		if p.Lost() != c.want {
			t.Errorf("%s: lost is %v", c.name, p.Lost())
		}
		other := health.NewEvictionDetector(store, c.seen) // another tab, or after a reload
		if err := other.Look(ctx); err != nil || other.Lost() != c.want {
			t.Errorf("%s, looked at again: lost is %v, %v", c.name, other.Lost(), err)
		}
		if err := p.Heard(ctx); err != nil || p.Lost() {
			t.Errorf("%s: after it was read lost is %v, %v", c.name, p.Lost(), err)
		}
	}
}

func TestALossWhileThePageIsOpenIsNoticed(t *testing.T) {
	ctx := t.Context()
	store := memory.New(schema)
	p := health.NewEvictionDetector(store, false)
	look := func(want bool) {
		t.Helper()
		if err := p.Look(ctx); err != nil || p.Lost() != want {
			t.Fatalf("lost is %v, %v", p.Lost(), err)
		}
	}
	look(false)
	client := func(id string) {
		if err := store.SetMeta(ctx, map[string]string{sync.MetaClient: id, "loss": ""}); err != nil {
			t.Fatal(err)
		}
	}
	client("c1") // the first sync made it
	if err := p.Remember(ctx); err != nil {
		t.Fatal(err)
	}
	look(false)
	client("") // all is gone
	look(true)
	if err := p.Heard(ctx); err != nil {
		t.Fatal(err)
	}
	look(false)
	client("c2")
	look(false)
	client("c3") // gone, and the engine was quicker
	look(true)
}
