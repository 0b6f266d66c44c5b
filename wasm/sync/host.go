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
	// PollOpen and PollClosed are the longest a host goes without a round while
	// the event stream is open, or isn't.
	PollOpen   = 5 * time.Minute
	PollClosed = 30 * time.Second
	// MaxReconnect bounds the delay between tries while the server is not reached.
	MaxReconnect = 15 * time.Second
	// MaxRounds bounds the rounds that one Drain makes.
	MaxRounds = 100
)

// Host decides when the engine does a round, and tells the pages how it goes.
//
//	       trigger, timer                    ok
//	Idle ────────────────────▶ Syncing ───────────────▶ Success
//	  ▲                           │ │ more to do            │
//	  │                           │ └──────▶ Syncing        │
//	  │                           └─ error ─▶ Failed        │
//	  └────────── timer: backoff, next due, poll ◀──────────┘
type Host struct {
	Engine *Engine
	Bus    Bus
	Clock  Clock
	Store  Store
	Random func() float64
	// Name is what Status.Host says.
	Name string
	// Stream, when set, opens the server's event stream and tells what it hears of
	// it, until ctx ends or the stream can't be had. It reconnects by itself meanwhile;
	// the host opens one anew that is silent.
	Stream func(ctx context.Context, hear func(StreamSignal))
	// Incidents, when set, is told what went wrong and was dealt with.
	Incidents *IncidentLog

	mu        stdsync.Mutex
	status    Status
	answered  time.Time // when the server last answered or pinged
	asking    atomic.Int64
	failures  int
	notBefore time.Time // the server asked to be left alone until then
	asks      chan ask
	open      bool
}

// ask is a request for a round; ids are of those who wait for its report.
type ask struct {
	reason Reason
	id     string
	opened *bool // the event stream's state, when that is the news
	online *bool // the browser's, likewise
}

// Run does rounds until ctx ends. The first one begins at once.
func (h *Host) Run(ctx context.Context) error {
	h.asks = make(chan ask, 256)
	defer h.Bus.Subscribe(h.hear)()
	go h.live(ctx)
	h.restore(ctx)
	if h.Stream != nil {
		go h.follow(ctx)
	}
	err := h.serve(ctx, ask{reason: Start})
	for ctx.Err() == nil && !errors.Is(err, ErrAbandoned) {
		select {
		case <-ctx.Done():
		case a := <-h.asks:
			err = h.serve(ctx, a)
		case <-h.Clock.After(h.delay(ctx)):
			err = h.serve(ctx, ask{reason: Timer})
		}
	}
	if errors.Is(err, ErrAbandoned) {
		return err // what it left behind may still use the engine
	}
	return context.Cause(ctx)
}

// live says that the host lives, until ctx ends: at rest, in a round, which has its
// own watch, and while it asks its store, unless that takes too long.
func (h *Host) live(ctx context.Context) {
	var last int64
	var stuck time.Duration
	for {
		if stuck < StuckAfter {
			h.Bus.Publish(Message{Kind: WorkerAlive})
		}
		h.expire()
		select {
		case <-ctx.Done():
			return
		case <-h.Clock.After(AliveEvery):
		}
		if now := h.asking.Load(); now%2 == 1 && now == last {
			stuck += AliveEvery
		} else {
			last, stuck = now, 0
		}
	}
}

// asksStore marks the time in which the host asks its store outside a round: asking is
// odd meanwhile.
func (h *Host) asksStore() (done func()) {
	h.asking.Add(1)
	return func() { h.asking.Add(1) }
}

// answeredNow notes that the server was heard.
func (h *Host) answeredNow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = h.Clock.Now()
}

// expire takes "online" back when the server has not answered for long.
func (h *Host) expire() {
	expired := false
	h.set(func(s *Status) {
		if s.Online {
			s.conclude(Evidence{Attempt: Answered, Stale: h.Clock.Now().Sub(h.answered) > OnlineLasts})
			expired = !s.Online
		}
	})
	if expired {
		h.publish()
	}
}

// set changes the status.
func (h *Host) set(change func(*Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.status)
}

// Drain does rounds until nothing is left to do or one fails: what a service
// worker does when the browser wakes it.
func (h *Host) Drain(ctx context.Context, reason Reason) (Report, error) {
	h.restore(ctx)
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

func (r Report) plus(next Report) Report {
	next.Pushed += r.Pushed
	next.Pulled += r.Pulled
	next.Conflict += r.Conflict
	next.Rejected += r.Rejected
	next.Repaired += r.Repaired
	return next
}

// hear turns a message into an ask; it must not block.
func (h *Host) hear(m Message) {
	switch m.Kind {
	case SyncRequest:
		h.ask(ask{reason: m.Reason, id: m.ID})
	case Enqueued:
		h.ask(ask{reason: Write})
	case Connectivity:
		online := m.Online
		h.ask(ask{online: &online})
	case StatusRequest:
		h.publish() // at once: a round under way may take its time
	}
}

// ask does not block. With 256 waiting already, the round they get serves this one, too.
func (h *Host) ask(a ask) { TrySend(h.asks, a) }

// serve answers an ask and all that have piled up behind it, with rounds if
// any of them wants one.
func (h *Host) serve(ctx context.Context, a ask) error {
	var ids []string
	var reason Reason
	for more := true; more; {
		if a.id != "" {
			ids = append(ids, a.id)
		}
		reason = h.absorb(a, reason)
		select {
		case a = <-h.asks:
		default:
			more = false
		}
	}
	if reason == "" || (reason != Manual && h.leftAlone() > 0) {
		return nil
	}
	report, err := h.Drain(ctx, reason)
	if err != nil && report.Problem == nil {
		report.Problem = ProblemFor(err)
	}
	for _, id := range ids {
		h.Bus.Publish(Message{Kind: SyncDone, ID: id, Report: &report})
	}
	return err
}

// absorb notes an ask's news and returns the reason for a round so far: an
// impatient one prevails.
func (h *Host) absorb(a ask, reason Reason) Reason {
	switch {
	case a.opened != nil:
		broke := h.open && !*a.opened
		h.open = *a.opened
		h.set(func(s *Status) { s.Stream = h.open })
		switch {
		case h.open:
			a.reason = Online // the server was just reached
		case broke:
			a.reason = Timer // is it gone? Only a request can tell
		default:
			return reason
		}
	case a.online != nil && !*a.online:
		h.set(func(s *Status) { s.conclude(Evidence{BrowserOffline: true}) })
		h.publish()
		return reason
	case a.online != nil:
		a.reason = Online
	}
	if reason == "" || impatient(a.reason) {
		return a.reason
	}
	return reason
}

func impatient(r Reason) bool { return r == Manual || r == Online || r == Visible || r == Start }

// round does one round and publishes how it goes.
func (h *Host) round(ctx context.Context, reason Reason) (Report, error) {
	h.set(func(s *Status) { s.Phase = Syncing })
	h.publish()
	h.Engine.advanced = h.advanced
	report, err := h.Engine.Round(ctx, reason)
	if attemptOf(err) == Answered {
		h.answeredNow()
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
	h.set(func(s *Status) { s.ended(report, err, h.Clock.Now()) })
	h.publish()
	return report, err
}

// ended is how a status changes with the end of a round.
func (s *Status) ended(report Report, err error, at time.Time) {
	s.Pushed, s.Pulled, s.Conflict = report.Pushed, report.Pulled, report.Conflict
	s.Rejected, s.Repaired = report.Rejected, report.Repaired
	s.Problem, s.Phase = report.Problem, Failed
	if err == nil {
		s.Phase, s.SyncedAt = Success, at.UTC()
	}
	if attempt := attemptOf(err); attempt != DeviceFailed {
		s.conclude(Evidence{Attempt: attempt})
	}
}

// advanced takes how far the list has come, of which the server has just told.
func (h *Host) advanced(r *ResyncProgress) {
	h.answeredNow()
	h.set(func(s *Status) { s.Rebuild = r })
	h.publish()
}

func (h *Host) publish() {
	h.mu.Lock()
	s := h.status
	h.mu.Unlock()
	s.At, s.Host = h.Clock.Now().UTC(), h.Name
	if s.Phase == "" {
		s.Phase = Idle
	}
	h.Bus.Publish(Message{Kind: StatusChanged, Status: &s})
}

// restore takes over what an earlier host left of the status.
func (h *Host) restore(ctx context.Context) {
	defer h.asksStore()()
	m, err := h.Store.Meta(ctx, MetaSyncedAt, metaResync, MetaGeneration, MetaArrived)
	if err != nil {
		return // the round will meet the same error and say it
	}
	h.set(func(s *Status) {
		if t, err := time.Parse(time.RFC3339Nano, m[MetaSyncedAt]); err == nil && t.After(s.SyncedAt) {
			s.SyncedAt = t
		}
		s.Rebuild = positionOf(m).rebuild()
	})
}

// leftAlone is how long the server still wants no request; not above 0 when it takes
// them. No server may ask for more than queueHorizon: the clock was put back since.
func (h *Host) leftAlone() time.Duration {
	wait := h.notBefore.Sub(h.Clock.Now())
	if wait > queueHorizon {
		return 0
	}
	return wait
}

// delay is the time to the next round nobody asks for.
func (h *Host) delay(ctx context.Context) time.Duration {
	poll := PollClosed
	if h.open {
		poll = PollOpen
	}
	if wait := h.leftAlone(); wait > 0 {
		return wait
	}
	if h.failures > 0 {
		retry := min(Backoff(h.failures, h.Random()), MaxReconnect)
		h.mu.Lock()
		p := h.status.Problem
		h.mu.Unlock()
		if p != nil && p.Code == api.CodeSignIn {
			retry = poll
		}
		return min(poll, retry)
	}
	now := h.Clock.Now()
	defer h.asksStore()()
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
