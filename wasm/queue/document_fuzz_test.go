package queue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// FuzzDocument: whatever the stored document and data, applying the operation yields
// valid JSON, and applying it twice is the same as once.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"id":"x","name":"Ann"}`), []byte(`{"name":"Bo"}`), uint8(1))
	f.Add([]byte(`null`), []byte(`{"name":"Bo","email":1e3}`), uint8(0))
	f.Add([]byte(`[]`), []byte(`{"a":{"b":[1,2]}}`), uint8(1))
	f.Add([]byte(``), []byte(`"x"`), uint8(2))
	f.Fuzz(func(t *testing.T, document, data []byte, kind uint8) {
		types := []api.OperationType{api.Create, api.Update, api.Delete}
		o := queue.Operation{
			Ref: queue.Ref{Type: "user", ID: "x"}, Type: types[int(kind)%len(types)], Data: data,
			Base: document, CreatedAt: time.UnixMilli(1777636800000),
		}
		once := o.ApplyTo(document)
		if o.Type == api.Delete {
			if !queue.IsNull(once) {
				t.Errorf("a delete left %s", once)
			}
			return
		}
		if len(once) > 0 && !json.Valid(once) {
			t.Errorf("%s on %s makes %s", data, document, once)
		}
		if twice := o.ApplyTo(once); !queue.IsNull(once) && !queue.EqualJSON(once, twice) {
			t.Errorf("once %s, twice %s", once, twice)
		}
		if fields := queue.Decode(once); fields != nil && !queue.EqualJSON(fields.Encode(), once) {
			t.Errorf("%s decoded and encoded is %s", once, fields.Encode())
		}
	})
}
