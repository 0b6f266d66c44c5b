package rest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// world is the HTTP interface over a real store, whose every answer is held
// against docs/openapi.yaml.
type world struct {
	t      *testing.T
	server *httptest.Server
	store  *sqlite.Store
	hub    *feed.Hub

	metrics *rest.Metrics
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newLimitedWorld(t, rest.Limits{})
}

func newLimitedWorld(t *testing.T, limits rest.Limits) *world {
	t.Helper()
	hub := feed.NewHub()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Committed: hub.Notify})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, hub: hub, metrics: rest.NewMetrics()}
	handler := rest.New(rest.Config{Store: s, Hub: hub, Ping: 20 * time.Millisecond, Limits: limits, Metrics: w.metrics})
	w.server = httptest.NewServer(contracttest.Load(t).Handler(t, handler))
	t.Cleanup(func() {
		hub.Close()
		w.server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// answer is a whole HTTP answer.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   []byte
}

// scrape returns what Prometheus reads.
func scrape(m *rest.Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", http.NoBody))
	return w.Body.String()
}

// do sends a request. Header are
// pairs of name and value; a body that is not text is sent as JSON.
func (w *world) do(method, path string, body any, header ...string) answer {
	w.t.Helper()
	var content []byte
	switch b := body.(type) {
	case nil:
	case string:
		content = []byte(b)
	default:
		var err error
		if content, err = json.Marshal(b); err != nil {
			w.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, bytes.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{t: w.t, Status: resp.StatusCode, Header: resp.Header}
	a.Body, err = io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		w.t.Error(err)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// status fails the test unless the answer has it.
func (a answer) status(want int) answer {
	a.t.Helper()
	if a.Status != want {
		a.t.Fatalf("status %d, want %d: %s", a.Status, want, a.Body)
	}
	return a
}

// problem fails the test unless the answer is a problem with the status and code.
func (a answer) problem(status int, code api.Code) api.Problem {
	a.t.Helper()
	a.status(status)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("content type %q", got)
	}
	p := decode[api.Problem](a)
	if p.Code != code || p.Status != status {
		a.t.Fatalf("problem %q with status %d, want %q: %s", p.Code, p.Status, code, a.Body)
	}
	return p
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.Body, &v); err != nil {
		a.t.Fatalf("decode %s: %v", a.Body, err)
	}
	return v
}

// head is the feed's end: it moves if and only if something was stored.
func (w *world) head() string {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

func (w *world) create(name, email string) api.User {
	w.t.Helper()
	return decode[api.User](w.do("POST", "/api/v1/users", map[string]string{"name": name, "email": email}).status(201))
}

type fields = map[string]any

func operation(id string, t api.OperationType, base int64, data any) fields {
	op := fields{"id": uuid.NewString(), "entityType": "user", "entityId": id, "type": t,
		"baseVersion": base, "createdAt": "2026-01-31T12:00:00Z"}
	if data != nil {
		op["data"] = data
	}
	return op
}

func batchOf(operations ...any) fields {
	return fields{"clientId": "5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11", "operations": operations}
}

func (w *world) push(operations ...any) []api.Result {
	w.t.Helper()
	r := decode[api.BatchResult](w.do("POST", "/api/v1/operations", batchOf(operations...)).status(200)).Results
	if len(r) != len(operations) {
		w.t.Fatalf("%d results for %d operations", len(r), len(operations))
	}
	return r
}
