package sync

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/internal/defect"
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
	// Stream, when set, opens the server's event stream until ctx ends. It calls
	// changed for each event, and open with true when the stream opens and false when
	// it breaks. It reconnects by itself.
	Stream func(ctx context.Context, changed func(), open func(bool))

	status    Status
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
	status bool
}

// Run does rounds until ctx ends. The first one begins at once.
func (h *Host) Run(ctx context.Context) error {
	h.asks = make(chan ask, 256)
	defer h.Bus.Subscribe(h.hear)()
	h.restore(ctx)
	if h.Stream != nil {
		go h.Stream(ctx, func() { h.ask(ask{reason: Stream}) }, func(open bool) { h.ask(ask{opened: &open}) })
	}
	h.serve(ctx, ask{reason: Start})
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case a := <-h.asks:
			h.serve(ctx, a)
		case <-h.Clock.After(h.delay(ctx)):
			h.serve(ctx, ask{reason: Timer})
		}
	}
	return context.Cause(ctx)
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
	case SyncPlease:
		h.ask(ask{reason: m.Reason, id: m.ID})
	case Enqueued:
		h.ask(ask{reason: Write})
	case Connectivity:
		online := m.Online
		h.ask(ask{online: &online})
	case AskStatus:
		h.ask(ask{status: true})
	}
}

func (h *Host) ask(a ask) {
	select {
	case h.asks <- a:
	default: // 256 asks wait already: the round they get serves this one, too
	}
}

// serve answers an ask and all that have piled up behind it, with rounds if
// any of them wants one.
func (h *Host) serve(ctx context.Context, a ask) {
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
		return
	}
	report, err := h.Drain(ctx, reason)
	if err != nil && report.Problem == nil {
		report.Problem = ProblemFor(err)
	}
	for _, id := range ids {
		h.Bus.Publish(Message{Kind: SyncedReport, ID: id, Report: &report})
	}
}

// absorb notes an ask's news and returns the reason for a round so far: an
// impatient one prevails.
func (h *Host) absorb(a ask, reason Reason) Reason {
	switch {
	case a.status:
		h.publish()
		return reason
	case a.opened != nil:
		broke := h.open && !*a.opened
		h.open = *a.opened
		switch {
		case h.open:
			a.reason = Online // the server was just reached
		case broke:
			a.reason = Timer // is it gone? Only a request can tell
		default:
			return reason
		}
	case a.online != nil && !*a.online:
		h.status.Online = false
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
	h.status.Phase = Syncing
	h.publish()
	report, err := h.Engine.Round(ctx, reason)
	h.status.Pushed, h.status.Pulled = report.Pushed, report.Pulled
	h.status.Conflict, h.status.Rejected, h.status.Repaired = report.Conflict, report.Rejected, report.Repaired
	h.status.Problem = report.Problem
	h.status.Phase = Success
	var o *Outcome
	switch {
	case err == nil:
		h.status.Online, h.status.SyncedAt, h.failures = true, h.Clock.Now().UTC(), 0
	case errors.As(err, &o):
		h.status.Phase, h.status.Online = Failed, o.Kind != NoAnswer
		h.failures++
		h.notBefore = h.Clock.Now().Add(o.RetryAfter)
	default:
		h.status.Phase = Failed
		h.failures++
	}
	h.publish()
	return report, err
}

func (h *Host) publish() {
	s := h.status
	s.At, s.Host = h.Clock.Now().UTC(), h.Name
	if s.Phase == "" {
		s.Phase = Idle
	}
	h.Bus.Publish(Message{Kind: StatusNews, Status: &s})
}

// restore takes over what an earlier host left of the status.
func (h *Host) restore(ctx context.Context) {
	m, err := h.Store.Meta(ctx, MetaSyncedAt)
	if err != nil {
		return // the round will meet the same error and say it
	}
	if t, err := time.Parse(time.RFC3339Nano, m[MetaSyncedAt]); err == nil && t.After(h.status.SyncedAt) {
		h.status.SyncedAt = t
	}
}

// leftAlone is how long the server still wants no request; not above 0 when it takes
// them. No server may ask for more than queueHorizon: the clock was put back since.
func (h *Host) leftAlone() time.Duration {
	wait := h.notBefore.Sub(h.Clock.Now())
	if wait > queueHorizon && !defect.On(defect.ClockBackWaits) {
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
		if p := h.status.Problem; p != nil && p.Code == api.CodeSignIn {
			retry = poll
		}
		return min(poll, retry)
	}
	now := h.Clock.Now()
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
