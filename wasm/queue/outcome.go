package queue

import (
	"errors"
	"strings"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// OutcomeKind is how an operation left the queue.
type OutcomeKind string

const (
	// OutcomeAcknowledged: the server applied it.
	OutcomeAcknowledged OutcomeKind = "landed"
	// OutcomeSuperseded: another operation, Outcome.By, replaced it. Either a later write
	// was coalesced with it, before its first send or after its rejection, or the
	// resolution of a conflict is sent in its place.
	OutcomeSuperseded OutcomeKind = "superseded"
	// OutcomeOverruled: the resolution of a conflict left nothing of it to send. The
	// Conflict with its OperationID says what was kept.
	OutcomeOverruled OutcomeKind = "overruled"
	// OutcomeCancelled: it and a later write cancelled out, such as a create and its delete.
	OutcomeCancelled OutcomeKind = "cancelled"
	// OutcomeDiscarded: it was rejected, and the person discarded it.
	OutcomeDiscarded OutcomeKind = "discarded"
	// OutcomeRejected: the server refused it. It is still in the queue: once the person
	// retries or edits it, it gets another outcome.
	OutcomeRejected OutcomeKind = "rejected"
	// OutcomeUnchanged: the write changed nothing, so there was no operation.
	OutcomeUnchanged OutcomeKind = "unchanged"
)

// Outcome is what became of an operation.
type Outcome struct {
	ID      string       `json:"id"`
	Kind    OutcomeKind  `json:"end"`
	By      string       `json:"by,omitempty"`      // the operation that superseded it
	Version int64        `json:"version,omitempty"` // of the entity, if acknowledged
	Problem *api.Problem `json:"-"`                 // why, if rejected
}

// A store keeps the outcomes of the last MaxOutcomes operations to leave the queue, of
// all entities. They are one text, its meta value MetaOutcomes: so a transaction writes
// one record, not one per operation.
const (
	MetaOutcomes = "fates"
	MaxOutcomes  = 500
)

// MetaLastOutcome is the last line of MetaOutcomes, which every store knows without the
// others: as long as it is the same, no operation has left the queue. It is not set.
const MetaLastOutcome = "last fate"

// MetaDamaged is a meta value of what a store has not kept as it was saved, and what may be
// operations or conflicts: a line of text for each. Setting it to "" drops them.
const MetaDamaged = "damaged"

// ErrUnknown means that the store knows no such operation: it was never in this queue,
// the storage was lost, or it left the queue too long ago.
var ErrUnknown = errors.New("unknown operation: it is neither in the queue nor among the last to leave it")

// recordOutcome records how an operation left the queue. The store saves the record
// with the entity, in the same transaction.
func (e *Entity) recordOutcome(o Outcome) {
	e.Outcomes = append(e.Outcomes, o)
}

// recordMerge records what became of two operations that were coalesced.
func (e *Entity) recordMerge(first, second, merged Operation, keep bool) {
	if keep {
		e.recordOutcome(Outcome{ID: first.ID, Kind: OutcomeSuperseded, By: merged.ID})
		return
	}
	e.recordOutcome(Outcome{ID: first.ID, Kind: OutcomeCancelled})
	e.recordOutcome(Outcome{ID: second.ID, Kind: OutcomeCancelled})
}

// OutcomeLines returns outcomes as the lines of MetaOutcomes, one JSON object each.
func OutcomeLines(outcomes []Outcome) []string {
	lines := make([]string, 0, len(outcomes))
	for _, o := range outcomes {
		lines = append(lines, string(jsoncodec.Write(o.writeJSON)))
	}
	return lines
}

// AppendOutcomes adds outcomes to the text of MetaOutcomes and drops the oldest beyond
// MaxOutcomes.
func AppendOutcomes(text string, outcomes []Outcome) string {
	for _, line := range OutcomeLines(outcomes) {
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

// FindOutcome finds an operation's outcome in the text of MetaOutcomes. The last one
// counts: an operation with two outcomes was queued again in between.
func FindOutcome(text, id string) (Outcome, bool) {
	for text != "" {
		at := strings.LastIndexByte(text, '\n')
		o, err := jsoncodec.Parse([]byte(text[at+1:]), readOutcome)
		if err == nil && o.ID == id {
			return o, true
		}
		text = text[:max(at, 0)]
	}
	return Outcome{}, false
}
