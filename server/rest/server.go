// Package rest is the HTTP interface of docs/openapi.yaml: plain REST for any client, and the
// batch, the feed and the event stream for the sync engine.
//
// Every error is answered as application/problem+json with a stable code. Package store
// decides what a write does; this package turns requests into writes, and outcomes into
// responses.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/origin"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
)

// Store is what the HTTP interface needs of a store.
type Store interface {
	// Apply does the writes in order and returns their outcomes once they are durable.
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
	// User returns a live user's row, or store.ErrNotFound.
	User(ctx context.Context, id string) (store.Row, error)
	Users(ctx context.Context, q store.ListQuery) (store.List, error)
	// Changes returns the page of the feed after a cursor, or feed.ErrBadCursor or
	// feed.ErrResync. Head is the cursor after the latest change.
	Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
	Head(ctx context.Context) (string, error)
	// Revision differs whenever any page may differ.
	Revision(ctx context.Context) (string, error)
	// Bucket returns a page of live users by id. It fails like Changes.
	Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error)
	// History returns a user with their latest changes up to one.
	History(ctx context.Context, id string, until int64) (store.Past, error)
	// AuditBefore returns the entries of the audit log before a number, the newest first; 0 is
	// after all.
	AuditBefore(ctx context.Context, number int64, limit int) ([]account.Event, error)
	// Effects calls f for each change with an author from a time on, in their order; of one
	// account if it is not nil.
	Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error
}

// Config configures the HTTP interface. Store and Hub are required.
type Config struct {
	Store  Store
	Hub    *feed.Hub     // the store notifies it; closing it ends the streams
	Static http.Handler  // for paths outside the API; nil for none
	Log    *slog.Logger  // nil for none
	Ping   time.Duration // between events of a stream, at most; 0 for DefaultPing
	Limits Limits
	Policy *origin.Policy // nil for one that answers to any name
	Gate   *signin.Gate   // nil for one without accounts
	// KeepHistory has the texts kept that accounts replace. BulkLimit is how many people an
	// account deletes within an hour; 0 for no limit.
	KeepHistory bool
	BulkLimit   int
	Provider    *signin.Provider // where people sign in, too; nil for none
	// AuthHeader is where Limits.Proxies say whom they have signed in; empty for none.
	AuthHeader string
	// BehindProxy refuses what does not come from Limits.Proxies.
	BehindProxy bool
	Metrics     *Metrics // nil for new ones
	// Oldest is the oldest version of the protocol that is taken; 0 for api.OldestProtocol.
	Oldest int
	Steady bool // connections over HTTP/1 are listen.Steady
}

// DefaultPing is how often an event stream without changes shows that it is alive.
const DefaultPing = 25 * time.Second

type server struct {
	store     Store
	hub       *feed.Hub
	heads     *headCache
	pages     *pageCache
	log       *slog.Logger
	ping      time.Duration
	admission *admission
	metrics   *Metrics
	policy    *origin.Policy
	gate      *signin.Gate
	proxied   bool
	vouching  string // AuthHeader
	provider  *signin.Provider
	keepTexts bool
	bulk      *limit.Buckets // deletes by account
	oldest    int
	steady    bool
}

// New returns the handler of all paths.
func New(c Config) http.Handler {
	s := &server{
		hub: c.Hub, log: c.Log, ping: c.Ping, metrics: c.Metrics, policy: c.Policy, gate: c.Gate, proxied: c.BehindProxy, vouching: c.AuthHeader, provider: c.Provider, steady: c.Steady,
		keepTexts: c.KeepHistory, bulk: limit.NewBuckets(limit.Rate{PerSecond: float64(c.BulkLimit) / 3600, Burst: c.BulkLimit}, maxBuckets),
		admission: newAdmission(c.Limits), oldest: cmp.Or(c.Oldest, api.OldestProtocol),
	}
	s.store = limitedStore{c.Store, s.admission.reads, s.admission.reading, s.admission.writing, s.admission.queue}
	s.heads, s.pages = newHeadCache(c.Store, c.Hub), newPageCache(s.admission.limits.cacheBytes())
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.ping == 0 {
		s.ping = DefaultPing
	}
	if s.metrics == nil {
		s.metrics = NewMetrics()
	}
	if s.policy == nil {
		s.policy = new(origin.Policy)
	}
	if s.gate == nil {
		s.gate = signin.None()
	}
	s.metrics.addGauges(s.hub, s.admission, s.pages)

	mux := http.NewServeMux()
	for path, m := range s.routes() {
		mux.Handle(path, s.handler(m))
	}
	if s.provider != nil {
		mux.HandleFunc("GET "+api.PathProviderBack, s.forPeople(s.endProvider))
	}
	mux.HandleFunc(api.PathPrefix, noRoute)
	if c.Static != nil {
		mux.Handle("/", c.Static)
	} else {
		mux.HandleFunc("/", noRoute)
	}
	return s.withRequest(s.withRecovery(s.withShare(withHeaders(s.withRate(s.guard(s.withProtocol(mux)))))))
}

// routes are the paths of the API, and who may ask for them: what names no role is for nobody. A
// batch of who may not write is refused operation by operation, so that none is lost silently.
func (s *server) routes() map[string]methods {
	const anyone, viewer, editor, admin = account.Anyone, account.Viewer, account.Editor, account.Admin
	return map[string]methods{
		api.PathUsers:      {"GET": {viewer, s.listUsers}, "POST": {editor, s.createUser}},
		api.PathUser:       {"GET": {viewer, s.getUser}, "PATCH": {editor, s.updateUser}, "DELETE": {editor, s.deleteUser}},
		api.PathHistory:    {"GET": {viewer, s.showHistory}},
		api.PathRestore:    {"POST": {editor, s.restoreUser}},
		api.PathOperations: {"POST": {viewer, s.applyOperations}},
		api.PathChanges:    {"GET": {viewer, s.listChanges}},
		api.PathBucket:     {"GET": {viewer, s.listBucket}},
		api.PathEvents:     {"GET": {viewer, s.streamEvents}},

		api.PathSession:  {"GET": {anyone, s.showSession}, "POST": {anyone, s.signIn}, "DELETE": {anyone, s.signOut}},
		api.PathPassword: {"PUT": {viewer, s.changePassword}},
		api.PathPasskey:  {"POST": {anyone, s.beginPasskey}, "PUT": {anyone, s.endPasskey}},
		api.PathAccept:   {"POST": {anyone, s.beginAccepting}, "PUT": {anyone, s.endAccepting}},
		api.PathPasskeys: {"GET": {viewer, s.listPasskeys}, "POST": {viewer, s.beginAdding}, "PUT": {viewer, s.addPasskey}},
		api.PathDropKey:  {"DELETE": {viewer, s.dropPasskey}},
		api.PathProvider: {"POST": {anyone, s.beginProvider}},
		api.PathAccounts: {"GET": {admin, s.listAccounts}, "POST": {admin, s.addAccount}},
		api.PathAccount:  {"PATCH": {admin, s.editAccount}},
		api.PathLink:     {"POST": {admin, s.makeLink}},
		api.PathUndo:     {"POST": {admin, s.undoAccount}},
		api.PathGrants:   {"GET": {viewer, s.listGrants}, "POST": {viewer, s.makeToken}},
		api.PathGrant:    {"DELETE": {viewer, s.endGrant}},
		api.PathAudit:    {"GET": {admin, s.listAudit}},

		api.PathHealth: {"GET": {anyone, s.healthy}},
		api.PathReady:  {"GET": {anyone, s.ready}},
	}
}

func noRoute(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, api.NewProblem(api.CodeNoRoute, "Not found", "there is nothing at "+cut(r.URL.EscapedPath())))
}

// route is what a method of a path does, and the role that it needs. An error is answered as a
// problem.
type route struct {
	needs account.Role
	do    func(http.ResponseWriter, *http.Request) error
}

// methods are a path's routes by method.
type methods map[string]route

// handler calls the method's handler for who may. HEAD is GET; net/http drops the body.
func (s *server) handler(m methods) http.HandlerFunc {
	var allow []string
	for name := range m {
		allow = append(allow, name)
		if name == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	allowed := strings.Join(allow, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		h, ok := m[method]
		if !ok {
			w.Header().Set("Allow", allowed)
			writeProblem(w, api.NewProblem(api.CodeMethod, "Method not allowed", "this path accepts "+allowed))
			return
		}
		err := s.authorise(r, h.needs)
		if err == nil {
			err = meant(r, h.needs, scopeOf(r.Context()).who.Account)
		}
		if err == nil {
			err = h.do(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

func (s *server) healthy(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`+"\n"))
	return nil
}

// ready reports whether requests can be served.
func (s *server) ready(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.hub.Done():
		writeProblem(w, api.NewProblem(api.CodeUnavailable, "Shutting down", "the server is shutting down"))
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := s.store.Head(ctx); err != nil {
		s.log.Error("not ready: the database can't be read", "error", err)
		writeProblem(w, api.NewProblem(api.CodeUnavailable, "Not ready", "the database can't be read"))
		return nil
	}
	return s.healthy(w, r)
}
