package rest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
)

// decodeBody reads a request's body, which must be one JSON object of at most
// most bytes, into v, strictly but for what is allowed. Its error is an *api.Problem or
// limit.ErrFull.
func (s *server) decodeBody(w http.ResponseWriter, r *http.Request, most int64, v any, allowed ...jsontext.Options) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return api.NewProblem(api.CodeMediaType, "Not JSON", "the body must be sent with Content-Type: application/json")
	}
	body, err := io.ReadAll(heldReader{http.MaxBytesReader(w, r.Body, most), func(n int64) error { return s.hold(r, n) }})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return api.NewProblem(api.CodeTooLarge, "Body too large", fmt.Sprintf("at most %d bytes are allowed", most))
	case errors.Is(err, limit.ErrFull):
		return err
	case err != nil:
		return api.NewProblem(api.CodeMalformed, "The body ended early", "it was not received whole")
	}
	if tooDeep(body) {
		return api.NewProblem(api.CodeMalformed, "Nested too deeply", fmt.Sprintf("at most %d levels are allowed", maxDepth))
	}
	if p := store.DecodeObject(body, v, "", allowed...); p != nil {
		return p
	}
	return nil
}

// maxDepth is how deep a body may be nested, well above what any request needs: decoding
// takes stack for each level, and the library would go down 10,000.
const maxDepth = 64

// tooDeep reports whether JSON is nested deeper than that.
func tooDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			if depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
