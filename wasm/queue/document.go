package queue

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Fields is a document or a patch by field.
type Fields map[string]json.RawMessage

// Decode splits a document into its fields; nil for null, nothing, or what is
// not an object.
func Decode(document json.RawMessage) Fields {
	if len(document) == 0 {
		return nil
	}
	var f Fields
	if json.Unmarshal(document, &f) != nil {
		return nil
	}
	return f
}

// Encode is the inverse of Decode; field names are in alphabetical order, so
// that equal fields give equal bytes.
func (f Fields) Encode() json.RawMessage {
	if f == nil {
		return nil
	}
	b, err := json.Marshal(f)
	if err != nil { // a value that isn't JSON can't come out of Decode
		return nil
	}
	return b
}

// With returns a copy of f with the fields of patch set.
func (f Fields) With(patch Fields) Fields {
	out := make(Fields, len(f)+len(patch))
	for k, v := range f {
		out[k] = v
	}
	for k, v := range patch {
		out[k] = v
	}
	return out
}

// fieldNames returns the names of the fields in alphabetical order.
func fieldNames(f Fields) []string { return slices.Sorted(maps.Keys(f)) }

// Only returns the fields of f with the given names.
func (f Fields) Only(names []string) Fields {
	out := make(Fields, len(names))
	for _, n := range names {
		if v, ok := f[n]; ok {
			out[n] = v
		}
	}
	return out
}

// Without returns the fields of f whose value in other differs or is missing.
func (f Fields) Without(other Fields) Fields {
	out := make(Fields, len(f))
	for k, v := range f {
		if o, ok := other[k]; !ok || !EqualJSON(o, v) {
			out[k] = v
		}
	}
	return out
}

// EqualJSON reports whether two JSON values are equal however they are written.
func EqualJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	ca, errA := json.Marshal(x)
	cb, errB := json.Marshal(y)
	return errA == nil && errB == nil && bytes.Equal(ca, cb)
}

// IsNull reports whether a document is missing or the JSON null.
func IsNull(document json.RawMessage) bool {
	return len(document) == 0 || bytes.Equal(bytes.TrimSpace(document), []byte("null"))
}

// ApplyTo returns the document that the operation makes of another. An update
// of a document that has gone builds on the one it was made on: the person goes
// on seeing their edit until the conflict is settled.
func (o Operation) ApplyTo(document json.RawMessage) json.RawMessage {
	switch o.Type {
	case api.Delete:
		return nil
	case api.Create:
		if IsNull(document) {
			document = Fields{
				"id":        quote(o.Ref.ID),
				"createdAt": quote(o.CreatedAt.UTC().Format(time.RFC3339Nano)),
				"updatedAt": quote(o.CreatedAt.UTC().Format(time.RFC3339Nano)),
			}.Encode()
		}
	case api.Update:
		if IsNull(document) {
			document = o.Base
		}
	}
	return Decode(document).With(Decode(o.Data)).Encode()
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}
