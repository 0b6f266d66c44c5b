// Package rest is Rollcall over HTTP, as docs/openapi.yaml says: plain REST for
// any client, and the batch, the feed and the event stream for the sync engine.
//
// Every answer that is an error is an application/problem+json with a stable
// code. What a write does is decided by the store's package; this one only turns
// requests into writes and outcomes into answers.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Store is what the HTTP interface needs of a store.
type Store interface {
	// Apply does the writes in order and answers each once it is durable.
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
	// User returns a live user's row, or store.ErrNotFound.
	User(ctx context.Context, id string) (store.Row, error)
	Users(ctx context.Context, q store.ListQuery) (store.List, error)
	// Changes returns the page of the feed behind a cursor's text, or
	// feed.ErrBadCursor or feed.ErrResync. Head is the cursor behind everything.
	Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
	Head(ctx context.Context) (string, error)
	// Revision is another text whenever any page may be another.
	Revision(ctx context.Context) (string, error)
	// Bucket returns a page of live users by id; its errors are those of Changes.
	Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error)
}

// Config is what the HTTP interface is made of. Store and Hub are required.
type Config struct {
	Store  Store
	Hub    *feed.Hub    // told by the store; closed to end the streams
	Static http.Handler // everything outside /api; nil for none
	Log    *slog.Logger // nil for none
	Ping   time.Duration
	Limits Limits
	// Metrics, nil for its own, are shared with who measures the store.
	Metrics *Metrics
}

// DefaultPing is how often a silent event stream shows that it is alive.
const DefaultPing = 25 * time.Second

type server struct {
	store     Store
	hub       *feed.Hub
	heads     *heads
	pages     *pages
	log       *slog.Logger
	ping      time.Duration
	admission *admission
	metrics   *Metrics
}

// New makes the handler of all of Rollcall's addresses.
func New(c Config) http.Handler {
	s := &server{hub: c.Hub, log: c.Log, ping: c.Ping, metrics: c.Metrics, admission: newAdmission(c.Limits)}
	s.store = gated{c.Store, s.admission.reads}
	s.heads, s.pages = newHeads(c.Store, c.Hub), newPages()
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.ping == 0 {
		s.ping = DefaultPing
	}
	if s.metrics == nil {
		s.metrics = NewMetrics()
	}
	s.metrics.watch(s.hub, s.admission)

	mux := http.NewServeMux()
	mux.Handle(api.PathUsers, methods{"GET": s.listUsers, "POST": s.createUser})
	mux.Handle(api.PathUser, methods{"GET": s.getUser, "PATCH": s.updateUser, "DELETE": s.deleteUser})
	mux.Handle(api.PathOperations, methods{"POST": s.applyOperations})
	mux.Handle(api.PathChanges, methods{"GET": s.listChanges})
	mux.Handle(api.PathBucket, methods{"GET": s.listBucket})
	mux.Handle(api.PathEvents, methods{"GET": s.streamEvents})
	mux.Handle(api.PathHealth, methods{"GET": s.healthy})
	mux.Handle(api.PathReady, methods{"GET": s.ready})
	mux.Handle(api.PathMetrics, methods{"GET": promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP})
	mux.HandleFunc(api.PathPrefix, noRoute)
	if c.Static != nil {
		mux.Handle("/", c.Static)
	} else {
		mux.HandleFunc("/", noRoute)
	}
	return s.withRequest(s.withRecovery(withHeaders(s.withRate(sameSite(mux)))))
}

func noRoute(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, api.NewProblem(api.CodeNoRoute, "No such address", "there is nothing at "+r.URL.Path))
}

// methods is an address by method. HEAD is GET without the body, which
// net/http leaves away.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		h(w, r)
		return
	}
	var allow []string
	for name := range m {
		allow = append(allow, name)
		if name == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeProblem(w, api.NewProblem(api.CodeMethod, "Method not allowed", "this address takes "+strings.Join(allow, ", ")))
}

func (s *server) healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`+"\n"))
}

// ready is about the store: whether requests can be served at all.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.hub.Done():
		writeProblem(w, api.NewProblem(api.CodeUnavailable, "Stopping", "the server is shutting down"))
		return
	default:
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.store.Head(ctx); err != nil {
		s.log.Error("not ready", "error", err)
		writeProblem(w, api.NewProblem(api.CodeUnavailable, "Not ready", "the store can't be read"))
		return
	}
	s.healthy(w, r)
}
