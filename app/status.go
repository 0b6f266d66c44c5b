package app

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Syncer is the engine as the pages see it.
type Syncer interface {
	// SyncAll pushes, then pulls, and returns when the round has ended.
	SyncAll(ctx context.Context) (sync.Report, error)
	Status() sync.Status
	// StatusChanges notifies as Users.Changes does.
	StatusChanges(ctx context.Context) <-chan struct{}
	// Incidents are failures of syncing itself that were recovered from, newest
	// first, at most sync.MaxIncidents.
	Incidents(ctx context.Context) ([]sync.Incident, error)
}

// Network reports what the browser believes of the network.
type Network interface {
	// Online is navigator.onLine, a hint. OnlineChanges notifies when it changes.
	Online() bool
	OnlineChanges(ctx context.Context) <-chan struct{}
	// SignIn leaves the app for the network, where a portal asks the person to sign in
	// and then leads back.
	SignIn()
}

// syncState is what the status line is derived from.
type syncState struct {
	pace   pace
	reach  sync.Reach
	status sync.Status
	counts queue.Counts
	now    time.Time
}

// state is what the session knows of syncing now.
func (s *session) state() syncState {
	return syncState{pace: s.pace, reach: s.reach, status: s.status, counts: s.counts, now: time.Now()}
}

// signedOut reports whether the person must sign in to sync, at the server or at a portal
// in front of it.
func (s syncState) signedOut() bool {
	p := s.status.Problem
	return p != nil && p.Code == api.CodeSignIn && !s.status.Stale(s.now)
}

// disabled reports whether the person's account may no longer sign in.
func (s syncState) disabled() bool {
	p := s.status.Problem
	return p != nil && p.Code == api.CodeAccountDisabled && !s.status.Stale(s.now)
}

// tooOld reports whether the server no longer takes this version of the app.
func (s syncState) tooOld() bool {
	p := s.status.Problem
	return p != nil && p.Code == api.CodeClientTooOld && !s.status.Stale(s.now)
}

// sending reports whether changes are on their way to the server now.
func (s syncState) sending() bool {
	return s.status.Phase == sync.Syncing && s.reach != sync.ReachOffline && !s.status.Stale(s.now)
}

// statusLine is what the region "Sync status" shows. Changes of text are announced,
// those of detail are not.
type statusLine struct {
	text, detail string
	tone         tone
}

// tone is the colour and icon of the status line.
type tone string

const (
	toneOK      tone = "ok"
	toneBusy    tone = "busy"
	toneWaiting tone = "waiting"
	toneFailed  tone = "failed"
)

func (s syncState) line() statusLine {
	text, detail := s.words()
	return statusLine{text, detail, s.tone()}
}

func (s syncState) words() (text, detail string) {
	switch s.reach {
	case sync.ReachOffline:
		text = tr("Offline")
	case sync.ReachOnline:
		text = tr("Online")
	default:
		text = tr("Connecting")
	}
	switch {
	case s.status.Resync != nil && s.reach != sync.ReachOffline && !s.signedOut() && !s.disabled():
		return resyncWords(*s.status.Resync, s.pace.left(*s.status.Resync, s.now))
	case s.status.Problem != nil && s.status.Problem.Code == sync.CodeNoWorker:
		text = tr("{0}, syncing can't start", text)
	case s.signedOut():
		text = tr("Sign in to sync")
	case s.disabled():
		text = tr("Account disabled")
	case s.tooOld():
		text = tr("Reload to sync")
	case s.status.Phase == sync.Syncing && s.reach != sync.ReachOffline:
		text = tr("Syncing")
	case s.status.Phase == sync.Failed && s.reach == sync.ReachOnline:
		text = tr("{0}, last sync failed", text)
	}
	if n := s.counts.Waiting; n > 0 {
		return trn(n, "{0}, {n} change waiting", "{0}, {n} changes waiting", text), ""
	}
	switch {
	case s.status.RetryAt.After(s.now) && !s.tooOld():
		detail = tr("The server asks to wait, next try {0}", timeUntil(s.status.RetryAt, s.now))
	case !s.status.SyncedAt.IsZero() && text != tr("Syncing"):
		detail = tr("Synced {0}", timeAgo(s.status.SyncedAt, s.now))
	}
	return text, detail
}

// pace is how fast a list arrives: how much there was when this page first saw it arrive, and when.
type pace struct {
	arrived int
	since   time.Time
}

// followed is the pace, with what is known now.
func (p pace) followed(r *sync.ResyncProgress, now time.Time) pace {
	switch {
	case r == nil:
		return pace{}
	case p.since.IsZero() || r.Arrived < p.arrived:
		return pace{r.Arrived, now}
	}
	return p
}

// leastObserved is how long a list must have been arriving before it says anything about the rest.
const leastObserved = 2 * time.Second

// left estimates how long the rest takes; 0 if nothing can be said.
func (p pace) left(r sync.ResyncProgress, now time.Time) time.Duration {
	came, took := r.Arrived-p.arrived, now.Sub(p.since)
	if p.since.IsZero() || came <= 0 || took < leastObserved || r.Total <= r.Arrived {
		return 0
	}
	return time.Duration(float64(took) * float64(r.Total-r.Arrived) / float64(came))
}

// resyncWords says how much of the list has arrived, and how long the rest takes, 0 if that is not known.
func resyncWords(r sync.ResyncProgress, left time.Duration) (text, detail string) {
	text = tr("Rebuilding the list")
	if r.First {
		text = tr("Loading the list")
	}
	switch {
	case r.Arrived == 0:
	case r.Total < r.Arrived:
		detail = trn(r.Arrived, "{n} user so far", "{n} users so far")
	case left > 0:
		detail = tr("{0} of {1} users, ready {2}", formatCount(r.Arrived), formatCount(r.Total), timeUntil(time.Time{}.Add(left), time.Time{}))
	default:
		detail = tr("{0} of {1} users", formatCount(r.Arrived), formatCount(r.Total))
	}
	return text, detail
}

func (s syncState) tone() tone {
	switch {
	case s.signedOut(), s.tooOld():
		return toneFailed
	case s.reach == sync.ReachOffline:
		return toneWaiting
	case s.status.Phase == sync.Syncing || s.status.Resync != nil:
		return toneBusy
	case s.status.Phase == sync.Failed:
		return toneFailed
	case s.counts.Waiting > 0 || s.reach == sync.ReachUnknown:
		return toneWaiting
	}
	return toneOK
}

// setTitle names the page in the document's title.
func (s *session) setTitle(name string) {
	s.pageName = name
	s.showWaiting()
}

// showWaiting shows in the document's title and on the app's icon how much waits.
func (s *session) showWaiting() {
	s.ctx.Page().SetTitle(s.title())
}

func (s *session) title() string {
	if number, _ := badge(s.counts); number != "" {
		return "(" + number + ") " + title(s.pageName)
	}
	return title(s.pageName)
}

// badge is the count on the link to the page "Sync", with its words for assistive
// technology. Both are empty when nothing waits there.
func badge(c queue.Counts) (number, words string) {
	n := c.Total()
	if n == 0 {
		return "", ""
	}
	number = formatCount(n)
	if n > 99 {
		number = formatCount(99) + "+"
	}
	if urgent := c.Rejected + c.Conflicts; urgent > 0 {
		return number, tr("{0} to review, {1} waiting", formatCount(urgent), formatCount(c.Waiting))
	}
	return number, trn(n, "{n} change waiting", "{n} changes waiting")
}
