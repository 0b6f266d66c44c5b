package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
)

// statuses is the status each code is answered with.
var statuses = map[api.Code]int{
	api.CodeMalformed:       http.StatusBadRequest,
	api.CodeInvalid:         http.StatusBadRequest,
	api.CodeUnknownField:    http.StatusBadRequest,
	api.CodeBadCursor:       http.StatusBadRequest,
	api.CodeCrossSite:       http.StatusForbidden,
	api.CodeNotFound:        http.StatusNotFound,
	api.CodeNoRoute:         http.StatusNotFound,
	api.CodeMethod:          http.StatusMethodNotAllowed,
	api.CodeConflict:        http.StatusConflict,
	api.CodeEmailTaken:      http.StatusConflict,
	api.CodeResync:          http.StatusGone,
	api.CodePrecondition:    http.StatusPreconditionFailed,
	api.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	api.CodeMediaType:       http.StatusUnsupportedMediaType,
	api.CodeKeyReused:       http.StatusUnprocessableEntity,
	api.CodeSignIn:          http.StatusUnauthorized,
	api.CodeRateLimited:     http.StatusTooManyRequests,
	api.CodePreconditionReq: http.StatusPreconditionRequired,
	api.CodeInternal:        http.StatusInternalServerError,
	api.CodeUnavailable:     http.StatusServiceUnavailable,
}

// newProblem makes a problem with the code's status. A test sees to it that every
// code has one.
func newProblem(code api.Code, title, detail string) *api.Problem {
	return &api.Problem{Title: title, Detail: detail, Code: code, Status: statuses[code]}
}

// problemOf is the one place where an error becomes an answer.
func problemOf(err error) *api.Problem {
	var p *api.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, store.ErrNotFound):
		return newProblem(api.CodeNotFound, "No such user", "there is no user with this id, or it was deleted")
	case errors.Is(err, feed.ErrBadCursor):
		return newProblem(api.CodeBadCursor, "Not a cursor", "a cursor must be one that the feed gave")
	case errors.Is(err, feed.ErrResync):
		return newProblem(api.CodeResync, "Start again", "the feed no longer reaches back to this cursor; read it from the beginning, with no cursor")
	case errors.Is(err, store.ErrBusy), errors.Is(err, limit.ErrFull):
		return newProblem(api.CodeUnavailable, "Too busy", "too much is waiting already; try again")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(api.CodeUnavailable, "Not now", "the server could not do this now; it can be sent again")
	}
	return newProblem(api.CodeInternal, "Internal error", "the server failed unexpectedly; its log says more under this answer's X-Request-Id")
}

// fail answers with an error, and logs those that are the server's fault.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= 500 && r.Context().Err() == nil {
		s.log.Error("request failed", "request", scopeOf(r.Context()).id, "error", err)
	}
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p *api.Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		// A Problem is strings and numbers: this can't happen, and must not pass in silence.
		panic("encode a problem: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	send(w, append(body, '\n'))
}

// seconds is a time to wait as Retry-After has it: whole seconds, never too few.
func seconds(wait time.Duration) string {
	return strconv.FormatInt(int64(max(1, (wait+time.Second-1)/time.Second)), 10)
}

// send writes the last of an answer. Its error says that the client has gone,
// which is nobody's concern any more.
func send(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	send(w, body)
}
