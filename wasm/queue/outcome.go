package queue

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/rollcall/rollcall/api"
)

// OutcomeKind is how an operation ended.
type OutcomeKind string

const (
	// OutcomeAcknowledged: the server has applied it.
	OutcomeAcknowledged OutcomeKind = "landed"
	// OutcomeSuperseded: another operation, Outcome.By, took it up: a later write was
	// merged with it before its first send or after its rejection, or a conflict's
	// decision is sent in its place.
	OutcomeSuperseded OutcomeKind = "superseded"
	// OutcomeOverruled: a conflict's decision left nothing of it to send. The Conflict
	// with its OperationID says what was kept.
	OutcomeOverruled OutcomeKind = "overruled"
	// OutcomeCancelled: it and a later write, such as a create and its delete, came to
	// nothing together.
	OutcomeCancelled OutcomeKind = "cancelled"
	// OutcomeDiscarded: it was rejected, and the person dropped it.
	OutcomeDiscarded OutcomeKind = "discarded"
	// OutcomeRejected: the server will not take it as it is. It is still in the queue:
	// the person may retry or edit it, and its end is then another.
	OutcomeRejected OutcomeKind = "rejected"
	// OutcomeUnchanged: the write changed nothing, so that there was no operation.
	OutcomeUnchanged OutcomeKind = "unchanged"
)

// Outcome is what became of an operation.
type Outcome struct {
	ID      string       `json:"id"`
	Kind    OutcomeKind  `json:"end"`
	By      string       `json:"by,omitempty"`      // the operation that superseded it
	Version int64        `json:"version,omitempty"` // of the entity, for one that landed
	Problem *api.Problem `json:"-"`                 // why, for one that is rejected
}

// A store keeps the fates of the newest MaxOutcomes operations that have left the
// queue, over all entities. They are its named value MetaOutcomes, as one text:
// one record a transaction, not one an operation.
const (
	MetaOutcomes = "fates"
	MaxOutcomes  = 500
)

// ErrUnknown says that nothing is known of an operation: it never was in this
// queue, its storage was lost, or it ended too long ago.
var ErrUnknown = errors.New("nothing is known of this operation: it is not in the queue, nor among the last that left it")

// ends records how an operation that leaves the queue ended. The store takes the
// record with the entity, in the same transaction.
func (e *Entity) ends(f Outcome) {
	e.Outcomes = append(e.Outcomes, f)
}

// merges records what coalescing made of two operations.
func (e *Entity) merges(first, second, merged Operation, keep bool) {
	if keep {
		e.ends(Outcome{ID: first.ID, Kind: OutcomeSuperseded, By: merged.ID})
		return
	}
	e.ends(Outcome{ID: first.ID, Kind: OutcomeCancelled})
	e.ends(Outcome{ID: second.ID, Kind: OutcomeCancelled})
}

// OutcomeLines are fates as the text of MetaOutcomes holds them: one a line, as JSON.
func OutcomeLines(fates []Outcome) []string {
	lines := make([]string, 0, len(fates))
	for _, f := range fates {
		line, err := json.Marshal(f)
		if err != nil {
			continue // texts and numbers always encode
		}
		lines = append(lines, string(line))
	}
	return lines
}

// AppendOutcomes adds fates to a text of MetaOutcomes and drops the oldest beyond
// MaxOutcomes.
func AppendOutcomes(text string, fates []Outcome) string {
	for _, line := range OutcomeLines(fates) {
		if text != "" {
			text += "\n"
		}
		text += line
	}
	for n := strings.Count(text, "\n") + 1; n > MaxOutcomes; n-- {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// FindOutcome finds an operation's fate in a text of MetaOutcomes. The last line counts:
// an operation that ended twice was queued again in between.
func FindOutcome(text, id string) (Outcome, bool) {
	for text != "" {
		at := strings.LastIndexByte(text, '\n')
		var f Outcome
		if json.Unmarshal([]byte(text[at+1:]), &f) == nil && f.ID == id {
			return f, true
		}
		text = text[:max(at, 0)]
	}
	return Outcome{}, false
}
