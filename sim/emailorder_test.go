package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	servermemory "github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestQueuedEditsKeepTheOrderThatEmailsNeed: people pass emails on to each other, change
// other fields, go and come back, while the queue is sent in parts and answers get lost.
// If each write is acceptable when it is typed, the server takes each operation.
func TestQueuedEditsKeepTheOrderThatEmailsNeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(t)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				d.push(rapid.IntRange(1, 3).Draw(t, "batch"), answered)
			case 1:
				d.push(rapid.IntRange(1, 3).Draw(t, "batch"), rapid.SampledFrom([]delivery{requestLost, answerLost}).Draw(t, "lost"))
			default:
				d.write(rapid.IntRange(0, len(d.people)-1).Draw(t, "person"))
			}
		}
		for d.push(rapid.IntRange(1, 3).Draw(t, "last batch"), answered) {
		}
		for _, id := range d.people {
			if got, want := d.emailAtServer(id), d.emails[id]; got != want {
				t.Fatalf("%s ends with the email %q, want %q", id, got, want)
			}
		}
	})
}

// delivery is how far a batch gets.
type delivery int

const (
	answered delivery = iota
	requestLost
	answerLost
)

// desk is a device on which a few people are edited, and the server it sends to.
type desk struct {
	t      *rapid.T
	device *memory.Store
	server *servermemory.Store
	people []string
	emails map[string]string // as typed; "" for who is deleted
	gone   map[string]int64  // versions of the tombstones that the device has seen
	typed  int
}

func newDesk(t *rapid.T) *desk {
	d := &desk{
		t: t, device: memory.New(directory.Users), server: servermemory.New(servermemory.Options{Epoch: 1}),
		emails: map[string]string{}, gone: map[string]int64{},
	}
	for i := range 4 {
		id := fmt.Sprintf("%08d-2222-4222-8222-222222222222", i)
		d.people = append(d.people, id)
		if i < 3 {
			d.emails[id] = fmt.Sprintf("e%d@example.org", i)
			d.enqueue(id, queue.Write{Type: api.Create, Data: fields{Name: "N", Email: d.emails[id]}.data()})
		}
	}
	for d.push(9, answered) {
	}
	return d
}

func (f fields) data() []byte {
	return fmt.Appendf(nil, `{"name":%q,"email":%q,"bio":%q}`, f.Name, f.Email, f.Bio)
}

// write makes up a write that the server would take if it were sent at once.
func (d *desk) write(n int) {
	id := d.people[n]
	d.typed++
	free := slices.DeleteFunc([]string{"e0", "e1", "e2", "e3", "e4"}, func(name string) bool {
		return slices.Contains(slices.Collect(maps.Values(d.emails)), name+"@example.org")
	})
	email := rapid.SampledFrom(free).Draw(d.t, "email") + "@example.org"
	w := queue.Write{Type: api.Update, Data: fmt.Appendf(nil, `{"email":%q}`, email)}
	kind := rapid.IntRange(0, 5).Draw(d.t, "write")
	switch {
	case d.emails[id] == "":
		w.Type, w.Restores, w.Data = api.Create, d.gone[id], fields{Name: "N", Email: email}.data()
	case kind == 0:
		w.Type, w.Data, email = api.Delete, nil, ""
	case kind < 3:
		w.Data, email = fmt.Appendf(nil, `{"bio":"bio %d"}`, d.typed), d.emails[id]
	}
	d.emails[id] = email
	d.enqueue(id, w)
}

func (d *desk) enqueue(id string, w queue.Write) {
	w.ID, w.At, w.Node = uuid.NewString(), epoch.Add(time.Duration(d.typed)*time.Second), "00000000"
	d.update([]queue.Ref{userRef(id)}, func(es []*queue.Entity) {
		if err := es[0].Enqueue(w); err != nil {
			d.t.Fatalf("%s of %s: %v", w.Type, id, err)
		}
	})
}

func (d *desk) update(refs []queue.Ref, change func([]*queue.Entity)) {
	err := d.device.Update(context.Background(), queue.Txn{Refs: refs}, func(es []*queue.Entity) error {
		change(es)
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// push sends the next batch and reports whether there was one.
func (d *desk) push(limit int, how delivery) bool {
	due, err := d.device.Due(context.Background(), epoch.Add(time.Hour), limit)
	if err != nil {
		d.t.Fatal(err)
	}
	var refs []queue.Ref
	var ids []string
	for _, o := range due.Operations {
		refs, ids = append(refs, o.Ref), append(ids, o.ID)
	}
	var batch []queue.Operation
	d.update(refs, func(es []*queue.Entity) { batch = queue.SendFirst(es, ids) })
	if how == requestLost {
		return len(batch) > 0
	}
	results := make([]api.Result, len(batch))
	for i, o := range batch {
		results[i] = d.apply(o)
	}
	if how == answered {
		d.update(refs[:len(batch)], func(es []*queue.Entity) {
			for i, e := range es {
				d.acknowledge(e, batch[i], results[i])
			}
		})
	}
	return len(batch) > 0
}

func (d *desk) acknowledge(e *queue.Entity, o queue.Operation, r api.Result) {
	var row *queue.Row
	if len(r.Document) > 0 {
		row = &queue.Row{Version: r.Version, Stamp: r.Stamp, Document: r.Document}
	}
	if o.Type == api.Delete {
		d.gone[e.Ref.ID] = r.Version
	}
	if r.Status == api.Duplicate {
		e.AcknowledgeDuplicate(o.ID, row, r.Version, api.UserFields)
		return
	}
	e.Acknowledge(o.ID, row, r.Version)
}

func (d *desk) apply(o queue.Operation) api.Result {
	w, problem := store.Prepare(someone, o.Wire())
	if problem != nil {
		d.t.Fatalf("%s %s: %v", o.Type, o.Data, problem)
	}
	outcomes, err := d.server.Apply(context.Background(), []store.Write{w})
	if err != nil {
		d.t.Fatal(err)
	}
	r := outcomes[0].Result
	if r.Status != api.Applied && r.Status != api.Duplicate {
		d.t.Fatalf("the server answers %s %s of %s with %s %v", o.Type, o.Data, o.Ref.ID, r.Status, r.Problem)
	}
	return r
}

func (d *desk) emailAtServer(id string) string {
	row, err := d.server.User(context.Background(), id)
	if err != nil {
		return ""
	}
	f, _ := fieldsOf(row.Document)
	return f.Email
}
