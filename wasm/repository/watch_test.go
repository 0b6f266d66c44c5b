package repository_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
)

// created creates a user and returns the id.
func created(t *testing.T, users *directory.Collection, name string) string {
	t.Helper()
	w, err := users.Create(t.Context(), patch(name))
	if err != nil {
		t.Fatal(err)
	}
	return w.ID
}

// now is a record as somebody sees it right now.
func now(t *testing.T, users *directory.Collection, id string) repository.Record[api.User] {
	t.Helper()
	r, err := users.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func rename(t *testing.T, users *directory.Collection, id, name string) {
	t.Helper()
	if _, err := users.Update(t.Context(), now(t, users, id), api.UserPatch{Name: &name}); err != nil {
		t.Fatal(err)
	}
}

// received returns the value that is ready once everything has settled, and fails if
// there is none.
func received[V any](t *testing.T, from <-chan V) V {
	t.Helper()
	synctest.Wait()
	select {
	case v, open := <-from:
		if !open {
			t.Fatal("the channel is closed")
		}
		return v
	default:
		t.Fatal("nothing was sent")
		panic("unreachable")
	}
}

func nothing[V any](t *testing.T, from <-chan V) {
	t.Helper()
	synctest.Wait()
	select {
	case v, open := <-from:
		t.Fatalf("got %+v, open %v", v, open)
	default:
	}
}

// closed ends a watch. The bubble of synctest then fails if its goroutine goes on.
func closed[V any](t *testing.T, from <-chan V, cancel func()) {
	t.Helper()
	cancel()
	synctest.Wait()
	if v, open := <-from; open {
		t.Fatalf("got %+v after the end of the context", v)
	}
}

func TestWatchSendsTheRecordAsItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := newDevice(t).users
		id, other := created(t, users, "Ann"), created(t, users, "Bob")
		ctx, cancel := context.WithCancel(t.Context())
		snapshots := users.Watch(ctx, id)
		if s := received(t, snapshots); !s.Exists || s.Err != nil || s.Record.Value.Name != "Ann" {
			t.Fatalf("at first: %+v", s)
		}
		rename(t, users, other, "Bea")
		users.Refresh()
		nothing(t, snapshots) // none of that changed the record
		rename(t, users, id, "Anna")
		if s := received(t, snapshots); s.Record.Value.Name != "Anna" {
			t.Fatalf("after an update: %+v", s)
		}
		if _, err := users.Delete(t.Context(), now(t, users, id)); err != nil {
			t.Fatal(err)
		}
		if s := received(t, snapshots); s.Exists || s.Err != nil {
			t.Fatalf("after the delete: %+v", s)
		}
		closed(t, snapshots, cancel)
	})
}

func TestASlowWatcherReceivesTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := newDevice(t).users
		id := created(t, users, "Ann")
		ctx, cancel := context.WithCancel(t.Context())
		snapshots := users.Watch(ctx, id)
		for _, name := range []string{"Bea", "Cy", "Dot"} {
			synctest.Wait()
			rename(t, users, id, name)
		}
		if s := received(t, snapshots); s.Record.Value.Name != "Dot" {
			t.Fatalf("got %+v, want the latest", s)
		}
		nothing(t, snapshots)
		rename(t, users, id, "Eve")
		closed(t, snapshots, cancel) // what nobody received is dropped
	})
}

func TestWatchListSendsTheWindowAsItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		ann := created(t, d.users, "Ann")
		ctx, cancel := context.WithCancel(t.Context())
		lists := d.users.WatchList(ctx, repository.Query{Search: "ann", Limit: 10})
		names := func() (names []string) {
			l := received(t, lists)
			if l.Err != nil || l.Page.Total != l.Page.Records.Len() {
				t.Fatalf("got %+v", l)
			}
			for _, r := range l.Page.Records.All() {
				names = append(names, r.Value.Name)
			}
			return names
		}
		if got := names(); len(got) != 1 || got[0] != "Ann" {
			t.Fatalf("at first: %v", got)
		}
		created(t, d.users, "Joanna")
		if got := names(); len(got) != 2 {
			t.Fatalf("after a create: %v", got)
		}
		rename(t, d.users, ann, "Anna")
		if got := names(); len(got) != 2 || got[0] != "Anna" {
			t.Fatalf("after an update: %v", got)
		}
		closed(t, lists, cancel)
	})
}

func TestWatchReportsAnErrorAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		id := created(t, d.users, "Ann")
		broken := errors.New("broken")
		d.store.reads = broken
		ctx, cancel := context.WithCancel(t.Context())
		snapshots := d.users.Watch(ctx, id)
		if s := received(t, snapshots); !errors.Is(s.Err, broken) || s.Exists {
			t.Fatalf("got %+v", s)
		}
		d.store.reads = nil
		d.users.Refresh()
		if s := received(t, snapshots); s.Err != nil || !s.Exists {
			t.Fatalf("after it works again: %+v", s)
		}
		closed(t, snapshots, cancel)
	})
}
