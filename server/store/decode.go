package store

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
)

// DecodeObject decodes one JSON object into a struct, or returns why it can't. It is strict
// except for the given options: it accepts no unknown field, no other case, no duplicate, and
// only valid UTF-8 (I-JSON, RFC 7493). Problems name a field by its path, within another field
// if that is not empty.
func DecodeObject(text []byte, v any, within string, o ...jsontext.Options) *api.Problem {
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("{")) {
		return malformed("Not a JSON object", "it must be a single JSON object")
	}
	err := jsonv2.Unmarshal(text, v, jsonv2.RejectUnknownMembers(true), jsonv2.JoinOptions(o...))
	var syntax *jsontext.SyntacticError
	var meaning *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return malformed("Duplicate field", where(path(within, syntax.JSONPointer))+"give it only once")
	case errors.As(err, &syntax):
		return malformed("Invalid JSON", where(path(within, syntax.JSONPointer))+fmt.Sprintf("%v, at byte %d", syntax.Err, syntax.ByteOffset))
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &meaning):
		name := path(within, meaning.JSONPointer)
		return api.NewProblem(api.CodeUnknownField, "Unknown field", "there is no field "+name, api.FieldError{Field: name, Detail: "is unknown"})
	case errors.As(err, &meaning):
		return Invalid("Invalid field", api.FieldError{Field: path(within, meaning.JSONPointer), Detail: invalid(meaning)})
	}
	return malformed("Invalid JSON", err.Error())
}

// invalid says what is wrong with a field.
func invalid(e *jsonv2.SemanticError) string {
	switch {
	case e.JSONKind == jsontext.KindBeginObject:
		return "must not be a JSON object"
	case e.JSONKind == jsontext.KindBeginArray:
		return "must not be a JSON array"
	case e.JSONKind == jsontext.KindTrue, e.JSONKind == jsontext.KindFalse:
		return "must not be a JSON boolean"
	case e.Err == nil:
		return "must not be a JSON " + e.JSONKind.String()
	case e.GoType == reflect.TypeFor[time.Time]():
		return "must be an RFC 3339 time such as 2026-01-31T12:00:00Z"
	case e.JSONKind == jsontext.KindNumber:
		return "must be a whole number in range"
	}
	return "is invalid: " + e.Err.Error()
}

// path is a field's path, such as "data.name". A long one is cut.
func path(within string, p jsontext.Pointer) string {
	names := strings.Split(within, ".")
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return PrintableStart(strings.TrimPrefix(strings.Join(names, "."), "."))
}

// where starts a detail about a field, if there is one.
func where(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func malformed(title, detail string) *api.Problem {
	return api.NewProblem(api.CodeMalformed, title, detail)
}
