package repository_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestWhatOthersHaveIsKeptApart: what was given away may have been sent, so what is written next must
// not cancel it, nor change the id under which the server knows it.
func TestWhatOthersHaveIsKeptApart(t *testing.T) {
	here := newDevice(t)
	ann, bob := here.create("Ann"), here.create("Bob")
	if err := repository.Freeze(t.Context(), here.store, "account 1"); err != nil {
		t.Fatal(err)
	}
	if taker, whole, err := repository.Taking(t.Context(), here.store); taker != "account 1" || !whole || err != nil {
		t.Errorf("taken over by %q, whole: %t (%v)", taker, whole, err)
	}
	frozen := here.queued()
	if err := here.store.SetMeta(t.Context(), map[string]string{sync.MetaClient: "00000000-0000-4000-8000-00000000000c"}); err != nil {
		t.Fatal(err)
	}
	here.rename(bob, "Rob")
	now, err := here.users.Get(t.Context(), ann)
	if err == nil {
		_, err = here.users.Delete(t.Context(), now)
	}
	if err != nil {
		t.Fatal(err)
	}
	if taker, whole, err := repository.Taking(t.Context(), here.store); taker != "account 1" || whole || err != nil {
		t.Errorf("with new work, taken over by %q, whole: %t (%v)", taker, whole, err)
	}
	queued := here.queued()
	if len(queued) != 4 {
		t.Fatalf("the queue holds %d operations, want the two that were given away, an update and a delete", len(queued))
	}
	for i, o := range frozen {
		if o.Client == "" || o.State != queue.Waiting || queued[i].ID != o.ID || queued[i].Client != o.Client {
			t.Errorf("operation %d became %+v, was %+v", i, queued[i], o)
		}
	}
	if err := repository.Freeze(t.Context(), here.store, "account 2"); !errors.Is(err, repository.ErrTaken) {
		t.Errorf("another account got %v", err)
	}
	if err := repository.Freeze(t.Context(), here.store, "account 1"); err != nil {
		t.Errorf("the same account got %v", err)
	}
	if _, whole, err := repository.Taking(t.Context(), here.store); !whole || err != nil {
		t.Errorf("whole: %t (%v)", whole, err)
	}
}

// racing has another account begin between a read of its values and what follows.
type racing struct {
	repository.Store
	other func()
}

func (r *racing) Meta(ctx context.Context, names ...string) (map[string]string, error) {
	meta, err := r.Store.Meta(ctx, names...)
	if other := r.other; other != nil {
		r.other = nil
		other()
	}
	return meta, err
}

// TestOneOfTwoAccountsTakesOver though the page of the other had seen that nobody does, and was frozen by
// the browser then.
func TestOneOfTwoAccountsTakesOver(t *testing.T) {
	here := newDevice(t)
	here.create("Ann")
	late := &racing{here.store, func() {
		if err := repository.Freeze(t.Context(), here.store, "account 1"); err != nil {
			t.Error(err)
		}
	}}
	if err := repository.Freeze(t.Context(), late, "account 2"); !errors.Is(err, repository.ErrTaken) {
		t.Errorf("both take it over: %v", err)
	}
	if taker, whole, err := repository.Taking(t.Context(), here.store); taker != "account 1" || !whole || err != nil {
		t.Errorf("taken over by %q, whole: %t (%v)", taker, whole, err)
	}
}

func TestAFileIsOfNoAccount(t *testing.T) {
	here := newDevice(t)
	here.create("Ann")
	if err := repository.Freeze(t.Context(), here.store, ""); err != nil {
		t.Fatal(err)
	}
	if taker, whole, err := repository.Taking(t.Context(), here.store); taker != "" || whole || err != nil {
		t.Errorf("taken over by %q, whole: %t (%v)", taker, whole, err)
	}
	if o := here.queued()[0]; !o.Frozen() {
		t.Errorf("what the file has is %s", o.State)
	}
}
