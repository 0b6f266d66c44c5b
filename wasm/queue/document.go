package queue

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// Fields is a document or a patch, by field name.
type Fields map[string]json.RawMessage

// Decode returns a document's fields; nil if the document is missing, null or not an
// object. The values are parts of the document.
func Decode(document json.RawMessage) Fields {
	f, err := jsoncodec.Parse(document, readFields)
	if err != nil {
		return nil
	}
	return f
}

func readFields(r *jsoncodec.Reader) Fields { return jsoncodec.Map(r, (*jsoncodec.Reader).Raw) }

// Encode is the inverse of Decode. It sorts the field names, so that equal fields encode
// to equal bytes.
func (f Fields) Encode() json.RawMessage {
	if f == nil {
		return nil
	}
	return jsoncodec.Write(func(w *jsoncodec.Writer) { jsoncodec.WriteMap(w, f, (*jsoncodec.Writer).Raw) })
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

// Like returns the fields of f that another has as well.
func (f Fields) Like(other Fields) Fields {
	out := Fields{}
	for name := range other {
		if v, ok := f[name]; ok {
			out[name] = v
		}
	}
	return out
}

// ChangedFrom returns the fields of f that base lacks or has another value for; see
// SameValue.
func (f Fields) ChangedFrom(base Fields) Fields {
	out := make(Fields, len(f))
	for k, v := range f {
		if !SameValue(base[k], v) {
			out[k] = v
		}
	}
	return out
}

// EqualJSON reports whether two JSON texts encode the same value, whatever their white
// space and order of fields.
func EqualJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, wrongX := jsoncodec.Parse(a, (*jsoncodec.Reader).Any)
	y, wrongY := jsoncodec.Parse(b, (*jsoncodec.Reader).Any)
	return wrongX == nil && wrongY == nil && reflect.DeepEqual(x, y)
}

// SameValue reports whether two fields have the same value for a person: equal JSON, or
// texts as of api.SameText. An older program stored what was typed, such as line ends in
// another form, and that is no change.
func SameValue(a, b json.RawMessage) bool {
	if EqualJSON(a, b) {
		return true
	}
	x, isText := Text(a)
	y, both := Text(b)
	return isText && both && api.SameText(x, y)
}

// Text returns the text that a JSON text encodes; false if it is none.
func Text(value json.RawMessage) (string, bool) {
	if IsNull(value) {
		return "", false
	}
	text, err := jsoncodec.Parse(value, (*jsoncodec.Reader).String)
	return text, err == nil
}

// IsNull reports whether a document is missing or the JSON null.
func IsNull(document json.RawMessage) bool {
	return len(document) == 0 || bytes.Equal(bytes.TrimSpace(document), []byte("null"))
}

// ApplyTo returns document with the operation applied. An update of a deleted document
// is applied to its own Base: the person keeps seeing the edit until the conflict is
// resolved.
func (o Operation) ApplyTo(document json.RawMessage) json.RawMessage {
	switch o.Type {
	case api.Delete:
		return nil
	case api.Create:
		if IsNull(document) {
			at := quote(o.CreatedAt.UTC().Format(time.RFC3339Nano))
			return Fields{"id": quote(o.Ref.ID), "createdAt": at, "updatedAt": at}.With(Decode(o.Data)).Encode()
		}
	case api.Update:
		if IsNull(document) {
			document = o.Base
		}
	}
	return Decode(document).With(Decode(o.Data)).Encode()
}

func quote(s string) json.RawMessage {
	return jsoncodec.Write(func(w *jsoncodec.Writer) { w.String(s) })
}
