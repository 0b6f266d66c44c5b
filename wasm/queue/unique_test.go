package queue_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// TestUniqueFieldsKeepTheirPlace: what a write does to the places of an entity's
// operations, with operations of other entities behind the first.
func TestUniqueFieldsKeepTheirPlace(t *testing.T) {
	const before = `{"bio":"b","email":"a"}`
	update := func(data string) queue.Operation {
		return queue.Operation{ID: "1", Type: api.Update, Data: json.RawMessage(data), Base: json.RawMessage(before), BaseVersion: 3, State: queue.Queued}
	}
	refused := func(data string) queue.Operation {
		o := update(data)
		o.State = queue.Rejected
		return o
	}
	create := queue.Operation{ID: "1", Type: api.Create, Data: json.RawMessage(before), State: queue.Queued}
	remove := queue.Operation{ID: "1", Type: api.Delete, Base: json.RawMessage(before), BaseVersion: 3, State: queue.Queued}
	const bio, email = `{"bio":"c"}`, `{"email":"c"}`
	for _, c := range []struct {
		name  string
		first queue.Operation
		then  queue.Write
		want  string // the places of what is queued then; 0 is the end
	}{
		{"bio, bio", update(bio), write("2", api.Update, `{"bio":"d"}`), "[7]"},
		{"email, bio", update(email), write("2", api.Update, bio), "[7]"},
		{"bio, email", update(bio), write("2", api.Update, email), "[0]"},
		{"email, email", update(email), write("2", api.Update, `{"email":"d"}`), "[7,0]"},
		{"email, the same email", update(email), write("2", api.Update, email), "[7]"},
		{"email, delete", update(email), write("2", api.Delete, ""), "[7]"},
		{"create, bio", create, write("2", api.Update, bio), "[7]"},
		{"create, email", create, write("2", api.Update, email), "[0]"},
		{"create, the same email with a bio", create, write("2", api.Update, `{"bio":"c","email":"a"}`), "[7]"},
		{"create, delete", create, write("2", api.Delete, ""), "[]"},
		{"delete, create", remove, write("2", api.Create, before), "[7,0]"},
		{"refused email, bio", refused(email), write("2", api.Update, bio), "[0]"},
		{"refused email, email", refused(email), write("2", api.Update, `{"email":"d"}`), "[0]"},
		{"refused bio, bio", refused(bio), write("2", api.Update, `{"bio":"d"}`), "[7]"},
		{"refused email, delete", refused(email), write("2", api.Delete, ""), "[7]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.first.Ref, c.first.Seq = ref, 7
			e := &queue.Entity{Ref: ref, Operations: []queue.Operation{c.first}}
			if c.first.Type != api.Create {
				e.Confirmed = row(3, before)
			}
			e.Among([]string{"email"}, 9)
			enqueue(c.then)(t, e)
			if got := places(e); got != c.want {
				t.Errorf("places %s, want %s: %s", got, c.want, describe(e))
			}
		})
	}
}

func places(e *queue.Entity) string {
	seqs := []int64{}
	for _, o := range e.Operations {
		seqs = append(seqs, o.Seq)
	}
	b, _ := json.Marshal(seqs)
	return string(b)
}

// TestDeleteTakesAllThatWasKeptApart: what was never sent goes with the entity.
func TestDeleteTakesAllThatWasKeptApart(t *testing.T) {
	e := &queue.Entity{Ref: ref}
	for i, w := range []queue.Write{
		write("1", api.Create, `{"email":"a"}`), write("2", api.Update, `{"email":"b"}`), write("3", api.Update, `{"email":"c"}`),
	} {
		e.Among([]string{"email"}, int64(2*i)) // another entity's operation follows each
		enqueue(w)(t, e)
		e.Operations[len(e.Operations)-1].Seq = int64(2*i + 1)
	}
	if len(e.Operations) != 1 {
		t.Fatalf("a create has two places: %s", describe(e))
	}
	e = &queue.Entity{Ref: ref, Confirmed: row(3, `{"email":"a"}`)}
	for i, email := range []string{`{"email":"b"}`, `{"email":"c"}`, `{"email":"d"}`} {
		e.Among([]string{"email"}, int64(2*i))
		enqueue(write(email, api.Update, email))(t, e)
		e.Operations[len(e.Operations)-1].Seq = int64(2*i + 1)
	}
	if len(e.Operations) != 3 {
		t.Fatalf("three that were to stay apart: %s", describe(e))
	}
	enqueue(write("gone", api.Delete, ""))(t, e)
	if got, want := describe(e), "gone delete  base 3 queued"; got != want || places(e) != "[1]" {
		t.Errorf("the queue holds %q at %s, want %q at [1]", got, places(e), want)
	}
}

// TestRefusedOperationsLoseTheirPlace: what the person wrote since comes first, whether
// a refused operation is joined by a later one or tried again.
func TestRefusedOperationsLoseTheirPlace(t *testing.T) {
	refusedThen := func(later string) *queue.Entity {
		e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"bio":"b","email":"a"}`)}
		e.Among([]string{"email"}, 0)
		sequence(enqueue(write("1", api.Update, `{"email":"c"}`)), send("1"))(t, e)
		e.Operations[0].Seq = 1
		if later != "" {
			enqueue(write("2", api.Update, later))(t, e)
			e.Operations[1].Seq = 5
		}
		reject("1")(t, e)
		return e
	}
	if e := refusedThen(`{"bio":"c"}`); places(e) != "[5]" {
		t.Errorf("a refused email and a bio are at %s", places(e))
	}
	if e := refusedThen(`{"email":"d"}`); places(e) != "[5]" {
		t.Errorf("a refused email and another are at %s", places(e))
	}
	e := refusedThen("")
	if err := e.Retry("1"); err != nil || places(e) != "[0]" {
		t.Errorf("tried again: %v, at %s", err, places(e))
	}
}

// TestABatchWaitsForWhatMayFree: nothing that takes a value is sent before an older operation
// that may free it: one behind another of the batch, or one that was written since the batch
// was picked.
func TestABatchWaitsForWhatMayFree(t *testing.T) {
	email := func(id string, seq int64) queue.Operation {
		return queue.Operation{ID: id, Seq: seq, Type: api.Update, Data: json.RawMessage(`{"email":"x"}`), State: queue.Queued}
	}
	bio := email("bio", 1)
	bio.Data = json.RawMessage(`{"bio":"x"}`)
	for _, c := range []struct {
		name  string
		first []queue.Operation // of the entity that is picked first, by the id "a"
		want  []string
	}{
		{"it is alone", []queue.Operation{email("a", 1)}, []string{"a", "b"}},
		{"an older one waits behind it", []queue.Operation{email("a", 1), email("c", 2)}, []string{"a"}},
		{"a younger one waits behind it", []queue.Operation{email("a", 1), email("c", 4)}, []string{"a", "b"}},
		{"it was replaced", []queue.Operation{email("c", 1)}, nil},
		{"it was replaced by what frees nothing", []queue.Operation{bio}, []string{"b"}},
		{"it is gone", nil, []string{"b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			entities := []*queue.Entity{{Ref: ref, Operations: c.first}, {Ref: queue.Ref{Type: "user", ID: "other"}, Operations: []queue.Operation{email("b", 3)}}}
			for _, e := range entities {
				e.Among([]string{"email"}, 9)
			}
			var got []string
			for _, o := range queue.SendFirst(entities, []string{"a", "b"}) {
				got = append(got, o.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("sent %v, want %v", got, c.want)
			}
		})
	}
}

// TestABatchWaitsForNothingElse: neither does what takes no unique value wait, nor do entities
// without such values hold up others.
func TestABatchWaitsForNothingElse(t *testing.T) {
	operation := func(id string, seq int64, kind api.OperationType, data string) queue.Operation {
		return queue.Operation{ID: id, Seq: seq, Type: kind, Data: json.RawMessage(data), State: queue.Queued}
	}
	const bio, email = `{"bio":"x"}`, `{"email":"x"}`
	for name, c := range map[string]struct {
		unique []string // of the first entity
		behind queue.Operation
		other  string
	}{
		"a bio after an email":                   {[]string{"email"}, operation("c", 2, api.Update, email), bio},
		"an email after a delete without emails": {nil, operation("c", 2, api.Delete, ""), email},
	} {
		first := &queue.Entity{Ref: ref, Operations: []queue.Operation{operation("a", 1, api.Update, bio), c.behind}}
		other := &queue.Entity{Ref: queue.Ref{Type: "user", ID: "other"}, Operations: []queue.Operation{operation("b", 3, api.Update, c.other)}}
		first.Among(c.unique, 9)
		other.Among([]string{"email"}, 9)
		if sent := queue.SendFirst([]*queue.Entity{first, other}, []string{"a", "b"}); len(sent) != 2 {
			t.Errorf("%s: sent %d operations, want 2", name, len(sent))
		}
	}
}

// TestOnlyOperationsBetweenKeepTwoApart: where nobody else has written since, two are one.
func TestOnlyOperationsBetweenKeepTwoApart(t *testing.T) {
	for newest, want := range map[int64]string{
		7: `2 update {"bio":"b","email":"d"} base 3 queued`,
		9: `1 update {"email":"c"} base 3 queued; 2 update {"email":"d"} base 3 queued`,
	} {
		e := &queue.Entity{Ref: ref, Confirmed: row(3, `{"bio":"b","email":"a"}`)}
		enqueue(write("1", api.Update, `{"email":"c"}`))(t, e)
		e.Operations[0].Seq = 7
		e.Among([]string{"email"}, newest)
		// A bio that is as it was goes along with what it becomes one with.
		enqueue(write("2", api.Update, `{"bio":"b","email":"d"}`))(t, e)
		if got := describe(e); got != want {
			t.Errorf("with %d the newest: %s, want %s", newest, got, want)
		}
	}
}
