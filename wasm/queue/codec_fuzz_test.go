package queue

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

// FuzzOperation: whatever is stored as an operation is read and written as by encoding/json,
// survives both, and yields a row.
func FuzzOperation(f *testing.F) {
	codectest.Seed(f, "seq", "ref", "data", "base", "unseen", "createdAt", "state", "retryCount", "lastError")
	for _, text := range []string{
		`{"id":"a","ref":{"type":"user","id":"1"},"type":"update","data":{"name":"Ann"},"state":"queued","baseVersion":3,"base":{"name":"Bo"}}`,
		`{"type":"create","data":null,"state":"rejected","lastError":{"title":"No","errors":[{"field":"name"}]},"retryCount":-1}`,
		`{"data":"x","base":[],"createdAt":"2026-01-02T03:04:05Z","unseen":true}`, `{"seq":1e30}`, `{"data": {"a" : "<"}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readOperation)
		o, err := ParseOperation(string(text))
		if err != nil {
			return
		}
		codectest.Writes(t, o, o.WriteJSON)
		written := string(jsoncodec.Write(o.WriteJSON))
		again, err := ParseOperation(written)
		if twice := string(jsoncodec.Write(again.WriteJSON)); err != nil || twice != written {
			t.Errorf("%q is written as %s, and then as %s (%v)", text, written, twice, err)
		}
		e := Entity{Ref: o.Ref, Operations: []Operation{o, o}}
		if v, ok := e.View(); ok && len(v.Document) > 0 && !json.Valid(v.Document) {
			t.Errorf("%q makes a row of %s", text, v.Document)
		}
		e.Reject(o.ID, nil)
	})
}

// FuzzConflict: whatever is stored as a conflict is read and written as by encoding/json, but
// that null is nothing.
func FuzzConflict(f *testing.F) {
	codectest.Seed(f, "at", "base", "fields", "reviewed", "theirsVersion")
	for _, text := range []string{
		`{"id":"c","ref":{"type":"user","id":"1"},"base":{"name":"A"},"mine":{"name":"B"},"theirs":null,"fields":[{"name":"name","base":"A","mine":"B","theirs":null,"kept":"mine"}]}`,
		`{"fields":[{}],"base":null}`, `{"fields":null,"at":"x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.ReadsAs(t, text, readConflict, func(c *Conflict) {
			for _, document := range []*json.RawMessage{&c.Base, &c.Mine, &c.Theirs} {
				*document = nilIfNull(*document)
			}
			for i := range c.Fields {
				for _, value := range []*json.RawMessage{&c.Fields[i].Base, &c.Fields[i].Mine, &c.Fields[i].Theirs} {
					*value = nilIfNull(*value)
				}
			}
		})
		c, err := ParseConflict(string(text))
		if err != nil {
			return
		}
		codectest.Writes(t, c, c.WriteJSON)
		if again, err := ParseConflict(string(jsoncodec.Write(c.WriteJSON))); err != nil || again.ID != c.ID || len(again.Fields) != len(c.Fields) {
			t.Errorf("%q is read as %+v, then as %+v (%v)", text, c, again, err)
		}
	})
}

func nilIfNull(document json.RawMessage) json.RawMessage {
	if IsNull(document) {
		return nil
	}
	return document
}

// FuzzOutcomeLine compares the lines of MetaOutcomes with what encoding/json makes of them.
func FuzzOutcomeLine(f *testing.F) {
	codectest.Seed(f, "id", "end", "version")
	f.Add([]byte(`{"id":"a","end":"superseded","by":"b","version":4}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readOutcome)
		if o, err := jsoncodec.Parse(text, readOutcome); err == nil {
			codectest.Writes(t, o, o.writeJSON)
		}
	})
}

// FuzzSavedFile compares how a file of saved changes is read with how encoding/json reads it.
func FuzzSavedFile(f *testing.F) {
	codectest.Seed(f, "format", "version", "savedAt", "operations", "unreadable")
	f.Add([]byte(`{"format":"rollcall-changes","version":1,"savedAt":"2026-01-02T03:04:05Z","operations":[{"id":"a"},null],"unreadable":[1,"x",null]}`))
	f.Fuzz(func(t *testing.T, text []byte) { codectest.Reads(t, text, readSavedChanges) })
}

// FuzzFields compares how documents are read, written and compared with what encoding/json
// makes of them.
func FuzzFields(f *testing.F) {
	for _, text := range codectest.Nasty {
		f.Add([]byte(text), []byte(text))
		f.Add([]byte(`{"a":`+text+`}`), []byte(`{"a" : `+text+` }`))
	}
	f.Add([]byte(`{"b":1,"a":[1,{"x":2.0,"y":null}]}`), []byte(`{ "a": [1e0, {"y":null,"x":2}], "b":1.0}`))
	f.Add([]byte(`"one\r\n"`), []byte(`"one"`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var want Fields
		if json.Unmarshal(a, &want) != nil {
			want = nil
		}
		got := Decode(a)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %s, want %s", a, got, want)
		}
		if got != nil {
			codectest.Writes(t, got, func(w *jsoncodec.Writer) { jsoncodec.WriteMap(w, got, (*jsoncodec.Writer).Raw) })
		}
		var x, y any
		equal := string(a) == string(b) || json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
		if EqualJSON(a, b) != equal {
			t.Errorf("%q and %q are equal: %v, want %v", a, b, !equal, equal)
		}
		var s, u *string
		same := json.Unmarshal(a, &s) == nil && json.Unmarshal(b, &u) == nil && s != nil && u != nil && api.SameText(*s, *u)
		if SameValue(a, b) != (equal || same) {
			t.Errorf("%q and %q are the same: %v, want %v", a, b, SameValue(a, b), equal || same)
		}
	})
}
