package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

const (
	// maxDelay is above every delay that is ever scheduled. A longer one means that the
	// device's clock was set back.
	maxDelay = 2 * time.Hour
	// forever is above every delay that a changed clock makes of a scheduled one.
	forever = 100 * 365 * 24 * time.Hour
)

// push sends what is due, batch by batch. No transaction is open during a request:
// operations are marked as sent before it, and results are saved after it.
func (r *round) push(ctx context.Context) error {
	for range MaxPushes {
		batch, err := r.nextBatch(ctx)
		ReportProgress(ctx)
		if err != nil {
			return fmt.Errorf("read the queue: %w", err)
		}
		if len(batch) == 0 {
			return r.interceptedErr()
		}
		r.clock.sentAt = r.cfg.Now()
		results, pushErr := r.cfg.Remote.Push(ctx, cmp.Or(batch[0].Client, r.clientID), batch)
		ReportProgress(ctx)
		answered, results, unanswered := splitAnswered(batch, results)
		for _, o := range answered { // also if that can't be saved
			delete(r.suspects, o.ID)
		}
		if len(answered) > 0 {
			if err := r.saveResults(ctx, answered, results); err != nil {
				return fmt.Errorf("save the server's answers: %w", err)
			}
		}
		if pushErr == nil {
			r.batch = min(r.most, r.batch*2)
			continue
		}
		if err := r.pushFailed(ctx, unanswered, pushErr); err != nil {
			return err
		}
	}
	r.report.More = true
	return r.interceptedErr()
}

// splitAnswered splits a batch into the operations that have results, these results, and
// the other operations. A remote that sends one by one may be cut off on the way.
func splitAnswered(batch []queue.Operation, results []api.Result) (answered []queue.Operation, theirs []api.Result, unanswered []queue.Operation) {
	for i, o := range batch {
		if i < len(results) && results[i].Status != "" {
			answered, theirs = append(answered, o), append(theirs, results[i])
		} else {
			unanswered = append(unanswered, o)
		}
	}
	return answered, theirs, unanswered
}

// nextBatch picks the next batch and marks its operations as sent.
func (r *round) nextBatch(ctx context.Context) ([]queue.Operation, error) {
	now := r.cfg.Now()
	if r.reason.IgnoresBackoff() {
		now = now.Add(forever)
	}
	limit := r.batch + len(r.skip) + len(r.suspects)
	due, err := r.cfg.Store.Due(ctx, now, limit)
	if err == nil && len(due.Operations) == 0 && due.Next.After(now.Add(maxDelay)) {
		due, err = r.cfg.Store.Due(ctx, now.Add(forever), limit)
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	txn := queue.Txn{Fence: r.fence}
	if len(due.Operations) < limit {
		r.forgetSuspects(due.Operations)
	}
	for _, o := range r.choose(due.Operations) {
		ids, txn.Refs = append(ids, o.ID), append(txn.Refs, o.Ref)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var batch []queue.Operation
	err = r.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
		batch = queue.SendFirst(entities, ids)
		return nil
	})
	return batch, err
}

// pushFailed handles a batch without results. It returns nil when it makes sense to go
// on: with smaller batches, or because the culprit is out of the way.
func (r *round) pushFailed(ctx context.Context, batch []queue.Operation, err error) error {
	var failed *RequestError
	if !errors.As(err, &failed) {
		return err
	}
	switch failed.Kind {
	case TooLarge, ServerError, Refused:
	default:
		return r.isolate(ctx, batch, failed)
	}
	if len(batch) > 1 {
		r.shrink(len(batch), failed)
		return nil
	}
	if len(batch) == 0 || !r.receives(ctx) {
		return err // about none of them: a batch without operations fares no better
	}
	culprit := batch[0]
	r.skip[culprit.ID] = true
	problem := failed.Problem
	if failed.Kind != ServerError {
		r.report.Rejected++
	}
	return r.update(ctx, batch, func(e *queue.Entity, _ int) {
		if failed.Kind == ServerError {
			delay := max(failed.RetryAfter, Backoff(culprit.RetryCount+1, r.cfg.Random()))
			e.Fail(culprit.ID, &problem, r.cfg.Now().Add(delay))
			return
		}
		e.Reject(culprit.ID, &problem)
	})
}

// shrink makes the next batch smaller than one of n operations that failed. A server of an
// earlier version takes fewer than this one and does not say how many.
func (r *round) shrink(n int, failed *RequestError) {
	r.batch = n / 2
	if failed.Kind != TooLarge {
		return
	}
	switch told := failed.Problem.MaxOperations; {
	case told > 0 && told < n:
		r.most, r.batch = told, told
	case told == 0 && n > api.CommonOperations:
		r.most, r.batch = api.CommonOperations, api.CommonOperations
	}
}

// saveResults saves the server's answers to a batch.
func (r *round) saveResults(ctx context.Context, batch []queue.Operation, results []api.Result) error {
	names := make([]string, 0, len(r.cfg.Schemas))
	for _, s := range r.cfg.Schemas {
		names = append(names, MetaStrategy+s.Type)
	}
	strategies, err := r.cfg.Store.Meta(ctx, names...)
	if err != nil {
		return err
	}
	if err := r.spareTaken(ctx, batch, results); err != nil {
		return err
	}
	newIDs := make([]conflictIDs, len(batch))
	for i, result := range results {
		if result.Status == api.Conflict {
			newIDs[i] = conflictIDs{operation: r.cfg.NewID(), record: r.cfg.NewID()}
		}
	}
	now := r.cfg.Now()
	err = r.update(ctx, batch, func(e *queue.Entity, i int) {
		if results[i].Status == api.Conflict {
			strategy := ParseStrategy(strategies[MetaStrategy+e.Ref.Type])
			resolveConflict(e, batch[i].ID, strategy, r.theirs(e, results[i], now), newIDs[i])
			return
		}
		r.applyResult(e, batch[i], results[i], now)
	})
	if err != nil {
		return err
	}
	for i, result := range results {
		r.countResult(batch[i].ID, result.Status)
	}
	return nil
}

func (r *round) countResult(id string, status api.Status) {
	switch status {
	case api.Applied, api.Duplicate:
		r.report.Pushed++
	case api.Conflict:
		r.report.Conflict++
	case api.Rejected:
		r.report.Rejected++
		r.skip[id] = true
	case api.Retry:
		r.skip[id] = true
	}
}

// theirs is the server's side of a conflict.
func (r *round) theirs(e *queue.Entity, result api.Result, now time.Time) theirs {
	return theirs{
		row: confirmedRow(result, now), version: result.Version, stamp: result.Stamp, fields: r.fields[e.Ref.Type], at: now,
	}
}

// applyResult applies a result other than a conflict to its entity.
func (r *round) applyResult(e *queue.Entity, o queue.Operation, result api.Result, now time.Time) {
	row := confirmedRow(result, now)
	switch result.Status {
	case api.Applied:
		e.Acknowledge(o.ID, row, result.Version)
	case api.Duplicate:
		e.AcknowledgeDuplicate(o.ID, row, result.Version, r.fields[e.Ref.Type])
	case api.Rejected:
		e.Reject(o.ID, problemOr(result.Problem, "The server did not take this"))
	case api.Retry:
		e.Fail(o.ID, problemOr(result.Problem, "The server could not decide about this"),
			now.Add(Backoff(o.RetryCount+1, r.cfg.Random())))
	}
}

func confirmedRow(result api.Result, at time.Time) *queue.Row {
	if queue.IsNull(result.Document) {
		return nil
	}
	return &queue.Row{Version: result.Version, Stamp: result.Stamp, Document: result.Document, SyncedAt: at.UTC()}
}

func problemOr(p *api.Problem, title string) *api.Problem {
	if p != nil {
		return p
	}
	return &api.Problem{Title: title, Code: api.CodeInternal}
}

// update changes the entities of a batch in one transaction, then notifies the pages.
func (r *round) update(ctx context.Context, batch []queue.Operation, change func(*queue.Entity, int)) error {
	txn := queue.Txn{Fence: r.fence}
	for _, o := range batch {
		txn.Refs = append(txn.Refs, o.Ref)
	}
	err := r.cfg.Store.Update(ctx, txn, func(entities []*queue.Entity) error {
		for i, e := range entities {
			change(e, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.publishChanged(txn.Refs)
	return nil
}
