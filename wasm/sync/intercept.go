package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// CodeIntercepted is the code of the problem that something between this device and the
// server does not let a change through. No server sends it.
const CodeIntercepted = "intercepted"

// How often an operation must fail alone, each time while the server answers other
// requests, until it is set aside. A refusal is a filter's word; silence is more often the
// network's fault.
const (
	MaxRefusals = 3
	MaxSilences = 10
)

// mayBeIntercepted reports whether a filter's answer to one body may be what failed the
// request. It looks like a server that can't be reached.
func (e *RequestError) mayBeIntercepted() bool {
	return e.Kind == NoAnswer || (e.Kind == Unavailable && e.Foreign && e.RetryAfter == 0 && e.Status != 429)
}

// suspicion counts how often an operation was sent alone and failed, while the server
// answered other requests: refused, or refused or not answered.
type suspicion struct{ refusals, failures int }

// after is the suspicion after one more failure.
func (s suspicion) after(failed *RequestError) suspicion {
	if failed.Kind == NoAnswer && failed.Status != 0 {
		s.refusals++
	}
	s.failures++
	return s
}

// holds reports whether the operation is to be set aside.
func (s suspicion) holds() bool { return s.refusals >= MaxRefusals || s.failures >= MaxSilences }

// interceptedProblem says that something in between does not let a change through.
func interceptedProblem(failed *RequestError) api.Problem {
	p := api.Problem{Title: "Something between this device and the server refuses this change", Status: failed.Status, Code: CodeIntercepted}
	how := "nothing answers when it is sent"
	if failed.Status != 0 {
		how = fmt.Sprintf("it answers with status %d", failed.Status)
	}
	p.Detail = how + ", while the server takes others. It may be a filter, a firewall or a proxy. Edit the change, or retry in another network"
	return p
}

// interceptedErr is the error of a push that could not deliver an operation, nil when none
// was held up.
func (r *round) interceptedErr() error {
	if r.intercepted == nil {
		return nil
	}
	return r.intercepted
}

// receives reports whether the server receives batches, by one without operations.
func (r *round) receives(ctx context.Context) bool {
	r.clock.sentAt = r.cfg.Now()
	_, err := r.cfg.Remote.Push(ctx, r.clientID, nil)
	ReportProgress(ctx)
	return err == nil
}

// isolate deals with a batch that the server has not answered. Where the server receives
// an empty one, something in between stops this one for what is in it: it is halved down
// to the operation that doesn't get through, which is set aside in the end. Otherwise the
// server can't be reached, which says nothing about the operations.
func (r *round) isolate(ctx context.Context, batch []queue.Operation, failed *RequestError) error {
	if !failed.mayBeIntercepted() || len(batch) == 0 || !r.receives(ctx) {
		return failed
	}
	if len(batch) > 1 {
		r.shrink(len(batch), failed)
		return nil
	}
	culprit, problem := batch[0], interceptedProblem(failed)
	r.skip[culprit.ID] = true
	r.suspects[culprit.ID] = r.suspects[culprit.ID].after(failed)
	if !r.suspects[culprit.ID].holds() {
		r.intercepted = &RequestError{Kind: Unavailable, Status: failed.Status, Problem: problem, Foreign: true, Err: failed}
		return nil
	}
	delete(r.suspects, culprit.ID)
	r.report.Rejected++
	return r.update(ctx, batch, func(e *queue.Entity, _ int) { e.Reject(culprit.ID, &problem) })
}

// choose picks the operations of the next batch among those due: the first, as many as it
// has room for, of one client id. A suspect goes alone, after all others.
func (r *round) choose(due []queue.Operation) []queue.Operation {
	var chosen, suspects []queue.Operation
	room, full := MaxBatch, false
	for _, o := range due {
		switch {
		case r.skip[o.ID]:
			continue
		case r.suspects[o.ID].failures > 0:
			suspects = append(suspects, o)
			continue
		}
		room -= sizeOf(o)
		full = full || len(chosen) == r.batch || len(chosen) > 0 && (room < 0 || o.Client != chosen[0].Client)
		if !full {
			chosen = append(chosen, o)
		}
	}
	if len(chosen) == 0 && len(suspects) > 0 {
		return suspects[:1]
	}
	return chosen
}

// sizeOf is about how many bytes an operation takes in a request, or its entity in the answer.
func sizeOf(o queue.Operation) int { return 300 + max(len(o.Data), len(o.Base)) }

// forgetSuspects forgets suspects that are no longer among all that is due.
func (r *round) forgetSuspects(due []queue.Operation) {
	maps.DeleteFunc(r.suspects, func(id string, _ suspicion) bool {
		return !slices.ContainsFunc(due, func(o queue.Operation) bool { return o.ID == id })
	})
}

// unsentBut is the error of a round that could not push, though the server answers reads.
func unsentBut(pushErr error) error {
	var failed *RequestError
	if !errors.As(pushErr, &failed) || failed.Kind != NoAnswer && !(failed.Foreign && failed.Kind == TooLarge) {
		return pushErr
	}
	p := api.Problem{Title: "Something between this device and the server lets no changes through", Status: failed.Status,
		Detail: "others' changes arrive, yours wait on this device. It may be a filter, a firewall or a proxy. " + failed.Problem.Error(), Code: CodeIntercepted}
	return &RequestError{Kind: Unavailable, Status: failed.Status, Problem: p, Foreign: true, Err: failed}
}
