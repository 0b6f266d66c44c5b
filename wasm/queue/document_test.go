package queue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

func TestEqualJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[2]}`, ` { "b" : [2], "a" : 1 }`, true},
		{`"x"`, `"\u0078"`, true},
		{`1`, `1.0`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`1`, `2`, false},
		{`[1,2]`, `[2,1]`, false},
		{``, ``, true},
		{``, `null`, false},
		{`null`, ``, false},
		{`broken`, `broken`, true},
		{`broken`, `null`, false},
		{`null`, `broken`, false},
		{`broken`, `otherwise`, false},
	} {
		if got := queue.EqualJSON(json.RawMessage(c.a), json.RawMessage(c.b)); got != c.want {
			t.Errorf("EqualJSON(%s, %s) = %v", c.a, c.b, got)
		}
	}
}

func TestIsNull(t *testing.T) {
	for document, want := range map[string]bool{"": true, "null": true, " null\n": true, "{}": false, "0": false, `""`: false, "nul": false} {
		if got := queue.IsNull(json.RawMessage(document)); got != want {
			t.Errorf("IsNull(%q) = %v", document, got)
		}
	}
}

func TestFields(t *testing.T) {
	for document, want := range map[string]string{
		``: ``, `null`: ``, `[1]`: ``, `{"a":`: ``, `{}`: `{}`, `{ "b": 2, "a": null }`: `{"a":null,"b":2}`,
	} {
		if got := queue.Decode(json.RawMessage(document)).Encode(); string(got) != want {
			t.Errorf("%s decoded and encoded is %q, want %q", document, got, want)
		}
	}
	if got := (queue.Fields{"a": json.RawMessage("broken")}).Encode(); string(got) != `{"a":null}` {
		t.Errorf("a broken value encodes to %s", got)
	}
	f := queue.Decode(json.RawMessage(`{"a":1,"b":2,"c":null}`))
	if got := f.Only([]string{"a", "c", "absent"}).Encode(); string(got) != `{"a":1,"c":null}` {
		t.Errorf("Only keeps %s", got)
	}
	if got := f.With(queue.Decode(json.RawMessage(`{"b":3,"d":4}`))).Encode(); string(got) != `{"a":1,"b":3,"c":null,"d":4}` {
		t.Errorf("With makes %s", got)
	}
	if got := f.ChangedFrom(queue.Decode(json.RawMessage(`{"a":1.0,"b":3}`))).Encode(); string(got) != `{"b":2,"c":null}` {
		t.Errorf("changed are %s", got)
	}
	if got := f.Encode(); string(got) != `{"a":1,"b":2,"c":null}` {
		t.Errorf("the original became %s", got)
	}
}

func TestApplyTo(t *testing.T) {
	// Elsewhere than in Greenwich, and with a fraction of a second.
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.FixedZone("", 2*60*60))
	const born = `"createdAt":"2026-01-02T01:04:05.678Z"`
	for _, c := range []struct {
		name, kind, data, base, document, want string
	}{
		{"create", "create", `{"name":"Ann"}`, ``, ``,
			`{` + born + `,"id":"1","name":"Ann","updatedAt":"2026-01-02T01:04:05.678Z"}`},
		{"create of a deleted one", "create", `{"name":"Ann"}`, ``, `null`,
			`{` + born + `,"id":"1","name":"Ann","updatedAt":"2026-01-02T01:04:05.678Z"}`},
		{"create beside another's row", "create", `{"name":"Ann"}`, ``, `{"bio":"x","id":"1","name":"Bo"}`,
			`{"bio":"x","id":"1","name":"Ann"}`},
		{"update", "update", `{"name":"Bo"}`, `{"name":"Ann"}`, `{"bio":"x","name":"Cy"}`, `{"bio":"x","name":"Bo"}`},
		{"update of a deleted one", "update", `{"name":"Bo"}`, `{"bio":"x","name":"Ann"}`, `null`, `{"bio":"x","name":"Bo"}`},
		{"delete", "delete", ``, `{"name":"Ann"}`, `{"name":"Ann"}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := queue.Operation{Ref: ref, Type: api.OperationType(c.kind), Data: json.RawMessage(c.data), Base: json.RawMessage(c.base), CreatedAt: at}
			if got := o.ApplyTo(json.RawMessage(c.document)); string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
