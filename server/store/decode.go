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

// DecodeObject decodes one JSON object into a struct, or says why it can't. It takes
// nothing in silence that might not be what was meant: no field that the struct hasn't,
// none in another case, none twice, and no text that isn't UTF-8 (I-JSON, RFC 7493), but
// for what the options allow. Problems name fields by their path, which begins with
// within if that isn't empty.
func DecodeObject(text []byte, v any, within string, allowed ...jsontext.Options) *api.Problem {
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("{")) {
		return malformed("Not a JSON object", "it must be one JSON object")
	}
	err := jsonv2.Unmarshal(text, v, jsonv2.RejectUnknownMembers(true), jsonv2.JoinOptions(allowed...))
	var syntax *jsontext.SyntacticError
	var meaning *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return malformed("A field is there twice", where(path(within, syntax.JSONPointer))+"give it once")
	case errors.As(err, &syntax):
		return malformed("Not JSON", where(path(within, syntax.JSONPointer))+fmt.Sprintf("%v, at byte %d", syntax.Err, syntax.ByteOffset))
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &meaning):
		name := path(within, meaning.JSONPointer)
		return api.NewProblem(api.CodeUnknownField, "Unknown field", "there is no field "+name, api.FieldError{Field: name, Detail: "is unknown"})
	case errors.As(err, &meaning):
		return Invalid("A field has the wrong form", api.FieldError{Field: path(within, meaning.JSONPointer), Detail: wrong(meaning)})
	}
	return malformed("Not JSON", err.Error())
}

// wrong says what is wrong with a field.
func wrong(e *jsonv2.SemanticError) string {
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
		return "must be a time of RFC 3339, such as 2026-01-31T12:00:00Z"
	case e.JSONKind == jsontext.KindNumber:
		return "must be a whole number in range"
	}
	return "has the wrong form: " + e.Err.Error()
}

// path is the path of a field, as "data.name": the beginning of a long one.
func path(within string, p jsontext.Pointer) string {
	names := strings.Split(within, ".")
	for name := range p.Tokens() {
		names = append(names, name)
	}
	path := strings.TrimPrefix(strings.Join(names, "."), ".")
	if most := 200; len(path) > most {
		path = strings.ToValidUTF8(path[:most], "") + "…"
	}
	return path
}

// where begins a detail about a field; it is empty for none.
func where(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func malformed(title, detail string) *api.Problem {
	return api.NewProblem(api.CodeMalformed, title, detail)
}
