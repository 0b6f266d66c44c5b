package group

import (
	"log/slog"
	"slices"

	"github.com/rollcall/rollcall/server/store"
)

// Splitter commits a group in one transaction. If its data make that fail, it commits halves
// of the group, so that in the end one bad write fails alone.
type Splitter struct {
	// Try does writes in one transaction, and returns once it is durable.
	Try func([]store.Write) ([]store.Outcome, error)
	// IsDataError reports whether a transaction was undone because of the data written, so
	// that a part of them may succeed.
	IsDataError func(error) bool
	Log         *slog.Logger
}

// Commit does the writes of several requests. After an error, only the requests that were
// done completely have outcomes.
func (s Splitter) Commit(requests [][]store.Write) ([][]store.Outcome, error) {
	done, err := s.split(slices.Concat(requests...))
	outcomes := make([][]store.Outcome, len(requests))
	for i, writes := range requests {
		if len(done) < len(writes) {
			break
		}
		outcomes[i], done = done[:len(writes):len(writes)], done[len(writes):]
	}
	return outcomes, err
}

// split does the writes in one transaction, or else in halves. A write that fails alone is
// answered "retry". After an error, outcomes are those of the first writes, which are done.
func (s Splitter) split(writes []store.Write) (outcomes []store.Outcome, err error) {
	outcomes, err = s.Try(writes)
	switch {
	case err == nil:
		return outcomes, nil
	case !s.IsDataError(err) || len(writes) == 0:
		return nil, err
	case len(writes) == 1:
		s.Log.Error("could not save an operation; the client is told to retry", "operation", writes[0].ID, "error", err)
		return []store.Outcome{store.Failed(writes[0])}, nil
	}
	half := len(writes) / 2
	outcomes, err = s.split(writes[:half])
	if err != nil {
		return outcomes, err
	}
	rest, err := s.split(writes[half:])
	return append(outcomes, rest...), err
}
