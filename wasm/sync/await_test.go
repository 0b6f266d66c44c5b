package sync_test

import (
	"context"
	"errors"
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
)

// awaited is what Await returned, and when.
type awaited struct {
	outcome queue.Outcome
	err     error
	took    time.Duration
}

// await begins to wait in a goroutine of the bubble.
func await(ctx context.Context, wait func(context.Context, string) (queue.Outcome, error), id string) <-chan awaited {
	begin, out := time.Now(), make(chan awaited, 1)
	go func() {
		o, err := wait(ctx, id)
		out <- awaited{o, err, time.Since(begin)}
	}()
	return out
}

// made is a write that must have been saved.
func (h *hosted) made(w repository.Written, err error) repository.Written {
	h.World.T.Helper()
	h.OK(err)
	return w
}

// tab is another tab of the browser, on the given bus.
func (h *hosted) tab(bus sync.Bus) *directory.Collection {
	tab := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: h.Store, Bus: bus, Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString,
	})
	h.World.T.Cleanup(tab.Close)
	return tab
}

func TestAwaitReturnsWhenAWriteIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		h.Intercept(down)
		w := h.made(h.Create(t.Context(), testbed.Patch("Ann", "ann@example.org", "")))
		here, unnotified := await(t.Context(), h.Await, w.Operation), await(t.Context(), h.tab(memory.NewChannel().Bus()).Await, w.Operation)
		pass(time.Minute)
		synctest.Wait()
		if len(here)+len(unnotified) > 0 {
			t.Fatal("it ended though nothing has reached the server")
		}
		h.Intercept(nil)
		for name, got := range map[string]awaited{"here": <-here, "in a tab without messages": <-unnotified} {
			if got.err != nil || got.outcome != (queue.Outcome{ID: w.Operation, Kind: queue.OutcomeAcknowledged, Version: 1}) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		// Long after, and in a tab opened since.
		got := <-await(t.Context(), h.tab(memory.NewChannel().Bus()).Await, w.Operation)
		if got.outcome.Kind != queue.OutcomeAcknowledged || got.took != 0 {
			t.Errorf("after a reload: %+v", got)
		}
	})
}

func TestAwaitNamesTheWriteThatSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newStopped(testbed.New(t)) // a host that runs could send the first before the second is made
		first := h.made(h.Create(t.Context(), testbed.Patch("Ann", "ann@example.org", "")))
		last := await(t.Context(), h.AwaitFinal, first.Operation)
		second := h.made(h.Update(t.Context(), first.ID, testbed.Bio("hello")))
		if got := <-await(t.Context(), h.Await, first.Operation); got.outcome != (queue.Outcome{ID: first.Operation, Kind: queue.OutcomeSuperseded, By: second.Operation}) {
			t.Errorf("the first: %+v", got)
		}
		h.start(t)
		defer h.cancel()
		if got := <-last; got.outcome != (queue.Outcome{ID: second.Operation, Kind: queue.OutcomeAcknowledged, Version: 1}) {
			t.Errorf("the last of the chain: %+v", got)
		}
		gone := h.made(h.Create(t.Context(), testbed.Patch("Bo", "bo@example.org", "")))
		_ = h.made(h.Delete(t.Context(), gone.ID))
		if got := <-await(t.Context(), h.Await, gone.Operation); got.outcome.Kind != queue.OutcomeCancelled && got.outcome.Kind != queue.OutcomeAcknowledged {
			t.Errorf("created and deleted: %+v", got)
		}
	})
}

func TestAwaitOfARejectedThenDiscardedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		h.Add("Ann")
		w := h.made(h.Create(t.Context(), testbed.Patch("Other", "ANN@example.org", "")))
		got := <-await(t.Context(), h.AwaitFinal, w.Operation)
		if got.err != nil || got.outcome.Kind != queue.OutcomeRejected || got.outcome.Problem == nil || got.outcome.Problem.Code != api.CodeEmailTaken {
			t.Fatalf("%+v", got)
		}
		ops, err := h.NeedsAttention(t.Context(), 1)
		h.OK(err)
		h.OK(h.Discard(t.Context(), ops[0]))
		if got := <-await(t.Context(), h.Await, w.Operation); got.outcome.Kind != queue.OutcomeDiscarded {
			t.Errorf("discarded: %+v", got)
		}
	})
}

func TestAwaitOfAnUnchangedAndAnUnknownWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosted(t, testbed.New(t))
		defer h.cancel()
		id := h.Add("Ann")
		h.waiting()
		same := h.made(h.Update(t.Context(), id, testbed.Name("Ann")))
		if got := <-await(t.Context(), h.Await, same.Operation); same.Operation != "" || got.outcome.Kind != queue.OutcomeUnchanged {
			t.Errorf("a write of the same: %+v, %+v", same, got)
		}
		if got := <-await(t.Context(), h.Await, uuid.NewString()); !errors.Is(got.err, queue.ErrUnknown) {
			t.Errorf("an operation that never was: %+v", got)
		}
		h.Intercept(down)
		w := h.made(h.Update(t.Context(), id, testbed.Bio("x")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got := <-await(ctx, h.Await, w.Operation); !errors.Is(got.err, context.DeadlineExceeded) || got.took != time.Minute {
			t.Errorf("waiting no longer than asked: %+v", got)
		}
	})
}

func TestAwaitOfAnOverruledWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testbed.New(t)
		h := newHosted(t, w)
		defer h.cancel()
		id := h.Add("Ann")
		h.waiting()
		h.OK(h.SetStrategy(t.Context(), sync.ServerWins))
		other := newHosted(t, w)
		defer other.cancel()
		synctest.Wait()
		h.Intercept(down)
		mine := h.made(h.Update(t.Context(), id, testbed.Bio("mine")))
		theirs := other.made(other.Update(t.Context(), id, testbed.Bio("theirs")))
		if got := <-await(t.Context(), other.Await, theirs.Operation); got.outcome.Kind != queue.OutcomeAcknowledged {
			t.Fatalf("theirs: %+v", got)
		}
		h.Intercept(nil)
		if got := <-await(t.Context(), h.AwaitFinal, mine.Operation); got.outcome.Kind != queue.OutcomeOverruled {
			t.Errorf("mine: %+v", got)
		}
	})
}
