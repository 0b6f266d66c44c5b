package app

import (
	"encoding/json"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// FuzzDocument: the pages can describe an operation whatever it carries.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"name":"Ann","bio":null}`), []byte(`{"name":7}`))
	f.Add([]byte(`[]`), []byte(``))
	f.Add([]byte(`{"name":{"first":"Ann"}}`), []byte(`{`))
	f.Fuzz(func(t *testing.T, base, data []byte) {
		o := queue.Operation{ID: "o", Ref: queue.Ref{Type: api.EntityUser, ID: "u"}, Type: api.Update, Base: base, Data: data}
		if operationName(o) == "" {
			t.Errorf("an operation with %q on %q is about nobody", data, base)
		}
		for field, value := range parseDocument(data) {
			if text := fieldText(value); text == "" && !json.Valid(value) {
				t.Errorf("field %s is %q", field, value)
			}
		}
	})
}
