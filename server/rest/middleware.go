package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
)

type contextKey struct{}

// scope is what belongs to one request.
type scope struct {
	id     string // under which it is logged and answered
	counts bool   // towards the rates
	held   int64  // bytes of the budget, given back at its end
}

func scopeOf(ctx context.Context) *scope { return ctx.Value(contextKey{}).(*scope) }

// recorder notes what was answered. Unwrap lets http.ResponseController through.
type recorder struct {
	http.ResponseWriter
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
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// withRequest gives the request its id, and logs and measures it.
func (s *server) withRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := r.Header.Get("X-Request-Id")
		if len(id) > 64 || !validKey(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", id)
		own := &scope{id: id}
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, own))
		rec := &recorder{ResponseWriter: w}
		defer func() {
			s.admission.bytes.Free(own.held)
			if rec.status == 0 {
				rec.status = http.StatusOK
			}
			took := time.Since(began)
			s.metrics.observe(r, rec.status, took)
			s.log.LogAttrs(r.Context(), level(r), "request",
				slog.String("request", id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
				slog.Int("status", rec.status), slog.Int("bytes", rec.bytes), slog.Duration("took", took))
		}()
		next.ServeHTTP(rec, r)
	})
}

// level keeps what monitors ask every few seconds out of the usual log.
func level(r *http.Request) slog.Level {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// withRecovery turns a panic into an answer and a line in the log: one request's
// bug is not the others' end.
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
			s.log.Error("panic", "request", scopeOf(r.Context()).id, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer is out: it must not look whole
			}
			writeProblem(w, problemOf(fmt.Errorf("panic: %v", v)))
		}()
		next.ServeHTTP(w, r)
	})
}

const contentPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'; object-src 'none'"

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses writes that a page of another site asks a browser for. With
// the JSON content type, which such a page can't send unasked, this is the
// defence against forged requests, as long as there is no sign-in to steal.
func sameSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
				writeProblem(w, newProblem(api.CodeCrossSite, "Another site's request", "pages of other sites can't write here"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
