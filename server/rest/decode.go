package rest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
)

// decodeBody decodes a request's body, one JSON object of at most maxBytes, into v. It is
// strict except for the given options. Its error is an *api.Problem or limit.ErrFull.
func (s *server) decodeBody(w http.ResponseWriter, r *http.Request, maxBytes int64, v any, o ...jsontext.Options) error {
	if !isJSON(r.Header.Get("Content-Type")) {
		return api.NewProblem(api.CodeMediaType, "Unsupported media type", "send the body with Content-Type: application/json")
	}
	body, err := io.ReadAll(reservingReader{http.MaxBytesReader(w, r.Body, maxBytes), func(n int64) error { return s.reserve(r, n) }})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return api.NewProblem(api.CodeTooLarge, "Body too large", fmt.Sprintf("at most %d bytes are allowed", maxBytes))
	case errors.Is(err, limit.ErrFull):
		return err
	case err != nil:
		return api.NewProblem(api.CodeMalformed, "Incomplete body", "the request ended before its whole body arrived")
	}
	// A body may take its time, and outlive what let its sender in.
	if own := scopeOf(r.Context()); own.needs != account.Anyone {
		if err := s.gate.State().Still(own.who, s.gate.Now()); err != nil {
			return err
		}
	}
	if len(body) > longBody {
		release, err := s.admission.processorTurn(r.Context())
		if err != nil {
			return err
		}
		defer release()
	}
	if tooDeep(body) {
		return api.NewProblem(api.CodeMalformed, "JSON nested too deeply", fmt.Sprintf("at most %d levels are allowed", maxDepth))
	}
	if p := store.DecodeObject(body, v, "", o...); p != nil {
		return p
	}
	return nil
}

func isJSON(contentType string) bool {
	const wanted = "application/json"
	if contentType == wanted {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == wanted
}

// longBody is a body that takes milliseconds to decode.
const longBody = 64 << 10

// maxDepth is how deeply a body may be nested, well above what any request needs. Decoding
// takes stack for each level, and the library allows 10,000.
const maxDepth = 64

// tooDeep reports whether JSON is nested deeper than maxDepth.
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
