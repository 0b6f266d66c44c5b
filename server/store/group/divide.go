package group

import (
	"log/slog"
	"slices"

	"github.com/rollcall/rollcall/server/store"
)

// Parts does a group in one transaction and, when that fails by what is in it, in
// several: so one bad write fails alone.
type Parts struct {
	// Try does writes in one transaction, and returns once it is durable.
	Try func([]store.Write) ([]store.Outcome, error)
	// OfData reports whether a transaction failed by what was written, and did nothing:
	// other data, or less of it, may be taken.
	OfData func(error) bool
	Log    *slog.Logger
}

// Commit does the writes of several requests.
func (p Parts) Commit(requests [][]store.Write) ([][]store.Outcome, error) {
	all, err := p.divide(slices.Concat(requests...))
	if err != nil {
		return nil, err
	}
	outcomes := make([][]store.Outcome, len(requests))
	for i, writes := range requests {
		outcomes[i], all = all[:len(writes):len(writes)], all[len(writes):]
	}
	return outcomes, nil
}

// divide does the writes in one transaction; when that fails by what is in it, in
// two, and so on. A write that fails alone is answered "retry".
func (p Parts) divide(writes []store.Write) ([]store.Outcome, error) {
	outcomes, err := p.Try(writes)
	if err == nil || !p.OfData(err) || len(writes) == 0 {
		return outcomes, err
	}
	if len(writes) == 1 {
		p.Log.Error("a write failed", "operation", writes[0].ID, "error", err)
		return []store.Outcome{store.Undecided(writes[0])}, nil
	}
	half := len(writes) / 2
	outcomes = nil // of what was undone
	for _, part := range [][]store.Write{writes[:half], writes[half:]} {
		done, err := p.divide(part)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes, nil
}
