package queue_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

// TestEqualRows: SameContent looks at version and document, Equal at every field.
func TestEqualRows(t *testing.T) {
	changed := func(change func(*queue.Row)) *queue.Row {
		r := row(3, `{"name":"Ann","bio":"x"}`)
		r.SyncedAt = start
		if change != nil {
			change(r)
		}
		return r
	}
	for _, c := range []struct {
		name              string
		a, b              *queue.Row
		sameContent, same bool
	}{
		{"neither exists", nil, nil, true, true},
		{"only the first exists", changed(nil), nil, false, false},
		{"only the second exists", nil, changed(nil), false, false},
		{"equal", changed(nil), changed(nil), true, true},
		{"the same moment elsewhere", changed(nil), changed(func(r *queue.Row) { r.SyncedAt = start.In(time.FixedZone("", 3600)) }), true, true},
		{"another version", changed(nil), changed(func(r *queue.Row) { r.Version = 4 }), false, false},
		{"another stamp", changed(nil), changed(func(r *queue.Row) { r.Stamp = "" }), true, false},
		{"synced later", changed(nil), changed(func(r *queue.Row) { r.SyncedAt = start.Add(1) }), true, false},
		{"spelled otherwise", changed(nil), changed(func(r *queue.Row) { r.Document = row(3, `{"bio":"x","name":"Ann"}`).Document }), false, false},
		{"another value", changed(nil), changed(func(r *queue.Row) { r.Document = row(3, `{"name":"Ann"}`).Document }), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.a.SameContent(c.b); got != c.sameContent {
				t.Errorf("SameContent: %v", got)
			}
			if got := c.a.Equal(c.b); got != c.same {
				t.Errorf("Equal: %v", got)
			}
		})
	}
}

func TestViewShowsTheConfirmedRowAndTheState(t *testing.T) {
	confirmed := row(3, `{"name":"Ann"}`)
	confirmed.SyncedAt = start
	e := &queue.Entity{Ref: ref, Confirmed: confirmed}
	want := queue.View{Ref: ref, Document: confirmed.Document, Version: 3, SyncedAt: start}
	if got, ok := e.View(); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, c := range []struct {
		name     string
		reviewed []bool // of the conflicts
		want     queue.RowState
	}{
		{"no conflict", nil, queue.Synced},
		{"reviewed", []bool{true, true}, queue.Synced},
		{"one unreviewed", []bool{true, false}, queue.InConflict},
	} {
		e.Conflicts = nil
		for _, reviewed := range c.reviewed {
			e.Conflicts = append(e.Conflicts, queue.Conflict{Reviewed: reviewed})
		}
		if got, _ := e.View(); got.State != c.want {
			t.Errorf("%s: %q", c.name, got.State)
		}
	}
	enqueue(write("a", "update", `{"name":"Bo"}`))(t, e)
	if got, _ := e.View(); got.State != queue.Pending {
		t.Errorf("with a write to send, a conflict is shown before it: %q", got.State)
	}
}

func TestViewOfWhatWasNeverSyncedHasNoVersion(t *testing.T) {
	e := &queue.Entity{Ref: ref}
	enqueue(write("a", "create", `{"name":"Ann"}`))(t, e)
	if got, ok := e.View(); !ok || got.Version != 0 || !got.SyncedAt.IsZero() || got.State != queue.Pending {
		t.Errorf("got %+v, %v", got, ok)
	}
}

func TestViewShowsWhatFollowsARejectedDelete(t *testing.T) {
	rejected := op("a", "delete", "", `{"name":"Ann"}`, 3)
	rejected.State = queue.Rejected
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"name":"Ann"}`), Operations: []queue.Operation{
		rejected, op("b", "update", `{"name":"Bo"}`, `{"name":"Ann"}`, 3),
	}}
	if got, ok := e.View(); !ok || string(got.Document) != `{"name":"Bo"}` || got.State != queue.NeedsAttention {
		t.Errorf("got %s %q, %v", got.Document, got.State, ok)
	}
}

func TestReadyAt(t *testing.T) {
	e := &queue.Entity{Ref: ref, Confirmed: row(3, `{}`)}
	check := func(step string, want time.Time, wantOK bool) {
		t.Helper()
		if got, ok := e.ReadyAt(); ok != wantOK || !got.Equal(want) {
			t.Errorf("%s: ready at %v, %v", step, got, ok)
		}
	}
	check("nothing to send", time.Time{}, false)
	enqueue(write("a", "delete", ""))(t, e)
	check("queued", time.Time{}, true)
	sequence(send("a"), fail("a"))(t, e)
	check("waiting", start, true)
	reject("a")(t, e)
	check("rejected", time.Time{}, false)
}

func TestTombstoneVersion(t *testing.T) {
	deleted := func(n int, base int64) []queue.Operation {
		return []queue.Operation{{BaseVersion: base}, {BaseVersion: 100}, {BaseVersion: 100}}[:n]
	}
	for _, c := range []struct {
		name string
		e    queue.Entity
		want int64
	}{
		{"never left the device", queue.Entity{}, 0},
		{"confirmed", queue.Entity{Confirmed: row(3, `{}`), Operations: deleted(1, 9)}, 4},
		{"confirmed, two to send", queue.Entity{Confirmed: row(3, `{}`), Operations: deleted(2, 9)}, 5},
		{"not confirmed", queue.Entity{Operations: deleted(1, 9)}, 10},
		{"not confirmed, two to send", queue.Entity{Operations: deleted(2, 9)}, 11},
	} {
		if got := c.e.TombstoneVersion(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
