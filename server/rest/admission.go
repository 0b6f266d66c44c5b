package rest

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
)

// Limits bound what clients can use of the server. A zero rate is no limit; for the other
// fields, zero is the default.
type Limits struct {
	// Address is the rate of API requests from one address, and as much again of all others;
	// see Proxies. Client is the
	// rate of batches from one client id. A client can make up its id, so its address
	// counts as well.
	Address limit.Rate
	Client  limit.Rate
	// Proxies are trusted to name the address they forward for, as is this machine.
	Proxies Proxies
	// Exempt are the networks whose own requests have neither rates nor shares; nil for
	// ThisMachine.
	Exempt []netip.Prefix

	Reads   int   // concurrent reads of the store; more wait
	Waiting int   // waiting reads; more are answered 503
	Bytes   int64 // of received bodies, pages being sent and cached pages, together
	Streams int   // concurrent event streams
	// Share is the part of Bytes, Streams, waiting reads and waiting writes that one limit.Network may
	// hold, in percent.
	Share int
}

// Defaults of Limits.
const (
	DefaultReads   = 64
	DefaultWaiting = 1024
	DefaultBytes   = 128 << 20
	DefaultStreams = 10000
	DefaultShare   = 25
)

// maxBuckets bounds the memory for rates: some 300 bytes for each address or client.
const maxBuckets = 50_000

// readTimeout bounds a read with its wait: a client has no use for a later answer, and
// retries.
const readTimeout = 10 * time.Second

// admission enforces the limits.
type admission struct {
	limits     Limits
	addresses  *limit.Buckets
	site       *limit.Buckets // by address as well: loading the app must not take from its syncing
	clients    *limit.Buckets
	reads      *limit.Turns
	processing *limit.Turns  // what takes a processor for long: encoding pages, decoding batches
	reading    *limit.Shares // reads that run or wait
	writing    *limit.Shares // writes that wait to be durable
	queue      *limit.Turns  // writes in the store's own queue
	bytes      *limit.Shares
	streams    *limit.Shares
	requests   *limit.Shares // over HTTP/2
	refused    refusals
}

func newAdmission(l Limits) *admission {
	l.Reads, l.Waiting = cmp.Or(l.Reads, DefaultReads), cmp.Or(l.Waiting, DefaultWaiting)
	l.Bytes, l.Streams = cmp.Or(l.Bytes, DefaultBytes), cmp.Or(l.Streams, DefaultStreams)
	l.Share, l.Exempt = cmp.Or(l.Share, DefaultShare), l.exempt()
	shares := func(total int64) *limit.Shares { return limit.NewShares(total, max(1, total*int64(l.Share)/100)) }
	processors := max(2, runtime.GOMAXPROCS(0))
	return &admission{
		refused:    refusals{told: rate.Sometimes{Interval: refusalPause}},
		limits:     l,
		addresses:  limit.NewBuckets(l.Address, maxBuckets),
		site:       limit.NewBuckets(l.Address, maxBuckets),
		clients:    limit.NewBuckets(l.Client, maxBuckets),
		reads:      limit.NewTurns(l.Reads, max(1, l.Reads-1), l.Waiting),
		processing: limit.NewTurns(processors, processors-1, l.Waiting),
		reading:    shares(int64(l.Reads + l.Waiting)),
		writing:    shares(group.MaxWaiting),
		queue:      limit.NewTurns(group.MaxWaiting, maxQueued, group.MaxWaiting),
		bytes:      shares(l.Bytes - l.cacheBytes()),
		streams:    shares(int64(l.Streams)),
		requests:   shares(2 * int64(l.Streams)),
	}
}

// cacheBytes is the part of Bytes that cached pages may take.
func (l Limits) cacheBytes() int64 { return l.Bytes / 8 }

// withRate answers 429 to an address over its rate, before it reads the body.
func (s *server) withRate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		network := scopeOf(r.Context()).network
		buckets, by := s.admission.site, "site"
		if strings.HasPrefix(r.URL.Path, api.PathPrefix) {
			buckets, by = s.admission.addresses, "address"
		}
		if network != "" {
			if err := s.admit(r, w, buckets, by, network); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// withShare bounds the requests of a network over HTTP/2, until their answers are taken: where
// HTTP/1 has one on a connection, HTTP/2 may have a hundred, and each holds what net/http has
// for it.
func (s *server) withShare(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		network := scopeOf(r.Context()).network
		if s.admission.requests.Take(network, 1) != nil {
			s.refuse(r, "requests")
			panic(http.ErrAbortHandler) // an answer would be held, too
		}
		defer s.admission.requests.Release(network, 1)
		next.ServeHTTP(w, r)
		_ = http.NewResponseController(w).Flush() // an error means that the client is gone
	})
}

// refusals counts what is refused before it is looked at. There is no bound to that, so it is
// not logged one by one.
type refusals struct {
	since atomic.Int64
	told  rate.Sometimes
}

// refuse takes note of a refused request. by is the limit.
func (s *server) refuse(r *http.Request, by string) {
	own := scopeOf(r.Context())
	own.refused = true
	s.admission.refused.since.Add(1)
	s.admission.refused.told.Do(func() {
		s.log.Warn("refused requests over a limit; the next such line comes in a minute at the earliest",
			"request", own.id, "network", own.network, "by", by, "refused", s.admission.refused.since.Swap(0))
	})
}

// admitClient does the same for a batch's client id. Everybody sees it in a history, so it counts with
// the account: nobody uses up another one's rate.
func (s *server) admitClient(w http.ResponseWriter, r *http.Request, clientID string) error {
	if scopeOf(r.Context()).network == "" {
		return nil
	}
	return s.admit(r, w, s.admission.clients, "client", scopeOf(r.Context()).who.Account+" "+clientID)
}

func (s *server) admit(r *http.Request, w http.ResponseWriter, b *limit.Buckets, by, key string) error {
	wait, ok := b.Take(key, time.Now())
	if ok {
		return nil
	}
	s.metrics.limited.WithLabelValues(by).Inc()
	s.refuse(r, by)
	w.Header().Set("Retry-After", seconds(wait))
	return api.NewProblem(api.CodeRateLimited, "Too many requests", "wait for the time in Retry-After, then try again")
}

// reserve reserves bytes until the request is answered. It fails with limit.ErrFull.
func (s *server) reserve(r *http.Request, n int64) error {
	own := scopeOf(r.Context())
	if err := s.admission.bytes.Take(own.network, n); err != nil {
		return err
	}
	own.reserved += n
	return nil
}

// reservingReader reserves the bytes read through it. They count as they arrive: a client
// that announces a long body and does not send it takes nothing.
type reservingReader struct {
	io.Reader
	reserve func(int64) error
}

func (r reservingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if full := r.reserve(int64(n)); full != nil {
		return 0, full
	}
	return n, err
}

// limitedStore bounds the concurrent reads of a store. No slot is held while bytes go to or
// come from a client, so slow clients don't use them up.
type limitedStore struct {
	Store
	reads   *limit.Turns
	reading *limit.Shares
	writing *limit.Shares
	queue   *limit.Turns
}

// maxQueued is how many writes of one network are in the store's queue, which is in the order
// of arrival: another one's waits for no more than that.
const maxQueued = 256

// Apply implements Store. The store's queue of writes has room for one network's share only,
// so a large batch goes there in parts.
func (l limitedStore) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	part := maxQueued
	if scopeOf(ctx).network != "" {
		part = min(part, int(l.writing.Share()))
	}
	outcomes := make([]store.Outcome, 0, len(writes))
	for some := range slices.Chunk(writes, part) {
		done, err := l.applyPart(ctx, some)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes, nil
}

func (l limitedStore) applyPart(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	network, n := scopeOf(ctx).network, int64(len(writes))
	if err := l.writing.Take(network, n); err != nil {
		return nil, err
	}
	defer l.writing.Release(network, n)
	release, err := l.queue.Acquire(ctx, network, len(writes))
	if err != nil {
		return nil, err
	}
	defer release()
	return l.Store.Apply(ctx, writes)
}

// limited calls read while it holds a slot.
func limited[T any](ctx context.Context, l limitedStore, read func(context.Context) (T, error)) (result T, err error) {
	network := scopeOf(ctx).network
	if err := l.reading.Take(network, 1); err != nil {
		return result, err
	}
	defer l.reading.Release(network, 1)
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	release, err := l.reads.Acquire(ctx, network, 1)
	if err != nil {
		return result, err
	}
	defer release()
	return read(ctx)
}

// processorTurn waits until it is the network's turn to use a processor for long.
func (a *admission) processorTurn(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return a.processing.Acquire(ctx, scopeOf(ctx).network, 1)
}

// turnWriter gives a turn to others while a client takes what is written.
type turnWriter struct {
	out     io.Writer
	take    func() (release func(), err error)
	release func() // of the turn that the user of the writer has
}

func (w *turnWriter) Write(b []byte) (int, error) {
	w.release()
	w.release = func() {}
	n, err := w.out.Write(b)
	if err != nil {
		return n, err
	}
	release, err := w.take()
	if err == nil {
		w.release = release
	}
	return n, err
}

func (l limitedStore) User(ctx context.Context, id string) (store.Row, error) {
	return limited(ctx, l, func(ctx context.Context) (store.Row, error) { return l.Store.User(ctx, id) })
}

func (l limitedStore) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	return limited(ctx, l, func(ctx context.Context) (store.List, error) { return l.Store.Users(ctx, q) })
}

func (l limitedStore) Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	return limited(ctx, l, func(ctx context.Context) (api.ChangePage, error) { return l.Store.Changes(ctx, cursor, limit) })
}

func (l limitedStore) Revision(ctx context.Context) (string, error) {
	return limited(ctx, l, l.Store.Revision)
}

func (l limitedStore) Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error) {
	return limited(ctx, l, func(ctx context.Context) (api.BucketPage, error) { return l.Store.Bucket(ctx, q) })
}

func (l limitedStore) History(ctx context.Context, id string, until int64) (store.Past, error) {
	return limited(ctx, l, func(ctx context.Context) (store.Past, error) { return l.Store.History(ctx, id, until) })
}

func (l limitedStore) AuditBefore(ctx context.Context, number int64, limit int) ([]account.Event, error) {
	return limited(ctx, l, func(ctx context.Context) ([]account.Event, error) { return l.Store.AuditBefore(ctx, number, limit) })
}

// headCache is the feed's head for thousands of streams: it is read once for all of them
// after each notification.
type headCache struct {
	store Store
	hub   *feed.Hub

	lock       chan struct{} // a mutex whose wait can be canceled
	valid      bool
	generation uint64 // the hub's, before head was read
	head       string
}

func newHeadCache(s Store, hub *feed.Hub) *headCache {
	return &headCache{store: s, hub: hub, lock: make(chan struct{}, 1)}
}

// get returns a head that includes every change that was notified before the call.
func (h *headCache) get(ctx context.Context) (string, error) {
	needed := h.hub.Generation()
	select {
	case h.lock <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-h.lock }()
	if h.valid && h.generation >= needed {
		return h.head, nil
	}
	generation := h.hub.Generation()
	head, err := h.store.Head(ctx)
	if err != nil {
		return "", err
	}
	h.valid, h.generation, h.head = true, generation, head
	return head, nil
}
