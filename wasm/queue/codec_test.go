package queue_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

func TestStoredTextReadsBackAsItWas(t *testing.T) {
	o := queue.Operation{
		Seq: 7, ID: "a", Ref: ref, Type: api.Update, Data: json.RawMessage(`{"name":"Bo"}`), Base: json.RawMessage(`{"name":"Ann"}`),
		BaseVersion: 3, CreatedAt: start, Stamp: "x", State: queue.Waiting, RetryCount: 2, NextAttemptAt: start, LastError: &api.Problem{Title: "busy"},
	}
	if got, err := queue.ParseOperation(encode(t, o)); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, %v", got, err)
	}
	document := json.RawMessage(`{"name":"Ann"}`)
	for _, c := range []queue.Conflict{
		{ID: "base", Base: document},
		{ID: "mine", Mine: document},
		{ID: "theirs", Theirs: document},
		{ID: "fields", Fields: []queue.Field{{Name: "a", Base: document}, {Name: "b", Mine: document}, {Name: "c", Theirs: document}}},
	} {
		if got, err := queue.ParseConflict(encode(t, c)); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: got %+v, %v", c.ID, got, err)
		}
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBrokenStoredTextIsAnError(t *testing.T) {
	if _, err := queue.ParseOperation(`{"id":"a"`); err == nil {
		t.Error("an operation cut short was read")
	}
	if _, err := queue.ParseConflict(`{"id":7}`); err == nil {
		t.Error("a conflict with a number for an id was read")
	}
}

func TestOutcomesAreLines(t *testing.T) {
	text := queue.AppendOutcomes("", []queue.Outcome{{ID: "a", Kind: queue.OutcomeDiscarded}, {ID: "b", Kind: queue.OutcomeAcknowledged, Version: 4}})
	if want := `{"id":"a","end":"discarded"}` + "\n" + `{"id":"b","end":"landed","version":4}`; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	// A line that is spoilt says nothing, not even its beginning.
	text += "\n" + `{"id":"a","end":"landed","version":"x"}`
	if got, ok := queue.FindOutcome(text, "a"); !ok || got.Kind != queue.OutcomeDiscarded {
		t.Errorf("found %+v, %v", got, ok)
	}
}
