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

var schema = queue.Schema{Type: "user", Fields: []string{"name"}, Index: func(json.RawMessage) (sort, search string) { return "", "" }}

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
	w.use = w.m.Wrap(w.store)
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
	if got := w.m.Failure(); !errors.Is(got, want) {
		w.t.Fatalf("the failure is %v, want %v", got, want)
	}
}

func TestFailureFollowsTheUsesOfTheStore(t *testing.T) {
	w := newWorld(t)
	changes := w.m.Changes(t.Context())
	notified := func(want bool) {
		t.Helper()
		select {
		case <-changes:
			if !want {
				t.Fatal("notified though nothing changed")
			}
		default:
			if want {
				t.Fatal("not notified")
			}
		}
	}
	_ = w.read()
	w.expect(nil)
	notified(false)
	w.store.reads = queue.ErrTimeout
	_ = w.read()
	w.expect(queue.ErrTimeout)
	notified(true)
	_ = w.read()
	notified(false)
	w.store.reads = nil
	_ = w.read()
	w.expect(nil)
	notified(true)

	// A read that succeeds does not prove that a write would.
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

func TestErrorsThatAreNotTheStorages(t *testing.T) {
	w := newWorld(t)
	for _, err := range []error{queue.ErrFenced, queue.ErrStale, context.Canceled, errors.New("some bug")} {
		w.store.writes = err
		_ = w.write()
		w.expect(nil)
	}
	w.store.writes = nil
	// decide may return any error.
	err := w.use.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: "user", ID: "a"}}}, func([]*queue.Entity) error {
		return queue.ErrTimeout
	})
	if !errors.Is(err, queue.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	w.expect(nil)
}

func TestRunProbesUntilTheStorageRecovers(t *testing.T) {
	w := newWorld(t)
	probes := make(chan error, 1)
	go w.m.Run(t.Context(), func(ctx context.Context) error {
		err := w.store.SetMeta(ctx, nil)
		probes <- err
		return err
	})
	w.store.writes = queue.ErrTimeout
	_ = w.write()
	for i, want := range []time.Duration{health.FirstProbe, 2 * health.FirstProbe, 4 * health.FirstProbe} {
		if got := <-w.timers; got != want {
			t.Fatalf("probe %d comes after %v, want %v", i, got, want)
		}
		if i == 2 {
			w.store.writes = nil
		}
		changes := w.m.Changes(t.Context())
		w.fire <- time.Time{}
		if err := <-probes; (err == nil) != (i == 2) {
			t.Fatalf("probe %d ended with %v", i, err)
		}
		if i == 2 {
			<-changes
		}
	}
	w.expect(nil)

	// An upgraded database does not recover and is not probed.
	w.store.writes = queue.ErrOutdated
	_ = w.write()
	w.expect(queue.ErrOutdated)
	select {
	case d := <-w.timers:
		t.Fatalf("it probes again after %v", d)
	default:
	}
}

func TestAnEvictionIsDetected(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name                  string
		syncedBefore          bool
		client, visited, loss string
		want                  bool
	}{
		{"the first visit", false, "", "", "", false},
		{"a visit like any other", true, "c1", "yes", "", false},
		{"the second visit, without a sync in the first", false, "", "yes", "", false},
		{"the cookie was cleared, too, or has expired", false, "c1", "yes", "", false},
		{"the data are gone, and the server knows this browser", true, "", "", "", true},
		{"the same, and a worker has already synced again", true, "c2", "", "", true},
		{"detected before and not acknowledged", true, "c2", "yes", "noticed", true},
		{"acknowledged, and no sync since", true, "", "yes", "heard", false},
	} {
		store := memory.New(schema)
		if err := store.SetMeta(ctx, map[string]string{sync.MetaClient: c.client, "here": c.visited, "loss": c.loss}); err != nil {
			t.Fatal(err)
		}
		d := health.NewEvictionDetector(store, c.syncedBefore)
		if err := d.Check(ctx); err != nil {
			t.Fatal(err)
		}
		if d.Lost() != c.want {
			t.Errorf("%s: lost is %v", c.name, d.Lost())
		}
		other := health.NewEvictionDetector(store, c.syncedBefore) // another tab, or after a reload
		if err := other.Check(ctx); err != nil || other.Lost() != c.want {
			t.Errorf("%s, checked again: lost is %v, %v", c.name, other.Lost(), err)
		}
		if err := d.Acknowledge(ctx); err != nil || d.Lost() {
			t.Errorf("%s: after the acknowledgement lost is %v, %v", c.name, d.Lost(), err)
		}
	}
}

func TestAnEvictionWhileThePageIsOpenIsDetected(t *testing.T) {
	ctx := t.Context()
	store := memory.New(schema)
	d := health.NewEvictionDetector(store, false)
	check := func(want bool) {
		t.Helper()
		if err := d.Check(ctx); err != nil || d.Lost() != want {
			t.Fatalf("lost is %v, %v", d.Lost(), err)
		}
	}
	check(false)
	client := func(id string) {
		if err := store.SetMeta(ctx, map[string]string{sync.MetaClient: id, "loss": ""}); err != nil {
			t.Fatal(err)
		}
	}
	client("c1") // the first sync made it
	if err := d.LearnClient(ctx); err != nil {
		t.Fatal(err)
	}
	check(false)
	client("") // everything is gone
	check(true)
	if err := d.Acknowledge(ctx); err != nil {
		t.Fatal(err)
	}
	check(false)
	client("c2")
	check(false)
	client("c3") // gone, and the engine synced first
	check(true)
}

func TestAnEvictionBeforeTheFirstSyncIsKnownOfIsDetected(t *testing.T) {
	ctx := t.Context()
	store := memory.New(schema)
	d := health.NewEvictionDetector(store, false)
	for range 2 {
		if err := d.Check(ctx); err != nil || d.Lost() {
			t.Fatalf("lost is %v, %v", d.Lost(), err)
		}
	}
	if err := store.SetMeta(ctx, map[string]string{sync.MetaClient: "", "here": "", "loss": ""}); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(ctx); err != nil || !d.Lost() {
		t.Fatalf("lost is %v, %v", d.Lost(), err)
	}
}
