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
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
)

// problemOf is the one place that turns an error into a problem.
func problemOf(err error) *api.Problem {
	var p *api.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, new(*signin.TooManyError)):
		return api.NewProblem(api.CodeRateLimited, "Too many attempts to sign in", "wait for the time in Retry-After, then try again")
	case errors.Is(err, store.ErrNotFound):
		return api.NewProblem(api.CodeNotFound, "User not found", "there is no user with this id, or it was deleted")
	case errors.Is(err, feed.ErrBadCursor):
		return api.NewProblem(api.CodeBadCursor, "Invalid cursor", "use a cursor that the feed returned")
	case errors.Is(err, feed.ErrResync):
		return api.NewProblem(api.CodeResync, "Resync required", "the feed no longer reaches back to this cursor; read it from the beginning, without a cursor")
	case errors.Is(err, store.ErrBusy), errors.Is(err, limit.ErrFull):
		return api.NewProblem(api.CodeUnavailable, "Server busy", "too many requests are waiting; try again later")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.NewProblem(api.CodeUnavailable, "Temporarily unavailable", "the server could not do this now; try again later")
	}
	return api.NewProblem(api.CodeInternal, "Internal error", "this is a bug in the server; its log has the details under this response's X-Request-Id")
}

// fail answers with an error, and logs it if it is the server's fault.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status >= 500 && r.Context().Err() == nil {
		s.log.Error("request failed", "request", scopeOf(r.Context()).id, "error", err)
	}
	if wait := (*signin.TooManyError)(nil); errors.As(err, &wait) {
		w.Header().Set("Retry-After", seconds(wait.Wait))
		s.metrics.limited.WithLabelValues("sign-in").Inc()
	}
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p *api.Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		panic("encode a problem: " + err.Error()) // it is strings and numbers
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	body = append(body, '\n')
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	send(w, body)
}

// seconds formats a wait for Retry-After: whole seconds, rounded up.
func seconds(wait time.Duration) string {
	return strconv.FormatInt(int64(max(1, (wait+time.Second-1)/time.Second)), 10)
}

// send writes the end of a response. An error means that the client is gone.
func send(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	send(w, body)
}
