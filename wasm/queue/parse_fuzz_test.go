package queue_test

import (
	"encoding/json"
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
)

// FuzzOperation: whatever is stored as an operation is either refused, or survives
// encoding and decoding and yields a row.
func FuzzOperation(f *testing.F) {
	f.Add(`{"id":"a","ref":{"type":"user","id":"1"},"type":"update","data":{"name":"Ann"},"state":"queued","baseVersion":3,"base":{"name":"Bo"}}`)
	f.Add(`{"type":"create","data":null,"state":"rejected","lastError":{"title":"No"},"retryCount":-1}`)
	f.Add(`{"data":"x","base":[],"createdAt":"2026-01-02T03:04:05Z"}`)
	f.Add(`null`)
	f.Add(`{"seq":1e30}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := queue.ParseOperation(text)
		if err != nil {
			return
		}
		written, err := json.Marshal(o)
		if err != nil {
			t.Fatalf("%q is read and can't be written: %v", text, err)
		}
		again, err := queue.ParseOperation(string(written))
		if err != nil {
			t.Fatalf("%q is written as %s: %v", text, written, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(written) {
			t.Errorf("%q is written as %s, and then as %s (%v)", text, written, twice, err)
		}
		e := queue.Entity{Ref: o.Ref, Operations: []queue.Operation{o, o}}
		if v, ok := e.View(); ok && len(v.Document) > 0 && !json.Valid(v.Document) {
			t.Errorf("%q makes a row of %s", text, v.Document)
		}
		e.Reject(o.ID, nil)
	})
}

// FuzzConflict: whatever is stored as a conflict is either refused, or survives encoding
// and decoding.
func FuzzConflict(f *testing.F) {
	f.Add(`{"id":"c","ref":{"type":"user","id":"1"},"base":{"name":"A"},"mine":{"name":"B"},"theirs":null,"fields":[{"name":"name","base":"A","mine":"B","theirs":null,"kept":"mine"}]}`)
	f.Add(`{"fields":[{}],"base":null}`)
	f.Add(`{"fields":null,"at":"x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := queue.ParseConflict(text)
		if err != nil {
			return
		}
		written, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%q is read and can't be written: %v", text, err)
		}
		again, err := queue.ParseConflict(string(written))
		if err != nil {
			t.Fatalf("%q is written as %s: %v", text, written, err)
		}
		if third, err := json.Marshal(again); err != nil || string(third) != string(written) {
			t.Errorf("%q is read as %+v, then as %+v (%v)", text, c, again, err)
		}
	})
}
