package rest

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
)

// Limits bound what clients can take of the server. Zero rates are no limit; of
// the others, zero takes the default.
type Limits struct {
	// Address is how often one address may ask; see Proxies. Client is how often
	// one client id may send a batch. An id is the client's own word, so its address
	// counts as well.
	Address limit.Rate
	Client  limit.Rate
	// Proxies are believed about whom they ask for, beside those on this machine.
	Proxies Proxies

	Reads   int   // at once, from the store; others wait
	Waiting int   // that wait for a read; more are answered 503
	Bytes   int64 // of bodies received and pages being sent, together
	Streams int   // event streams
}

// Defaults of Limits.
const (
	DefaultReads   = 64
	DefaultWaiting = 1024
	DefaultBytes   = 128 << 20
	DefaultStreams = 10000
)

// buckets bounds the memory for rates: some 300 bytes for each address or client.
const buckets = 50_000

// readPatience is how long a read may wait and take: who asked has little use for
// a later answer, and asks again.
const readPatience = 10 * time.Second

// admission is what of the limits is in use.
type admission struct {
	limits    Limits
	addresses *limit.Buckets
	clients   *limit.Buckets
	reads     *limit.Gate
	bytes     *limit.Budget
}

func newAdmission(l Limits) *admission {
	l.Reads, l.Waiting = cmp.Or(l.Reads, DefaultReads), cmp.Or(l.Waiting, DefaultWaiting)
	l.Bytes, l.Streams = cmp.Or(l.Bytes, DefaultBytes), cmp.Or(l.Streams, DefaultStreams)
	return &admission{
		limits:    l,
		addresses: limit.NewBuckets(l.Address, buckets),
		clients:   limit.NewBuckets(l.Client, buckets),
		reads:     limit.NewGate(l.Reads, l.Waiting),
		bytes:     limit.NewBudget(l.Bytes),
	}
}

// withRate answers who asks the API too often with 429, before anything is read.
func (s *server) withRate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, api.PathPrefix) {
			key, counts := s.admission.limits.Proxies.client(r)
			scopeOf(r.Context()).counts = counts
			if counts && !s.admit(w, s.admission.addresses, "address", key) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// admitClient is withRate for the client id of a batch.
func (s *server) admitClient(w http.ResponseWriter, r *http.Request, clientID string) bool {
	return !scopeOf(r.Context()).counts || s.admit(w, s.admission.clients, "client", clientID)
}

func (s *server) admit(w http.ResponseWriter, b *limit.Buckets, by, key string) bool {
	wait, ok := b.Take(key, time.Now())
	if !ok {
		s.metrics.limited.WithLabelValues(by).Inc()
		w.Header().Set("Retry-After", seconds(wait))
		writeProblem(w, api.NewProblem(api.CodeRateLimited, "Too many requests", "ask again after the time in Retry-After"))
	}
	return ok
}

// hold counts bytes that are kept for a request until it is answered. It fails
// with limit.ErrFull when too many are.
func (s *server) hold(r *http.Request, n int64) error {
	if err := s.admission.bytes.Hold(n); err != nil {
		return err
	}
	scopeOf(r.Context()).held += n
	return nil
}

// heldReader holds the bytes that are read through it. They are counted as they
// come: who announces a long body and doesn't send it takes nothing.
type heldReader struct {
	io.Reader
	hold func(int64) error
}

func (h heldReader) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if full := h.hold(int64(n)); full != nil {
		return 0, full
	}
	return n, err
}

// gated is a store of which not too many read at once. Nobody keeps a place while
// bytes go to or come from a client, so that slow clients don't take the places.
type gated struct {
	Store
	reads *limit.Gate
}

func (g gated) enter(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	leave, err := g.reads.Enter(ctx)
	if err != nil {
		cancel()
		return ctx, nil, err
	}
	return ctx, func() { leave(); cancel() }, nil
}

func (g gated) User(ctx context.Context, id string) (store.Row, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return store.Row{}, err
	}
	defer leave()
	return g.Store.User(ctx, id)
}

func (g gated) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return store.List{}, err
	}
	defer leave()
	return g.Store.Users(ctx, q)
}

func (g gated) Changes(ctx context.Context, cursor string, most int) (api.ChangePage, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return api.ChangePage{}, err
	}
	defer leave()
	return g.Store.Changes(ctx, cursor, most)
}

func (g gated) Revision(ctx context.Context) (string, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return g.Store.Revision(ctx)
}

func (g gated) Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error) {
	ctx, leave, err := g.enter(ctx)
	if err != nil {
		return api.BucketPage{}, err
	}
	defer leave()
	return g.Store.Bucket(ctx, q)
}

// heads is the feed's head for thousands of streams: it is read once for all of
// them after each tell.
type heads struct {
	store Store
	hub   *feed.Hub

	lock  chan struct{} // holds one value when nobody reads; unlike a mutex it can be given up on
	known bool
	at    uint64 // the hub's generation before head was read
	head  string
}

func newHeads(s Store, hub *feed.Hub) *heads {
	h := &heads{store: s, hub: hub, lock: make(chan struct{}, 1)}
	h.lock <- struct{}{}
	return h
}

// get returns the cursor behind everything that was told of before the call.
func (h *heads) get(ctx context.Context) (string, error) {
	told := h.hub.Generation()
	select {
	case <-h.lock:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { h.lock <- struct{}{} }()
	if h.known && h.at >= told {
		return h.head, nil
	}
	at := h.hub.Generation()
	head, err := h.store.Head(ctx)
	if err != nil {
		return "", err
	}
	h.known, h.at, h.head = true, at, head
	return head, nil
}
