package app

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// reach is whether the server can be reached, as far as is known.
type reach int

const (
	unknown reach = iota // nothing has been tried yet
	online               // the server answered lately
	offline              // the browser says so, or the server did not answer
)

// current is what a status is good for now: one that has not been renewed for long
// tells neither that the server is reached nor that anything is under way.
func current(s sync.Status, now time.Time) sync.Status {
	if now.Sub(s.At) > sync.StatusLasts {
		s.Online, s.Phase, s.Resync = false, sync.Idle, nil
	}
	return s
}

// reachable derives the reach from what it was, what the browser says and the
// engine's current status. Only an answer of the server makes it online, and once offline
// it stays so while another try is under way, so that the banner does not flicker.
func reachable(was reach, browser bool, s sync.Status) reach {
	switch {
	case !browser:
		return offline
	case s.Online:
		return online
	case s.Phase == sync.Failed && ownTrouble(s.Problem):
		return unknown
	case s.Phase == sync.Failed:
		return offline
	case was == offline:
		return offline
	}
	return unknown
}

// ownTrouble reports whether a round failed for this device's sake, so that nothing
// is known of the network.
func ownTrouble(p *api.Problem) bool {
	return p != nil && (p.Code == sync.CodeNoWorker || p.Code == api.CodeInternal)
}

// standing is all that the sentence of the region "Sync status" is made of.
type standing struct {
	reach  reach
	status sync.Status
	counts queue.Counts
	now    time.Time
}

// tone is the colour and icon of the status.
type tone string

const (
	calm     tone = "calm"
	busy     tone = "busy"
	waiting  tone = "waiting"
	troubled tone = "troubled"
)

// sentence says how things are: state is what is announced when it changes, ago
// the part that changes by itself with time.
func (s standing) sentence() (state, ago string) {
	switch s.reach {
	case offline:
		state = "Offline"
	case online:
		state = "Online"
	default:
		state = "Connecting"
	}
	switch {
	case s.status.Resync != nil && s.reach != offline:
		return rebuilding(*s.status.Resync)
	case s.status.Problem != nil && s.status.Problem.Code == sync.CodeNoWorker:
		state += ", syncing does not start"
	case s.status.Phase == sync.Syncing && s.reach != offline:
		state = "Syncing"
	case s.status.Problem != nil && s.status.Problem.Code == api.CodeSignIn:
		state += ", sign in to sync"
	case s.status.Phase == sync.Failed && s.reach == online:
		state += ", last sync failed"
	}
	if n := s.counts.Waiting; n > 0 {
		return state + ", " + plural(n, "change") + " waiting", ""
	}
	if !s.status.SyncedAt.IsZero() && state != "Syncing" {
		ago = "Synced " + relative(s.status.SyncedAt, s.now)
	}
	return state, ago
}

// rebuilding says how far the list has come. The number is not announced.
func rebuilding(r sync.ResyncProgress) (state, ago string) {
	state = "Rebuilding the list"
	if r.First {
		state = "Loading the list"
	}
	if r.Arrived > 0 {
		ago = plural(r.Arrived, "user") + " so far"
	}
	return state, ago
}

func (s standing) tone() tone {
	switch {
	case s.reach == offline:
		return waiting
	case s.status.Phase == sync.Syncing || s.status.Resync != nil:
		return busy
	case s.status.Phase == sync.Failed:
		return troubled
	case s.counts.Waiting > 0 || s.reach == unknown:
		return waiting
	}
	return calm
}

// badge is what the link to the page "Sync" says of the work there, and "" when
// there is none.
func badge(c queue.Counts) (number, words string) {
	n := c.Waiting + c.Rejected + c.Conflicts
	if n == 0 {
		return "", ""
	}
	number = fmt.Sprint(n)
	if n > 99 {
		number = "99+"
	}
	if urgent := c.Rejected + c.Conflicts; urgent > 0 {
		return number, fmt.Sprintf("%d to look at, %d waiting", urgent, c.Waiting)
	}
	return number, plural(n, "change") + " waiting"
}
