package sync

import (
	"time"

	"github.com/rollcall/rollcall/api"
)

// Phase is what the engine is doing.
type Phase string

const (
	Idle    Phase = "idle"
	Syncing Phase = "syncing"
	Success Phase = "success"
	Failed  Phase = "error"
)

// Status is the state of syncing, for a person.
type Status struct {
	Phase    Phase           `json:"phase"`
	Online   bool            `json:"online"`            // the server answered lately, see Evidence
	Problem  *api.Problem    `json:"problem,omitempty"` // why the last round failed
	Pushed   int             `json:"pushed"`            // in the last round, like the next four
	Pulled   int             `json:"pulled"`
	Conflict int             `json:"conflict"`
	Rejected int             `json:"rejected"`
	Repaired int             `json:"repaired"`          // rows that differed from the server's
	SyncedAt time.Time       `json:"syncedAt"`          // end of the last successful round; zero for never
	RetryAt  time.Time       `json:"retryAt,omitzero"`  // until then the server wants no request; zero for none
	At       time.Time       `json:"at"`                // when this status was published
	Host     string          `json:"host"`              // "worker", "serviceworker", or "page" when no worker runs
	Stream   bool            `json:"stream"`            // the event stream is open
	Resync   *ResyncProgress `json:"rebuild,omitempty"` // nil when the feed is not read from its beginning
}

// Report is what a round did, and why it could not do more.
type Report struct {
	Pushed   int          `json:"pushed"` // operations the server acknowledged
	Pulled   int          `json:"pulled"` // changes received
	Conflict int          `json:"conflict"`
	Rejected int          `json:"rejected"`
	Repaired int          `json:"repaired"` // rows that differed from the server's
	Waiting  int          `json:"waiting"`  // operations still in the queue
	More     bool         `json:"more"`     // the round reached its bounds; another one goes on
	Problem  *api.Problem `json:"problem,omitempty"`
}

// plus is the later report with the counts of both.
func (r Report) plus(next Report) Report {
	next.Pushed += r.Pushed
	next.Pulled += r.Pulled
	next.Conflict += r.Conflict
	next.Rejected += r.Rejected
	next.Repaired += r.Repaired
	return next
}

// endRound updates the status at the end of a round.
func (s *Status) endRound(report Report, err error, at time.Time) {
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
