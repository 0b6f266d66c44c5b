package sync

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// isTaken reports whether a result refuses an operation because another entity has the
// value that it takes.
func isTaken(result api.Result) bool {
	return result.Status == api.Rejected && result.Problem != nil && result.Problem.Code == api.CodeEmailTaken
}

// spareTaken turns such a refusal into a retry while an older operation that may free the
// value is still to be sent again. It is the person's order that the server has not seen,
// and no mistake of theirs. MaxServerErrors bounds how often.
func (r *round) spareTaken(ctx context.Context, batch []queue.Operation, results []api.Result) error {
	if !slices.ContainsFunc(results, isTaken) {
		return nil
	}
	oldest, err := r.oldestFreeing(ctx, batch)
	if err != nil {
		return fmt.Errorf("read the queue: %w", err)
	}
	for i, o := range batch {
		if isTaken(results[i]) && oldest < o.Seq {
			results[i].Status = api.Retry
		}
		if results[i].Status == api.Retry && o.Frees(r.unique[o.Ref.Type]) {
			oldest = min(oldest, o.Seq)
		}
	}
	return nil
}

// oldestFreeing returns the Seq of the oldest operation to be sent that is not in the
// batch and may free a unique value.
func (r *round) oldestFreeing(ctx context.Context, batch []queue.Operation) (int64, error) {
	const page = 1000
	sent := map[string]bool{}
	for _, o := range batch {
		sent[o.ID] = true
	}
	for after, last := int64(0), batch[len(batch)-1].Seq; after < last; {
		operations, err := r.cfg.Store.Operations(ctx, after, page)
		if err != nil {
			return 0, err
		}
		for _, o := range operations {
			after = o.Seq
			if !sent[o.ID] && o.State != queue.Rejected && o.Frees(r.unique[o.Ref.Type]) {
				return o.Seq, nil
			}
		}
		if len(operations) < page {
			break
		}
	}
	return math.MaxInt64, nil
}
