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

// Commit does the writes of several requests. After an error, requests that were done
// whole have outcomes, the others nil.
func (p Parts) Commit(requests [][]store.Write) ([][]store.Outcome, error) {
	done, err := p.divide(slices.Concat(requests...))
	outcomes := make([][]store.Outcome, len(requests))
	for i, writes := range requests {
		if len(done) < len(writes) {
			break
		}
		outcomes[i], done = done[:len(writes):len(writes)], done[len(writes):]
	}
	return outcomes, err
}

// divide does the writes in one transaction; when that fails by what is in it, in
// two, and so on. A write that fails alone is answered "retry". After an error, the first
// of the writes may be done: outcomes are theirs.
func (p Parts) divide(writes []store.Write) (outcomes []store.Outcome, err error) {
	outcomes, err = p.Try(writes)
	switch {
	case err == nil:
		return outcomes, nil
	case !p.OfData(err) || len(writes) == 0:
		return nil, err
	case len(writes) == 1:
		p.Log.Error("a write failed", "operation", writes[0].ID, "error", err)
		return []store.Outcome{store.Failed(writes[0])}, nil
	}
	half := len(writes) / 2
	outcomes, err = p.divide(writes[:half])
	if err != nil {
		return outcomes, err
	}
	rest, err := p.divide(writes[half:])
	return append(outcomes, rest...), err
}
