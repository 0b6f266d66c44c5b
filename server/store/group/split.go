package group

import (
	"log/slog"
	"slices"

	"github.com/rollcall/rollcall/server/store"
)

// maxTries is how many transactions the division of one request may take. It is enough to find
// one bad write of a batch; more of them must not hold up the others who write.
const maxTries = 16

// Splitter commits a group in one transaction. If its data make that fail, it first parts the
// requests, so that nobody pays for another's data, and then the request that fails.
type Splitter struct {
	// Try does writes in one transaction, and returns once it is durable.
	Try func([]store.Write) ([]store.Outcome, error)
	// IsDataError reports whether a transaction was undone because of data, so that a part
	// of the writes may succeed.
	IsDataError func(error) bool
	// IsRefusal reports whether those are the data written, which the database will always
	// refuse, and not what it has stored.
	IsRefusal func(error) bool
	Log       *slog.Logger
}

// Commit does the writes of several requests. After an error, only the requests that were
// done completely have outcomes.
func (s Splitter) Commit(requests [][]store.Write) ([][]store.Outcome, error) {
	outcomes := make([][]store.Outcome, len(requests))
	return outcomes, s.commit(requests, outcomes)
}

// commit fills in the outcomes of requests.
func (s Splitter) commit(requests [][]store.Write, outcomes [][]store.Outcome) error {
	done, err := s.Try(slices.Concat(requests...))
	switch {
	case err == nil:
		for i, writes := range requests {
			outcomes[i], done = done[:len(writes):len(writes)], done[len(writes):]
		}
		return nil
	case !s.IsDataError(err) || len(requests) == 0:
		return err
	case len(requests) == 1:
		left := maxTries
		outcomes[0], err = s.part(requests[0], err, &left)
		if err != nil {
			outcomes[0] = nil
		}
		return err
	}
	half := len(requests) / 2
	if err := s.commit(requests[:half], outcomes[:half]); err != nil {
		return err
	}
	return s.commit(requests[half:], outcomes[half:])
}

// part does writes that failed together by halves, in at most left transactions. One that fails
// alone by its own data is rejected. What is not reached is answered "retry".
func (s Splitter) part(writes []store.Write, cause error, left *int) (outcomes []store.Outcome, err error) {
	if len(writes) == 0 {
		return nil, cause
	}
	if len(writes) == 1 {
		return []store.Outcome{s.failed(writes[0], cause)}, nil
	}
	half := len(writes) / 2
	for _, writes := range [][]store.Write{writes[:half], writes[half:]} {
		done, err := s.try(writes, left)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes, nil
}

func (s Splitter) try(writes []store.Write, left *int) (outcomes []store.Outcome, err error) {
	if *left == 0 {
		for _, w := range writes {
			outcomes = append(outcomes, store.Failed(w))
		}
		return outcomes, nil
	}
	*left--
	outcomes, err = s.Try(writes)
	if err != nil && s.IsDataError(err) {
		return s.part(writes, err, left)
	}
	return outcomes, err
}

// failed is the outcome of a write that failed alone.
func (s Splitter) failed(w store.Write, cause error) store.Outcome {
	if s.IsRefusal(cause) {
		s.Log.Error("the database refuses an operation; it is rejected", "operation", w.ID, "error", cause)
		return store.Refused(w)
	}
	s.Log.Error("could not save an operation; the client is told to retry", "operation", w.ID, "error", cause)
	return store.Failed(w)
}
