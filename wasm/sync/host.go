package sync

import (
	"context"
	"errors"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Delays of the host's own timer.
const (
	// PollOpen and PollClosed are the longest that a host goes without a round while the
	// event stream brings events, and while it doesn't: one that opens may stay mute.
	PollOpen   = 5 * time.Minute
	PollClosed = 30 * time.Second
	// MaxReconnect bounds the delay between attempts to reach the server.
	MaxReconnect = 15 * time.Second
	// MaxRounds bounds the rounds of one Drain.
	MaxRounds = 100
)

// maxRequests is how many requests for a round may wait.
const maxRequests = 256

// Host decides when the engine does a round, and publishes its status to the pages. See
// the package comment for its states. All fields but Stream and Incidents are required.
type Host struct {
	// Engine does the rounds. No other host may use it.
	Engine *Engine
	// Bus brings requests for rounds and carries the status. Without delivery the timer
	// alone starts rounds, and pages show an old status.
	Bus Bus
	// Clock is the device's clock, the same as the engine's Now. It may jump.
	Clock Clock
	// Store is the engine's. The host reads the next operation's time and the last status
	// from it.
	Store Store
	// Random spreads the attempts to reach a server that is down; in [0,1).
	Random func() float64
	// Name is ByPage, ByWorker or ByServiceWorker. Status.Host carries it.
	Name string
	// Stream opens the server's event stream and passes on its signals, until ctx ends or
	// the stream can't be had. It reconnects by itself; the host replaces a silent one.
	// Without it the host polls every PollClosed, and others' changes arrive that late.
	Stream func(ctx context.Context, signal func(StreamSignal))
	// Incidents records what went wrong and how it was handled. nil records nothing.
	Incidents *IncidentLog

	mu         stdsync.Mutex
	status     Status
	answeredAt time.Time    // the server's last answer or ping
	storeCalls atomic.Int64 // odd while the host uses its store outside a round
	failures   int          // of rounds, in a row
	notBefore  time.Time    // the end of the server's Retry-After
	streamOpen bool
	requests   chan roundRequest

	rounds       int         // done
	streamLive   atomic.Bool // an event has come on the stream since it opened
	streamWorked atomic.Bool // the same, since the host asked for it
}

// roundRequest asks for a round, or brings news that may call for one.
type roundRequest struct {
	reason Reason
	id     string // of the SyncRequest whose sender waits for the report
	stream *bool  // the event stream is open now, or closed
	online *bool  // the browser is online now, or offline
}

// check returns what is missing.
func (h *Host) check() error {
	w := Wiring{Of: "sync.Host"}
	w.Need("Engine", h.Engine)
	w.Need("Bus", h.Bus)
	w.Need("Clock", h.Clock)
	w.Need("Store", h.Store)
	w.Need("Random", h.Random)
	if h.Name == "" {
		w.Add("Name is missing")
	}
	w.Bus(h.Bus, EngineSide)
	return w.Err()
}

// Run does rounds until ctx ends. The first one begins at once.
func (h *Host) Run(ctx context.Context) error {
	if err := h.check(); err != nil {
		return err
	}
	h.requests = make(chan roundRequest, maxRequests)
	defer h.Bus.Subscribe(h.receive)()
	go h.publishAlive(ctx)
	h.loadStatus(ctx)
	if h.Stream != nil {
		go h.followStreams(ctx)
	}
	err := h.serve(ctx, roundRequest{reason: Start})
	next := h.Clock.Now().Add(h.delay(ctx)) // the timer's next round
	for ctx.Err() == nil && !errors.Is(err, ErrAbandoned) {
		rounds := h.rounds
		select {
		case <-ctx.Done():
		case r := <-h.requests:
			err = h.serve(ctx, r)
		case <-h.Clock.After(max(0, next.Sub(h.Clock.Now()))):
			err = h.serve(ctx, roundRequest{reason: Timer})
			rounds = -1
		}
		// Requests that lead to no round don't put the timer off.
		if due := h.Clock.Now().Add(h.delay(ctx)); rounds != h.rounds || due.Before(next) {
			next = due
		}
	}
	if errors.Is(err, ErrAbandoned) {
		return err // the abandoned goroutine may still use the engine
	}
	return context.Cause(ctx)
}

// Drain does rounds until nothing is left to do or one fails. A service worker calls it
// when the browser wakes it.
func (h *Host) Drain(ctx context.Context, reason Reason) (Report, error) {
	if err := h.check(); err != nil {
		return Report{}, err
	}
	h.loadStatus(ctx)
	var total Report
	for range MaxRounds {
		report, err := h.round(ctx, reason)
		total = total.plus(report)
		if err != nil || !report.More {
			return total, err
		}
	}
	return total, nil
}

// publishAlive publishes WorkerAlive until ctx ends: at rest, in a round, which has its own
// watchdog, and while the host uses its store, unless that takes too long.
func (h *Host) publishAlive(ctx context.Context) {
	var last int64
	var stuck time.Duration
	for {
		if stuck < StuckAfter {
			h.Bus.Publish(Message{Kind: WorkerAlive})
		}
		h.expireOnline()
		select {
		case <-ctx.Done():
			return
		case <-h.Clock.After(AliveEvery):
		}
		if now := h.storeCalls.Load(); now%2 == 1 && now == last {
			stuck += AliveEvery
		} else {
			last, stuck = now, 0
		}
	}
}

// enterStore marks that the host uses its store outside a round.
func (h *Host) enterStore() (leave func()) {
	h.storeCalls.Add(1)
	return func() { h.storeCalls.Add(1) }
}

// noteAnswer records that the server has answered just now.
func (h *Host) noteAnswer() {
	h.setStatus(func(*Status) { h.answeredAt = h.Clock.Now() })
}

// expireOnline withdraws Status.Online when the server has not answered for OnlineLasts.
func (h *Host) expireOnline() {
	expired := false
	h.setStatus(func(s *Status) {
		if s.Online {
			s.conclude(Evidence{Attempt: Answered, Stale: h.Clock.Now().Sub(h.answeredAt) > OnlineLasts})
			expired = !s.Online
		}
	})
	if expired {
		h.publishStatus()
	}
}

func (h *Host) setStatus(change func(*Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.status)
}

func (h *Host) publishStatus() {
	h.mu.Lock()
	s := h.status
	h.mu.Unlock()
	s.At, s.Host = h.Clock.Now().UTC(), h.Name
	if s.Phase == "" {
		s.Phase = Idle
	}
	h.Bus.Publish(Message{Kind: StatusChanged, Status: &s})
}

// publishProgress publishes how far the resync is, which the server's answer has just
// changed.
func (h *Host) publishProgress(r *ResyncProgress) {
	h.noteAnswer()
	h.setStatus(func(s *Status) { s.Resync = r })
	h.publishStatus()
}

// publishSynced publishes that a round has all that it was for, before it compares the rows with the
// server's, which takes a second with 100,000.
func (h *Host) publishSynced(report Report) {
	h.noteAnswer()
	h.setStatus(func(s *Status) { s.endRound(report, nil, h.Clock.Now()) })
	h.publishStatus()
}

// loadStatus takes over the status that an earlier host has left in the store.
func (h *Host) loadStatus(ctx context.Context) {
	defer h.enterStore()()
	m, err := h.Store.Meta(ctx, append([]string{MetaSyncedAt}, positionMeta...)...)
	if err != nil {
		return // the round gets the same error, and reports it
	}
	h.setStatus(func(s *Status) {
		if t, err := time.Parse(time.RFC3339Nano, m[MetaSyncedAt]); err == nil && t.After(s.SyncedAt) {
			s.SyncedAt = t
		}
		s.Resync = positionOf(m).progress()
	})
}

// receive handles a message of the bus. It does not block.
func (h *Host) receive(m Message) {
	switch m.Kind {
	case SyncRequest:
		h.request(roundRequest{reason: m.Reason, id: m.ID})
	case Enqueued:
		h.request(roundRequest{reason: Write})
	case Connectivity:
		online := m.Online
		h.request(roundRequest{online: &online})
	case StatusRequest:
		h.publishStatus() // at once: a round under way may take long
	}
}

// request does not block. With maxRequests waiting already, the round they get serves
// this one, too.
func (h *Host) request(r roundRequest) { TrySend(h.requests, r) }

// serve handles a request and all that wait behind it, with rounds if any of them calls
// for one.
func (h *Host) serve(ctx context.Context, r roundRequest) error {
	var ids []string
	var reason Reason
	for more := true; more; {
		if r.id != "" {
			ids = append(ids, r.id)
		}
		reason = h.coalesce(r, reason)
		select {
		case r = <-h.requests:
		default:
			more = false
		}
	}
	if reason == "" || (reason != Manual && h.retryAfter() > 0) {
		return nil
	}
	report, err := h.Drain(ctx, reason)
	if err != nil && report.Problem == nil {
		report.Problem = ProblemFor(err)
	}
	for _, id := range ids {
		h.Bus.Publish(Message{Kind: SyncDone, ID: id, Report: &report})
	}
	if !errors.Is(err, ErrAbandoned) {
		h.tidy(ctx)
	}
	return err
}

// tidy has the store tidied while nobody waits for a round. What fails is left for the next
// time: nothing depends on it.
func (h *Host) tidy(ctx context.Context) {
	for more := true; more && len(h.requests) == 0 && ctx.Err() == nil; {
		leave := h.enterStore()
		var err error
		more, err = h.Store.Tidy(ctx)
		leave()
		if err != nil {
			return
		}
	}
}

// coalesce notes a request's news and returns the reason for a round so far. A reason that
// ignores backoff prevails.
func (h *Host) coalesce(r roundRequest, reason Reason) Reason {
	switch {
	case r.stream != nil:
		wasOpen := h.streamOpen
		h.streamOpen = *r.stream
		h.setStatus(func(s *Status) { s.Stream = h.streamOpen })
		switch {
		case h.streamOpen:
			r.reason = Online // the server was just reached
		case wasOpen:
			r.reason = Timer // the server may be gone; only a request can tell
		default:
			return reason
		}
	case r.online != nil && !*r.online:
		h.setStatus(func(s *Status) { s.conclude(Evidence{BrowserOffline: true}) })
		h.publishStatus()
		r.reason = Timer // the browser may be wrong; only a request can tell
	case r.online != nil:
		r.reason = Online
	}
	if reason == "" || r.reason.IgnoresBackoff() {
		return r.reason
	}
	return reason
}

// round does one round and publishes its progress.
func (h *Host) round(ctx context.Context, reason Reason) (Report, error) {
	h.rounds++
	h.setStatus(func(s *Status) { s.Phase, s.RetryAt = Syncing, time.Time{} })
	h.publishStatus()
	h.Engine.onProgress, h.Engine.onSynced = h.publishProgress, h.publishSynced
	report, err := h.Engine.Round(ctx, reason)
	if attemptOf(err) == Answered {
		h.noteAnswer()
	}
	var failed *RequestError
	switch {
	case err == nil:
		h.failures = 0
		h.Incidents.Recovered()
	case errors.As(err, &failed):
		h.failures++
		h.notBefore = h.Clock.Now().Add(failed.RetryAfter)
	default:
		h.failures++
	}
	h.setStatus(func(s *Status) {
		s.endRound(report, err, h.Clock.Now())
		if h.retryAfter() > 0 {
			s.RetryAt = h.notBefore.UTC()
		}
	})
	h.publishStatus()
	return report, err
}

// retryAfter is how long the server still wants no request; 0 or less when it takes them.
func (h *Host) retryAfter() time.Duration {
	wait := h.notBefore.Sub(h.Clock.Now())
	if wait > maxDelay {
		return 0
	}
	return wait
}

// delay is the time until the next round that nobody requests.
func (h *Host) delay(ctx context.Context) time.Duration {
	poll := PollClosed
	if h.streamLive.Load() {
		poll = PollOpen
	}
	if wait := h.retryAfter(); wait > 0 {
		return wait
	}
	if h.failures > 0 {
		retry := min(Backoff(h.failures, h.Random()), MaxReconnect)
		h.mu.Lock()
		p := h.status.Problem
		h.mu.Unlock()
		if p != nil && (p.Code == api.CodeSignIn || p.Code == api.CodeAccountDisabled || p.Code == api.CodeClientTooOld) {
			retry = poll
		}
		return min(poll, retry)
	}
	now := h.Clock.Now()
	defer h.enterStore()()
	due, err := h.Store.Due(ctx, now, 1)
	switch {
	case err != nil:
		return PollClosed
	case len(due.Operations) > 0:
		return MinBackoff
	case due.Next.IsZero():
		return poll
	}
	return min(poll, max(MinBackoff, due.Next.Sub(now)))
}
