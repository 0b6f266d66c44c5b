package sync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// RoundLock is the lock that every round holds, across all tabs and the service
// worker of a browser.
const RoundLock = "rollcall-round"

// Bounds of one round. The next round does the rest.
const (
	MaxPushes = 50        // batches
	MaxBatch  = 512 << 10 // bytes in a batch, about; a larger operation goes alone
	MaxPages  = 40        // pages of the feed
	PageSize  = 1000      // changes in a page; the server ends one of long texts earlier
)

// round is the state of one round.
type round struct {
	*Engine
	reason   Reason
	fence    int64
	clientID string
	skip     map[string]bool // operations that failed in this round
	report   Report

	intercepted *RequestError // the last operation that did not get through, nil for none

	position    position              // in the feed
	digests     map[string]api.Digest // the server's, at the end of the feed; nil before it
	epoch       string                // of the server's feed, with the digests
	bucketPages int                   // read so far
}

// Round pushes what is due, then pulls what is new. It holds RoundLock, so at most one
// round runs at a time in a browser. See Reason.IgnoresBackoff for what is due. The report
// says what the round did, also when it failed. Report.Problem and the error then say why:
// a *RequestError, or an error of the store.
func (e *Engine) Round(ctx context.Context, reason Reason) (Report, error) {
	r := &round{Engine: e, skip: map[string]bool{}, reason: reason}
	err := e.cfg.Locks.Hold(ctx, RoundLock, Wait, r.run)
	if errors.Is(err, ErrAbandoned) { // the abandoned goroutine may still write to r
		return Report{Problem: ProblemFor(err)}, err
	}
	r.report.Problem = ProblemFor(err)
	if counts, cerr := e.cfg.Store.Counts(context.WithoutCancel(ctx)); cerr == nil {
		r.report.Waiting = counts.Waiting
	}
	return r.report, err
}

// ProblemFor turns an error into a problem for a person; nil for none.
func ProblemFor(err error) *api.Problem {
	if err == nil {
		return nil
	}
	var failed *RequestError
	if errors.As(err, &failed) {
		p := failed.Problem
		return &p
	}
	return &api.Problem{Title: "Syncing stopped", Detail: err.Error(), Code: api.CodeInternal}
}

func (r *round) run(ctx context.Context) error {
	fence, err := r.cfg.Store.BeginRound(ctx)
	if err != nil {
		return fmt.Errorf("begin a round: %w", err)
	}
	r.fence = fence
	r.clock.known = false // the device's clock may have been set since the last round
	if err := r.prepareStore(ctx); err != nil {
		return err
	}
	pushErr := r.push(ctx)
	var failed *RequestError
	if pushErr != nil && (!errors.As(pushErr, &failed) || failed.Kind == SignedOut || failed.Kind == TooOld) {
		return pushErr
	}
	// A server that takes no writes for the moment may still answer reads, and a filter
	// that stops them may let reads pass.
	if err := r.pull(ctx); err != nil {
		return err
	}
	if pushErr != nil {
		return unsentBut(pushErr)
	}
	if err := r.saveSuccess(ctx); err != nil {
		return err
	}
	return r.check(ctx)
}

// prepareStore reads this browser's client id, or creates it, and has the rows listed by the
// schemas' rules.
func (r *round) prepareStore(ctx context.Context) error {
	meta, err := r.cfg.Store.Meta(ctx, MetaClient, MetaIndex)
	if err != nil {
		return fmt.Errorf("read the client id: %w", err)
	}
	r.clientID = meta[MetaClient]
	rules := r.indexRules()
	switch {
	case r.clientID == "": // a new store, which has only rows by the present rules
		r.clientID = r.cfg.NewID()
		if err := r.saveMeta(ctx, map[string]string{MetaClient: r.clientID, MetaIndex: rules}); err != nil {
			return fmt.Errorf("save the client id: %w", err)
		}
	case meta[MetaIndex] != rules:
		return r.reindex(ctx, rules)
	}
	return nil
}

// indexRules is the value of MetaIndex.
func (r *round) indexRules() string {
	var rules []string
	for _, s := range r.cfg.Schemas {
		if s.Rule != "" {
			rules = append(rules, s.Type+":"+s.Rule)
		}
	}
	return strings.Join(rules, " ")
}

// reindex has all rows listed anew. It needs no server, and comes before the check, which
// takes a row that is listed under another text for corrupt.
func (r *round) reindex(ctx context.Context, rules string) error {
	for _, s := range r.cfg.Schemas {
		for from, more := "", true; more; more = from != "" {
			var err error
			if from, err = r.cfg.Store.Reindex(ctx, r.fence, s.Type, from); err != nil {
				return fmt.Errorf("list the rows anew: %w", err)
			}
		}
	}
	if err := r.saveMeta(ctx, map[string]string{MetaIndex: rules}); err != nil {
		return fmt.Errorf("save the rule of the list: %w", err)
	}
	r.cfg.Bus.Publish(Message{Kind: RowsChanged})
	return nil
}

// saveSuccess records that the round succeeded, and the error of the device's clock.
func (r *round) saveSuccess(ctx context.Context) error {
	values := map[string]string{MetaSyncedAt: r.cfg.Now().UTC().Format(time.RFC3339Nano)}
	if r.clock.known {
		values[MetaSkew] = strconv.FormatInt(r.clock.skew.Milliseconds(), 10)
	}
	return r.saveMeta(ctx, values)
}

// saveMeta saves named values under the round's fence: a round that another has overtaken
// saves nothing.
func (r *round) saveMeta(ctx context.Context, values map[string]string) error {
	_, err := r.cfg.Store.ApplyPage(ctx, Page{Fence: r.fence, Generation: r.position.generation, Meta: values})
	return err
}

// maxNamedRefs bounds the refs in one message. Beyond it the pages read everything again.
const maxNamedRefs = 200

// publishChanged notifies the pages of rows that changed.
func (r *round) publishChanged(refs []queue.Ref) {
	if len(refs) == 0 {
		return
	}
	if len(refs) > maxNamedRefs {
		refs = nil
	}
	r.cfg.Bus.Publish(Message{Kind: RowsChanged, Refs: refs})
}
