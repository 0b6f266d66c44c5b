package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestCoalescedEqualsOneByOne: coalesced writes to one user have the same effect at the
// real server as the same writes sent one by one. If others changed the user first, both
// conflict and neither takes effect.
func TestCoalescedEqualsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exists, concurrent := rapid.Bool().Draw(t, "exists"), rapid.Bool().Draw(t, "others change it")
		one, other := newSender(t, exists), newSender(t, exists)
		if exists && concurrent {
			one.changeByOthers()
			other.changeByOthers()
		}
		for range rapid.IntRange(1, 8).Draw(t, "writes") {
			w := drawWrite(t)
			coalesced, single := one.enqueue(w), other.enqueue(w)
			if (coalesced == nil) != (single == nil) {
				t.Fatalf("a %s: coalesced %v, one by one %v", w.Type, coalesced, single)
			}
			if !(exists && concurrent) {
				other.send(false)
			}
		}
		if n := len(one.entity.Operations); n > 1 {
			t.Fatalf("%d operations that were never sent", n)
		}
		one.send(exists && concurrent)
		other.send(exists && concurrent)
		if a, b := one.atServer(), other.atServer(); a != b {
			t.Fatalf("coalesced the server has %q, one by one %q", a, b)
		}
	})
}

// sender is a device with operations on one user, and the server it sends them to.
type sender struct {
	t      *rapid.T
	entity queue.Entity
	server *memory.Store
	gone   int64 // the tombstone's version, if the device has seen one
}

// enqueue adds a write. A create restores what this device has deleted, as Undo does.
func (d *sender) enqueue(w queue.Write) error {
	if w.Type == api.Create {
		w.Restores = d.gone
	}
	return d.entity.Enqueue(w)
}

const (
	someone = "11111111-1111-4111-8111-111111111111"
	user    = "22222222-2222-4222-8222-222222222222"
)

func newSender(t *rapid.T, exists bool) *sender {
	d := &sender{t: t, server: memory.New(memory.Options{Epoch: 1}), entity: queue.Entity{Ref: userRef(user)}}
	if exists {
		r := d.apply(api.Operation{ID: uuid.NewString(), Type: api.Create, Data: []byte(`{"name":"N","email":"n@example.org","bio":"b"}`)})
		d.entity.Confirmed = &queue.Row{Version: r.Version, Stamp: r.Stamp, Document: r.Document}
	}
	return d
}

func (d *sender) changeByOthers() {
	d.apply(api.Operation{ID: uuid.NewString(), Type: api.Update, BaseVersion: 1, Data: []byte(`{"bio":"of others"}`)})
}

func (d *sender) apply(o api.Operation) api.Result {
	o.EntityType, o.EntityID, o.CreatedAt = api.EntityUser, user, epoch
	w, problem := store.Prepare(someone, o)
	if problem != nil {
		d.t.Fatalf("%s %s: %v", o.Type, o.Data, problem)
	}
	outcomes, err := d.server.Apply(context.Background(), []store.Write{w})
	if err != nil {
		d.t.Fatal(err)
	}
	return outcomes[0].Result
}

// send sends each operation in turn.
func (d *sender) send(concurrent bool) {
	for h := d.entity.Head(); h != nil; h = d.entity.Head() {
		o, ok := d.entity.Send(h.ID)
		if !ok {
			d.t.Fatalf("operation %s cannot be sent", h.ID)
		}
		r := d.apply(o.Wire())
		switch {
		case r.Status == api.Conflict && concurrent:
			return
		case r.Status != api.Applied || concurrent:
			d.t.Fatalf("the server answers %s %s with %+v", o.Type, o.Data, r)
		}
		d.gone = 0
		if o.Type == api.Delete {
			d.gone = r.Version
		}
		var row *queue.Row
		if len(r.Document) > 0 {
			row = &queue.Row{Version: r.Version, Stamp: r.Stamp, Document: r.Document}
		}
		d.entity.Acknowledge(o.ID, row, r.Version)
	}
}

func (d *sender) atServer() string {
	row, err := d.server.User(context.Background(), user)
	if err != nil {
		return ""
	}
	f, _ := fieldsOf(row.Document)
	return fmt.Sprintf("%+v", f)
}

func drawWrite(t *rapid.T) queue.Write {
	w := queue.Write{
		ID: uuid.NewString(), At: epoch.Add(time.Minute), Node: "deadbeef",
		Type: rapid.SampledFrom([]api.OperationType{api.Create, api.Update, api.Update, api.Delete}).Draw(t, "type"),
	}
	f := queue.Fields{}
	for _, name := range api.UserFields {
		if w.Type == api.Create || (w.Type == api.Update && rapid.Bool().Draw(t, "sets "+name)) {
			value := fmt.Sprintf("%c@example.org", 'a'+rapid.IntRange(0, 2).Draw(t, name))
			f[name] = json.RawMessage(`"` + value + `"`)
		}
	}
	if w.Type != api.Delete {
		w.Data = f.Encode()
	}
	return w
}
