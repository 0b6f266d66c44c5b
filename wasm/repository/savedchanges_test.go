package repository_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

func (d *device) queued() []queue.Operation {
	d.t.Helper()
	all, err := d.store.Store.Operations(d.t.Context(), 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// save makes the file that rescue.js makes of the queue.
func (d *device) save() []byte {
	d.t.Helper()
	meta, err := d.store.Meta(d.t.Context(), sync.MetaClient)
	if err != nil {
		d.t.Fatal(err)
	}
	file, err := json.Marshal(queue.SavedChanges{Format: queue.SavedFormat, Version: queue.SavedVersion, Client: meta[sync.MetaClient], Operations: d.queued()})
	if err != nil {
		d.t.Fatal(err)
	}
	return file
}

func (d *device) takesIn(file []byte, want repository.TakenIn) {
	d.t.Helper()
	got, err := d.users.TakeIn(d.t.Context(), file)
	if err != nil || got != want {
		d.t.Errorf("it took in %+v (%v), want %+v", got, err, want)
	}
}

func (d *device) create(name string) string {
	d.t.Helper()
	w, err := d.users.Create(d.t.Context(), patch(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return w.ID
}

func (d *device) rename(id, name string) {
	d.t.Helper()
	now, err := d.users.Get(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.users.Update(d.t.Context(), now, patch(name)); err != nil {
		d.t.Fatal(err)
	}
}

// freeze marks the first operation of an entity as sent, so that later ones queue up.
func (d *device) freeze(id string) {
	d.t.Helper()
	err := d.store.Store.Update(d.t.Context(), queue.Txn{Refs: []queue.Ref{{Type: api.EntityUser, ID: id}}}, func(es []*queue.Entity) error {
		es[0].Send(es[0].Operations[0].ID)
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func idsOf(operations []queue.Operation) []string {
	var ids []string
	for _, o := range operations {
		ids = append(ids, o.ID)
	}
	return ids
}

func TestSavedChangesAreTakenInOnceAndInTheirOrder(t *testing.T) {
	d := newDevice(t)
	ann := d.create("Ann")
	d.freeze(ann)
	bob := d.create("Bob")
	d.rename(ann, "Anna") // behind the create, and after Bob's
	file, had := d.save(), d.queued()
	if len(had) != 3 {
		t.Fatalf("the queue has %d operations, want 3", len(had))
	}
	d.takesIn(file, repository.TakenIn{Known: 3}) // all are still there

	fresh := newDevice(t) // its data were cleared
	fresh.takesIn(file, repository.TakenIn{Taken: 3})
	if got, want := fmt.Sprint(idsOf(fresh.queued())), fmt.Sprint(idsOf(had)); got != want {
		t.Errorf("the queue became %s, want %s", got, want)
	}
	if r, err := fresh.users.Get(t.Context(), ann); err != nil || r.Value.Name != "Anna" || r.State != queue.Pending {
		t.Errorf("Ann is shown as %+v (%v)", r, err)
	}
	fresh.takesIn(file, repository.TakenIn{Known: 3})
	fresh.acknowledge(ann)
	fresh.acknowledge(bob)
	fresh.takesIn(file, repository.TakenIn{Known: 3})
	fresh.acknowledge(ann)
	fresh.takesIn(file, repository.TakenIn{Known: 3})
	if n := len(fresh.queued()); n != 0 {
		t.Errorf("%d operations are queued again", n)
	}
}

func TestSavedChangesDoNotOvertakeWhatWasDoneSince(t *testing.T) {
	d := newDevice(t)
	ann := d.create("Ann")
	d.acknowledge(ann)
	d.rename(ann, "Anna")
	file := d.save()
	other := newDevice(t)
	other.ids = 100
	// The same record, changed there too and not sent yet.
	err := other.store.Store.Update(t.Context(), queue.Txn{Refs: []queue.Ref{{Type: api.EntityUser, ID: ann}}}, func(es []*queue.Entity) error {
		es[0].Confirm(d.entity(ann).Confirmed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	other.rename(ann, "Annie")
	other.takesIn(file, repository.TakenIn{HeldBack: 1})
	other.acknowledge(ann)
	other.takesIn(file, repository.TakenIn{Taken: 1})
	// Its base is the one it was made on, so the server finds the conflict.
	if o := other.queued()[0]; o.BaseVersion != 1 {
		t.Errorf("what is taken in says it was made on version %d", o.BaseVersion)
	}
}

// leaving is a store in which an operation leaves the queue between a read and a write.
type leaving struct {
	repository.Store
	between func()
}

func (l *leaving) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	if f := l.between; f != nil {
		l.between = nil
		f()
	}
	return l.Store.Update(ctx, txn, decide)
}

func TestAChangeThatLeavesMeanwhileDoesNotComeBack(t *testing.T) {
	d := newDevice(t)
	ann := d.create("Ann")
	file := d.save()
	inner := d.store.Store
	d.store.Store = &leaving{Store: inner, between: func() {
		d.store.Store = inner
		d.acknowledge(ann)
	}}
	d.takesIn(file, repository.TakenIn{Known: 1})
	if n := len(d.queued()); n != 0 {
		t.Errorf("%d operations are queued again", n)
	}
}

// TestWhatIsTakenInKeepsItsClient: the server knows an operation that may have arrived by the client
// id under which it was sent, whichever database it is in by now.
func TestWhatIsTakenInKeepsItsClient(t *testing.T) {
	owner := func(d *device, id string) {
		if err := d.store.SetMeta(t.Context(), map[string]string{sync.MetaClient: id}); err != nil {
			t.Fatal(err)
		}
	}
	clients := func(d *device) (all []string) {
		for _, o := range d.queued() {
			all = append(all, o.Client)
		}
		return all
	}
	first := newDevice(t)
	owner(first, "first")
	first.create("Ann")
	file := first.save()

	second, third, again := newDevice(t), newDevice(t), newDevice(t) // the second has no client id yet
	second.takesIn(file, repository.TakenIn{Taken: 1})
	owner(second, "second")
	third.ids = 100
	third.create("Bob")
	owner(third, "third")
	third.takesIn(second.save(), repository.TakenIn{Taken: 1})
	owner(again, "first")
	again.takesIn(third.save(), repository.TakenIn{Taken: 2})
	if got := fmt.Sprint(clients(second), clients(third), clients(again)); got != "[first] [ first] [third ]" {
		t.Errorf("the client ids are %s", got)
	}
}
