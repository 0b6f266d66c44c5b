package sync

import (
	"errors"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Reach says whether the server can be reached, as far as this device knows.
type Reach int

const (
	ReachUnknown Reach = iota // no evidence yet
	ReachOnline               // the server answered lately
	ReachOffline              // the browser says so, or the server did not answer
)

// Attempt is how the latest attempt to reach the server ended.
type Attempt int

const (
	NoAttempt    Attempt = iota // there was none, or it is under way
	Answered                    // the server answered, be it with an error
	Unanswered                  // nothing answered, or something that is not the server
	DeviceFailed                // this device failed, which says nothing about the network
)

// How long an answer of the server counts.
const (
	// OnlineLasts is how long a host counts as online after the server's last answer
	// or ping. It is longer than the time between pings, and between polls.
	OnlineLasts = 90 * time.Second
	// StatusLasts is how long a page believes a status. A host renews it every
	// AliveEvery.
	StatusLasts = 30 * time.Second
)

// Evidence is what a host or a page knows about the way to the server.
type Evidence struct {
	BrowserOffline bool // the browser says that there is no network
	Attempt        Attempt
	Stale          bool  // the attempt is older than OnlineLasts or StatusLasts
	Was            Reach // the conclusion before this one
}

// Reach decides whether this device is online. It is pure:
//
//	browser   attempt         before    reach
//	any       answered        any       online
//	offline   any other       any       offline
//	online    unanswered      any       offline
//	online    device failed   any       unknown
//	online    none, or stale  offline   offline
//	online    none, or stale  other     unknown
//
// Only the server's answer makes it online, whatever the browser says: that counts a
// captive portal as a network, and a network that it doesn't know as none. Offline lasts while the next attempt is under way, so that the banner does
// not flicker.
func (e Evidence) Reach() Reach {
	attempt := e.Attempt
	if e.Stale {
		attempt = NoAttempt
	}
	switch {
	case attempt == Answered:
		return ReachOnline
	case e.BrowserOffline, attempt == Unanswered:
		return ReachOffline
	case attempt == NoAttempt && e.Was == ReachOffline:
		return ReachOffline
	}
	return ReachUnknown
}

// attemptOf says what the end of a round tells about the way to the server. A round
// that got stuck counts as unanswered: the server may be what stalls it.
func attemptOf(err error) Attempt {
	var failed *RequestError
	switch {
	case err == nil:
		return Answered
	case errors.As(err, &failed) && failed.Kind != NoAnswer:
		return Answered
	case failed != nil, errors.Is(err, ErrStuck), errors.Is(err, ErrAbandoned):
		return Unanswered
	}
	return DeviceFailed
}

func (s *Status) conclude(e Evidence) { s.Online = e.Reach() == ReachOnline }

// Stale reports whether a status has not been renewed for so long that it says nothing
// about the present.
func (s Status) Stale(now time.Time) bool { return now.Sub(s.At) > StatusLasts }

// Reach is what a page concludes from its host's status and the browser's own state.
func (s Status) Reach(was Reach, browserOnline bool, now time.Time) Reach {
	e := Evidence{BrowserOffline: !browserOnline, Stale: s.Stale(now), Was: was}
	switch {
	case s.Online:
		e.Attempt = Answered
	case s.Phase != Failed:
	case s.Problem != nil && (s.Problem.Code == CodeNoWorker || s.Problem.Code == api.CodeInternal):
		e.Attempt = DeviceFailed
	default:
		e.Attempt = Unanswered
	}
	return e.Reach()
}
