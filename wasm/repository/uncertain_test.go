package repository_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// uncertainStore is a store whose next write ends in ErrUncertain.
type uncertainStore struct {
	repository.Store
	next  string // what really happens to the next write, "" for an ordinary one
	reads error
	after func() // what others do before anyone reads again
}

func (s *uncertainStore) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	what := s.next
	s.next = ""
	var err error
	switch what {
	case "":
		return s.Store.Update(ctx, txn, decide)
	case "saved":
		err = s.Store.Update(ctx, txn, decide)
	case "aborted":
		lost := errors.New("lost")
		err = s.Store.Update(ctx, txn, func(es []*queue.Entity) error {
			if err := decide(es); err != nil {
				return err
			}
			return lost
		})
		if errors.Is(err, lost) {
			err = nil
		}
	case "never started":
	}
	if err != nil {
		return err
	}
	if s.after != nil {
		s.after()
	}
	return fmt.Errorf("%w: %w", queue.ErrUncertain, queue.ErrTimeout)
}

func (s *uncertainStore) Entity(ctx context.Context, ref queue.Ref) (queue.Entity, error) {
	if s.reads != nil {
		return queue.Entity{}, s.reads
	}
	return s.Store.Entity(ctx, ref)
}

type device struct {
	t     *testing.T
	store *uncertainStore
	users *directory.Collection
	ids   int
}

func newDevice(t *testing.T) *device {
	d := &device{t: t, store: &uncertainStore{Store: memory.New(directory.Users)}}
	d.users = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.store, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After,
		NewID: func() string { d.ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", d.ids) },
	})
	t.Cleanup(d.users.Close)
	return d
}

func patch(name string) api.UserPatch {
	email := "ann@example.org"
	return api.UserPatch{Name: &name, Email: &email}
}

func (d *device) entity(id string) queue.Entity {
	d.t.Helper()
	e, err := d.store.Store.Entity(d.t.Context(), queue.Ref{Type: api.EntityUser, ID: id})
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// acknowledge does what the engine does once the server has applied the first operation.
func (d *device) acknowledge(id string) {
	d.t.Helper()
	ref := queue.Ref{Type: api.EntityUser, ID: id}
	err := d.store.Store.Update(d.t.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
		row := &queue.Row{Version: 1, Document: es[0].Document()}
		if es[0].Confirmed != nil {
			row.Version = es[0].Confirmed.Version + 1
		}
		o, ok := es[0].Send(es[0].Operations[0].ID)
		if !ok || !es[0].Acknowledge(o.ID, row, row.Version) {
			return errors.New("it can't be acknowledged")
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestAnUncertainCreateIsVerified(t *testing.T) {
	for _, c := range []struct {
		name, next string
		sent       bool
		want       error
	}{
		{"saved", "saved", false, nil},
		{"saved, and sent meanwhile", "saved", true, nil},
		{"not saved", "aborted", false, queue.ErrTimeout},
		{"never started", "never started", false, queue.ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDevice(t)
			id := d.users.NewID()
			d.store.next = c.next
			if c.sent {
				d.store.after = func() { d.acknowledge(id) }
			}
			_, err := d.users.CreateAs(t.Context(), id, patch("Ann"))
			if !errors.Is(err, c.want) || errors.Is(err, queue.ErrUncertain) {
				t.Fatalf("got %v, want %v and no uncertainty", err, c.want)
			}
			// Whatever the first result, saving the same form again creates no second user.
			d.store.after = nil
			if _, err := d.users.CreateAs(t.Context(), id, patch("Ann")); err != nil {
				t.Fatal(err)
			}
			page, err := d.users.List(t.Context(), repository.Query{Limit: 10})
			if err != nil || page.Total != 1 {
				t.Fatalf("there are %d users, %v", page.Total, err)
			}
			if n := len(d.entity(id).Operations); (n == 0) != c.sent || n > 1 {
				t.Fatalf("the queue has %d operations", n)
			}
		})
	}
}

func TestAnUncertainUpdateIsVerified(t *testing.T) {
	for _, c := range []struct {
		name, next string
		acked      bool // before the update
		sent       bool // before anyone reads again
		reads      error
		want       error
	}{
		{"saved, coalesced with an operation", "saved", false, false, nil, nil},
		{"saved, as an operation of its own", "saved", true, false, nil, nil},
		{"not saved", "aborted", true, false, nil, queue.ErrTimeout},
		{"sent and confirmed meanwhile", "saved", true, true, nil, nil},
		{"nothing can be read either", "saved", true, false, queue.ErrTimeout, queue.ErrUncertain},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDevice(t)
			made, err := d.users.Create(t.Context(), patch("Ann"))
			id := made.ID
			if err != nil {
				t.Fatal(err)
			}
			if c.acked {
				d.acknowledge(id)
			}
			seen := now(t, d.users, id)
			d.store.next, d.store.reads = c.next, c.reads
			if c.sent {
				d.store.after = func() { d.acknowledge(id) }
			}
			name := "Bea"
			_, err = d.users.Update(t.Context(), seen, api.UserPatch{Name: &name})
			if !errors.Is(err, c.want) || errors.Is(err, queue.ErrUncertain) != errors.Is(c.want, queue.ErrUncertain) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			d.store.after, d.store.reads = nil, nil
			if _, err := d.users.Update(t.Context(), seen, api.UserPatch{Name: &name}); err != nil {
				t.Fatal(err)
			}
			e := d.entity(id)
			if r, err := d.users.Get(t.Context(), id); err != nil || r.Value.Name != "Bea" {
				t.Fatalf("the user is %+v, %v", r, err)
			}
			if n := len(e.Operations); n > 1 || c.sent && n > 0 {
				t.Fatalf("the queue has %d operations", n)
			}
		})
	}
}
