package queue_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestOverwrittenUnsentWorkIsRecordedWhole: another tab's edit is not at the server yet.
func TestOverwrittenUnsentWorkIsRecordedWhole(t *testing.T) {
	const seen = `{"bio":"old","name":"Ann"}`
	at := start.In(time.FixedZone("", 3600))
	text := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, c := range []struct {
		name      string
		confirmed *queue.Row
		first     queue.Write
		then      queue.Write
		want      queue.Conflict
	}{
		{"an update", row(3, seen), write("a", api.Update, `{"bio":"one","name":"Bo"}`), saw(write("b", api.Update, `{"bio":"two"}`), seen, 3),
			queue.Conflict{
				Base: text(`{"bio":"old","name":"Bo"}`), Mine: text(`{"bio":"two","name":"Bo"}`), Theirs: text(`{"bio":"one","name":"Bo"}`), TheirsVersion: 3,
				Fields: []queue.Field{{Name: "bio", Base: text(`"old"`), Mine: text(`"two"`), Theirs: text(`"one"`), Kept: queue.Mine}},
			}},
		{"a delete", row(3, seen), write("a", api.Update, `{"bio":"one"}`), saw(write("b", api.Delete, ""), seen, 3),
			queue.Conflict{
				Base: text(seen), Theirs: text(`{"bio":"one","name":"Ann"}`), TheirsVersion: 3,
				Fields: []queue.Field{{Name: "bio", Base: text(`"old"`), Theirs: text(`"one"`), Kept: queue.Mine}},
			}},
		{"a field that was not there", row(3, `{"name":"Ann"}`), write("a", api.Update, `{"bio":"one"}`), saw(write("b", api.Update, `{"bio":"two"}`), `{"name":"Ann"}`, 3),
			queue.Conflict{
				Base: text(`{"bio":null,"name":"Ann"}`), Mine: text(`{"bio":"two","name":"Ann"}`), Theirs: text(`{"bio":"one","name":"Ann"}`), TheirsVersion: 3,
				Fields: []queue.Field{{Name: "bio", Base: text(`null`), Mine: text(`"two"`), Theirs: text(`"one"`), Kept: queue.Mine}},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: c.confirmed}
			c.then.At = at
			enqueue(c.first, c.then)(t, e)
			c.want.ID, c.want.Ref, c.want.OperationID, c.want.At, c.want.Strategy, c.want.Kept = "c-b", ref, "b", start, queue.LastSave, queue.Mine
			if want := []queue.Conflict{c.want}; !reflect.DeepEqual(e.Conflicts, want) {
				t.Errorf("conflicts\n got %s\nwant %s", encode(t, e.Conflicts), encode(t, want))
			}
		})
	}
}

func TestOverwrittenUnsentWorkOfWhatWasNeverSynced(t *testing.T) {
	e := &queue.Entity{Ref: ref}
	enqueue(write("a", api.Create, `{"bio":"one","name":"Ann"}`), saw(write("b", api.Update, `{"bio":"two"}`), `{"bio":"old","name":"Ann"}`, 0))(t, e)
	if len(e.Conflicts) != 1 || e.Conflicts[0].TheirsVersion != 0 {
		t.Errorf("recorded %s", encode(t, e.Conflicts))
	}
}

func TestWritesOfWhatWasSeen(t *testing.T) {
	const (
		v3     = `{"bio":"old","name":"Ann"}`
		theirs = `{"bio":"theirs","name":"Ann"}`
	)
	for _, c := range []struct {
		name      string
		confirmed *queue.Row
		do        func(*testing.T, *queue.Entity)
		want      string
		unseen    bool
		conflicts int
	}{
		{"the version seen is not older, though the value is", row(4, theirs), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 9)),
			`a update {"bio":"mine"} base 3 queued`, true, 0},
		{"an older version", row(9, theirs), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)),
			`a update {"bio":"mine"} base 3 queued`, true, 0},
		{"no version", row(4, theirs), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 0)),
			`a update {"bio":"mine"} base 0 queued`, true, 0},
		{"of a row without a version", row(0, theirs), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)),
			`a update {"bio":"mine"} base 0 queued`, true, 0},
		{"unseen, and then seen", row(4, theirs), sequence(
			enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)), enqueue(saw(write("b", api.Update, `{"name":"Bo"}`), theirs, 4))),
			`b update {"bio":"mine","name":"Bo"} base 3 queued`, true, 0},
		{"seen, and then unseen", row(4, theirs), sequence(
			enqueue(saw(write("a", api.Update, `{"name":"Bo"}`), theirs, 4)), enqueue(saw(write("b", api.Update, `{"bio":"mine"}`), v3, 3))),
			`b update {"bio":"mine","name":"Bo"} base 3 queued`, true, 0},
		{"both seen", row(4, theirs), sequence(
			enqueue(saw(write("a", api.Update, `{"name":"Bo"}`), theirs, 4)), enqueue(saw(write("b", api.Update, `{"bio":"mine"}`), `{"bio":"theirs","name":"Bo"}`, 4))),
			`b update {"bio":"mine","name":"Bo"} base 4 queued`, false, 0},
		{"the value as it was seen and as it is, again", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"), reject("a"), enqueue(saw(write("b", api.Update, `{"name":"Bo"}`), `{"bio":"old","name":"Bo"}`, 3))),
			`b update {"name":"Bo"} base 3 queued`, false, 0},
		{"what another tab made the same", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"bio":"one"}`)), enqueue(saw(write("b", api.Update, `{"bio":"one","name":"Bo"}`), v3, 3))),
			`b update {"bio":"one","name":"Bo"} base 3 queued`, false, 0},
		{"a delete of a field that is no longer there", row(4, `{"name":"Ann"}`), enqueue(saw(write("a", api.Delete, ""), v3, 3)),
			`a delete  base 3 queued`, true, 0},
		{"never synced, and another tab has set another field", nil, sequence(
			enqueue(write("a", api.Create, `{"name":"Ann"}`)), enqueue(saw(write("b", api.Update, `{"bio":"mine"}`), `{"bio":"old","name":"Ann"}`, 0))),
			`b create {"bio":"mine","name":"Ann"} base 0 queued`, false, 0},
		{"a create after a delete has seen nothing", row(4, theirs), sequence(
			enqueue(write("a", api.Delete, "")), enqueue(saw(write("b", api.Create, `{"bio":"mine","name":"Ann"}`), v3, 3))),
			`b update {"bio":"mine"} base 4 queued`, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: c.confirmed}
			c.do(t, e)
			if got := describe(e); got != c.want || e.Operations[0].Unseen != c.unseen || len(e.Conflicts) != c.conflicts {
				t.Errorf("got %s on %s, unseen %v, recorded %s\nwant %s", got, e.Operations[0].Base, e.Operations[0].Unseen, recorded(e), c.want)
			}
		})
	}
}
