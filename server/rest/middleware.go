package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/origin"
)

type contextKey struct{}

// scope is the state of one request.
type scope struct {
	id       string // in the log and in the response
	network  string // whose rates and shares count; empty if none do
	reserved int64  // bytes, released at its end
	refused  bool   // by a limit

	who   account.Principal // zero for nobody
	needs account.Role      // of the route
}

func scopeOf(ctx context.Context) *scope { return ctx.Value(contextKey{}).(*scope) }

// recorder records a response's status and size.
type recorder struct {
	paced
	status int
	bytes  int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.paced.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// withRequest gives a request its id, and logs and measures it.
func (s *server) withRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := r.Header.Get("X-Request-Id")
		if !api.ValidLabel(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", id)
		own := &scope{id: id, network: s.admission.limits.network(r)}
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, own))
		rec := &recorder{paced: pace(w, r, s.steady)}
		defer func() {
			s.admission.bytes.Release(own.network, own.reserved)
			if rec.status == 0 && own.refused {
				rec.status = http.StatusServiceUnavailable // reset, without an answer
			}
			if rec.status == 0 {
				rec.status = http.StatusOK
			}
			took := time.Since(began)
			s.metrics.observe(r, rec.status, took)
			s.log.LogAttrs(r.Context(), level(r, own), "request",
				slog.String("request", id), slog.String("method", cut(r.Method)), slog.String("path", cut(r.URL.EscapedPath())),
				slog.String("account", own.who.Account), slog.Int("status", rec.status), slog.Int("bytes", rec.bytes), slog.Duration("took", took))
		}()
		next.ServeHTTP(rec, r)
	})
}

// maxLogged is how much of what a client sends is logged, or said to it again.
const maxLogged = 200

// cut returns a text as it is logged. A path is passed escaped, so that it is visible ASCII.
func cut(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	return text[:maxLogged] + "..."
}

// level keeps the requests of monitors, every few seconds, out of the usual log, and those
// over a limit, which nothing bounds.
func level(r *http.Request, own *scope) slog.Level {
	if r.URL.Path == api.PathHealth || r.URL.Path == api.PathReady || own.refused {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// withRecovery answers a request that panics, and logs the panic: a bug in one request must
// not stop the others.
func (s *server) withRecovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			s.log.Error("a request panicked; this is a bug", "request", scopeOf(r.Context()).id, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // a part is sent: it must not look complete
			}
			writeProblem(w, problemOf(fmt.Errorf("panic: %v", v)))
		}()
		next.ServeHTTP(w, r)
	})
}

const contentPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'; object-src 'none'"

// headers are those of every answer. All answers share the values, which nobody changes.
var headers = http.Header{
	"Content-Security-Policy":      {contentPolicy},
	"X-Content-Type-Options":       {"nosniff"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
}

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		maps.Copy(h, headers)
		if r.TLS != nil && !origin.IsLocalhost(r.Host) { // there it would bind other programs
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, api.PathPrefix) {
			h.Set("Cache-Control", "no-store, no-transform")
		}
		next.ServeHTTP(w, r)
	})
}
