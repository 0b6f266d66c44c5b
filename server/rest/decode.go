package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
)

// decodeBody reads a request's body, which must be one JSON object of at most
// most bytes with no other than the given fields, into v. Its error is an
// *api.Problem or limit.ErrFull.
func (s *server) decodeBody(w http.ResponseWriter, r *http.Request, most int64, v any, fields ...string) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return newProblem(api.CodeMediaType, "Not JSON", "the body must be sent with Content-Type: application/json")
	}
	body, err := io.ReadAll(heldReader{http.MaxBytesReader(w, r.Body, most), func(n int64) error { return s.hold(r, n) }})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return newProblem(api.CodeTooLarge, "Body too large", fmt.Sprintf("at most %d bytes are allowed", most))
	case errors.Is(err, limit.ErrFull):
		return err
	case err != nil:
		return newProblem(api.CodeMalformed, "The body ended early", "it was not received whole")
	}
	return decodeObject(body, v, fields...)
}

// decodeObject decodes one JSON object. It is stricter than encoding/json, which
// takes fields in any case, and turns bytes that aren't UTF-8 into other text.
func decodeObject(body []byte, v any, fields ...string) error {
	if !utf8.Valid(body) {
		return newProblem(api.CodeMalformed, "Not JSON", "the body is not UTF-8 text")
	}
	body = bytes.TrimSpace(body)
	var present map[string]json.RawMessage
	if err := json.Unmarshal(body, &present); err != nil || present == nil {
		return notAnObject(err)
	}
	for name := range present {
		if !slices.Contains(fields, name) {
			return store.UnknownField(name)
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return store.Invalid("A field has the wrong type", api.FieldError{
				Field: jsonField(kind.Field), Detail: "must not be a JSON " + kind.Value})
		}
		return store.Invalid("A field has the wrong form", api.FieldError{Field: "", Detail: err.Error()})
	}
	return nil
}

// jsonField is the request's own path to a field: encoding/json puts the Go name
// of an embedded struct into it.
func jsonField(path string) string { return strings.TrimPrefix(path, "UserPatch.") }

func notAnObject(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return newProblem(api.CodeMalformed, "Not JSON", fmt.Sprintf("%v, at byte %d", syntax, syntax.Offset))
	}
	return newProblem(api.CodeMalformed, "Not a JSON object", "the body must be one JSON object")
}
