package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

var epoch = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// TestDecide checks what holds for every row and every write; what becomes of
// each kind is in storetest, for all stores.
func TestDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"a", "b", "c"})
		id := uuid.NewString()
		now := store.Now{Time: epoch, Next: store.Counter{Change: 42, Clock: epoch.Add(time.Microsecond)}}
		var row *store.Row
		for range rapid.IntRange(0, 4).Draw(t, "earlier writes") {
			next, _, err := store.Decide(row, draw(t, text, id), now)
			if err != nil {
				t.Fatal(err)
			}
			if next != nil {
				row = next
			}
		}
		w := draw(t, text, id)
		next, result, err := store.Decide(row, w, now)
		if err != nil {
			t.Fatal(err)
		}
		if (next != nil) != (result.Status == api.Applied) {
			t.Fatalf("%s, and the row to put is %+v", result.Status, next)
		}
		shown := row
		if next != nil {
			shown = next
			before := int64(0)
			if w.BaseVersion > 0 { // a restored one counts on, behind all there was
				before = max(w.BaseVersion, now.Next.Change-1)
			}
			if row != nil {
				before = row.Version
			}
			if next.Version != before+1 || next.Change != 42 || !next.UpdatedAt.Equal(now.Next.Clock) || next.ID != id {
				t.Fatalf("put %+v on version %d", next, before)
			}
			// A stamp that must be after a bounded one may be a millisecond ahead of it.
			if next.Stamp == "" || next.Stamp.Time().After(now.Time.Add(10*time.Millisecond)) || next.CreatedAt.After(now.Time) {
				t.Fatalf("put stamp %s, created at %v, now is %v", next.Stamp, next.CreatedAt, now.Time)
			}
			if next.Deleted && (next.EmailKey != "" || next.Search != "" || next.Sort != "" || next.Document != nil) {
				t.Fatalf("the tombstone keeps something of the person: %+v", next)
			}
		}
		if shown == nil {
			shown = &store.Row{}
		}
		if result.Version != shown.Version || result.Stamp != shown.Stamp || string(result.Document) != string(shown.Document) {
			t.Fatalf("result %+v is not about the row %+v", result, shown)
		}
		// Sent again on the row as it is now, it changes nothing more: without a
		// record a lost answer still does no harm.
		if next != nil {
			again, repeated, err := store.Decide(next, w, now)
			if err != nil || again != nil {
				t.Fatalf("repeated, it puts %+v (%v)", again, err)
			}
			if repeated.Status == api.Applied {
				t.Fatalf("repeated, it is %+v", repeated)
			}
		}
	})
}

func draw(t *rapid.T, text *rapid.Generator[string], id string) store.Write {
	field := func(name string) *string {
		v := text.Draw(t, name)
		return &v
	}
	w := store.Write{
		ID: "w", EntityID: id, BaseVersion: rapid.Int64Range(0, 4).Draw(t, "base"),
		Type:      rapid.SampledFrom([]api.OperationType{api.Create, api.Update, api.Delete}).Draw(t, "type"),
		CreatedAt: epoch.Add(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "age"))),
	}
	if rapid.Bool().Draw(t, "stamped") {
		w.Stamp = api.NewStamp(w.CreatedAt, "", "client01")
	}
	switch w.Type {
	case api.Create:
		w.Patch = api.UserPatch{Name: field("name"), Email: field("email")}
	case api.Update:
		w.Patch = api.UserPatch{Bio: field("bio")}
	}
	return w
}

func TestCounter(t *testing.T) {
	var c store.Counter
	for i, now := range []time.Time{epoch, epoch, epoch.Add(-time.Hour), epoch.Add(time.Hour), epoch.Add(time.Hour + 500)} {
		next := c.Next(now)
		if next.Change != int64(i+1) || !next.Clock.After(c.Clock) {
			t.Errorf("after %+v at %v comes %+v", c, now, next)
		}
		c = next
	}
}

// FuzzPrepare: whatever a client sends as an operation is a valid write or a problem.
func FuzzPrepare(f *testing.F) {
	f.Add([]byte(`{"id":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","entityType":"user","entityId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","type":"create","data":{"name":"A","email":"a@example.org"},"stamp":"019f00000000-0000-abc"}`))
	f.Add([]byte(`{"type":"delete","data":{}}`))
	f.Add([]byte(`{"data":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var op api.Operation
		if store.DecodeObject(body, &op, "") != nil {
			return
		}
		w, problem := store.Prepare("client", op)
		if problem != nil {
			if problem.Code == "" || problem.Status != 400 {
				t.Errorf("problem %+v", problem)
			}
			return
		}
		if !api.ValidID(w.EntityID) || w.Key == "" || w.Scope == "" || w.BaseVersion < 0 {
			t.Errorf("write %+v", w)
		}
		now := store.Now{Time: epoch, Next: store.Counter{Change: 1, Clock: epoch}}
		if next, result, err := store.Decide(nil, w, now); err != nil || (next == nil) == (result.Status == api.Applied) {
			t.Errorf("decided %+v, %+v, %v", next, result, err)
		}
	})
}
