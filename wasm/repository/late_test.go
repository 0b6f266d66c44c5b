package repository_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/memdb"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestAWriteIsMadeWithWhatTheDeviceKnows: what a host has saved counts for a write of a tab
// that has not heard of it.
func TestAWriteIsMadeWithWhatTheDeviceKnows(t *testing.T) {
	ctx, now, db, ids := t.Context(), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), memdb.New(), 0
	newID := func() string { ids++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", ids) }
	open := func() *replica.Store {
		return replica.New(replica.Options{Database: db.Open(), Schemas: []queue.Schema{directory.Users}, Now: func() time.Time { return now }, NewID: newID})
	}
	host, tab := open(), open()
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: tab, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: func() time.Time { return now }, After: time.After, NewID: newID, Go: func(func()) {},
	})
	name, email := "Ann", "ann@example.org"
	made, err := users.Create(ctx, api.UserPatch{Name: &name, Email: &email})
	if err != nil {
		t.Fatal(err)
	}
	ref := queue.Ref{Type: api.EntityUser, ID: made.ID}
	settle := func(version int64) {
		t.Helper()
		err := host.Update(ctx, queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			if es[0].Head() == nil {
				return errors.New("there is nothing to send")
			}
			o, _ := es[0].Send(es[0].Head().ID)
			row := &queue.Row{Version: version, Document: []byte(`{"id":"` + made.ID + `","name":"Ann","email":"ann@example.org"}`)}
			if o.Type == api.Delete {
				row = nil
			}
			es[0].Acknowledge(o.ID, row, version)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	settle(1)
	tab.Doubt()
	seen, err := users.Get(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Delete(ctx, seen); err != nil {
		t.Fatal(err)
	}
	settle(41)
	if err := host.SetMeta(ctx, map[string]string{sync.MetaSkew: "3600000"}); err != nil {
		t.Fatal(err)
	}
	if _, err := users.Restore(ctx, seen); err != nil {
		t.Fatal(err)
	}
	e, err := host.Entity(ctx, ref)
	if err != nil || len(e.Operations) != 0 {
		t.Fatalf("the host has heard of it: %+v, %v", e, err)
	}
	host.Doubt()
	if e, err = host.Entity(ctx, ref); err != nil || len(e.Operations) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	o := e.Operations[0]
	if o.BaseVersion != 41 || o.Stamp.Time().Sub(now) < time.Hour {
		t.Errorf("restored from version %d, dated %v; want 41 and an hour later than %v", o.BaseVersion, o.Stamp.Time(), now)
	}
}
