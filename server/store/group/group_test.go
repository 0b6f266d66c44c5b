package group_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
)

// held is a store whose commits begin when the test lets them, and say how big they are.
type held struct {
	began chan int
	let   chan error
}

func (h *held) commit(requests [][]store.Write) (out [][]store.Outcome, changed bool, err error) {
	h.began <- len(requests)
	if err = <-h.let; err != nil {
		return nil, false, err
	}
	for _, writes := range requests {
		var outcomes []store.Outcome
		for _, w := range writes {
			o := store.Outcome{}
			o.Result.ID = w.ID
			outcomes = append(outcomes, o)
		}
		out = append(out, outcomes)
	}
	return out, true, nil
}

// TestSplitterSplits: a write that fails is found and answered alone, in its place; what isn't
// the fault of a write is tried once.
func TestSplitterSplits(t *testing.T) {
	bad, away := errors.New("bad data"), errors.New("away")
	var tried [][]store.Write
	splitter := group.Splitter{Log: slog.New(slog.DiscardHandler), IsDataError: func(err error) bool { return errors.Is(err, bad) }, IsRefusal: func(err error) bool { return errors.Is(err, bad) }}
	splitter.Try = func(writes []store.Write) (outcomes []store.Outcome, err error) {
		tried = append(tried, writes)
		for _, w := range writes {
			switch w.ID {
			case "bad":
				err = bad
			case "away":
				return nil, away
			}
			o := store.Outcome{First: api.Applied}
			o.Result.ID = w.ID
			outcomes = append(outcomes, o)
		}
		return outcomes, err
	}
	requests := [][]store.Write{batch("a", 3), {}, slices.Concat(batch("b", 2), batch("bad", 1), batch("c", 7))}
	outcomes, err := splitter.Commit(requests)
	if err != nil || len(outcomes) != len(requests) {
		t.Fatalf("%d answers, %v", len(outcomes), err)
	}
	for i, writes := range requests {
		if len(outcomes[i]) != len(writes) {
			t.Fatalf("request %d of %d writes has %d outcomes", i, len(writes), len(outcomes[i]))
		}
		for j, w := range writes {
			want := api.Applied
			if w.ID == "bad" {
				want = api.Rejected
			}
			if o := outcomes[i][j]; o.Result.ID != w.ID || o.First != want {
				t.Errorf("write %d of request %d, %s: %+v", j, i, w.ID, o)
			}
		}
	}
	if len(tried) > 11 { // down to the request, and from there to the one: two at each level
		t.Errorf("tried %d times", len(tried))
	}
	tried = nil
	if _, err := splitter.Commit([][]store.Write{batch("a", 4), batch("away", 1)}); !errors.Is(err, away) || len(tried) != 1 {
		t.Errorf("without a database: %v, tried %d times", err, len(tried))
	}
}

// TestDivisionsAreBounded: a request full of bad writes costs no more transactions than one with
// a single bad one. At least one is decided each time, and the requests beside it are done.
func TestDivisionsAreBounded(t *testing.T) {
	bad := errors.New("bad data")
	tried := 0
	splitter := group.Splitter{Log: slog.New(slog.DiscardHandler), IsDataError: func(err error) bool { return errors.Is(err, bad) }, IsRefusal: func(err error) bool { return errors.Is(err, bad) }}
	splitter.Try = func(writes []store.Write) ([]store.Outcome, error) {
		tried++
		if slices.ContainsFunc(writes, func(w store.Write) bool { return w.ID == "bad" }) {
			return nil, bad
		}
		return make([]store.Outcome, len(writes)), nil
	}
	outcomes, err := splitter.Commit([][]store.Write{batch("bad", 100), batch("bad", 100), batch("good", 100), batch("bad", 100)})
	if err != nil || tried > 60 {
		t.Errorf("tried %d times (%v), want at most 60", tried, err)
	}
	for i, all := range outcomes {
		statuses := map[api.Status]int{}
		for _, o := range all {
			statuses[o.First]++
		}
		switch {
		case len(all) != 100:
			t.Errorf("request %d has %d outcomes", i, len(all))
		case i == 2 && statuses[""] != 100:
			t.Errorf("the request with good writes: %v", statuses)
		case i != 2 && (statuses[api.Rejected] == 0 || statuses[api.Rejected]+statuses[api.Retry] != 100):
			t.Errorf("a request with bad writes: %v", statuses)
		}
	}
}

// TestSavedWritesHaveOutcomes: when the disk fails between two halves of a group, the requests
// that were saved whole have outcomes, and the others, also one that was torn, have none.
func TestSavedWritesHaveOutcomes(t *testing.T) {
	bad, away := errors.New("bad data"), errors.New("away")
	splitter := group.Splitter{Log: slog.New(slog.DiscardHandler), IsDataError: func(err error) bool { return errors.Is(err, bad) }}
	splitter.Try = func(writes []store.Write) ([]store.Outcome, error) {
		switch {
		case !slices.ContainsFunc(writes, func(w store.Write) bool { return w.ID == "bad" }):
			return make([]store.Outcome, len(writes)), nil
		case len(writes) > 3:
			return nil, bad
		}
		return nil, away
	}
	outcomes, err := splitter.Commit([][]store.Write{batch("saved", 2), slices.Concat(batch("torn", 2), batch("bad", 2)), batch("later", 1)})
	if !errors.Is(err, away) || len(outcomes) != 3 || len(outcomes[0]) != 2 || outcomes[1] != nil || outcomes[2] != nil {
		t.Errorf("%+v, %v", outcomes, err)
	}
}

// TestSavedWritesAreAnswered: requests with outcomes are answered, whatever the others get.
func TestSavedWritesAreAnswered(t *testing.T) {
	var seen store.Commit
	w := group.New(group.Options{
		Commit: func(requests [][]store.Write) ([][]store.Outcome, bool, error) {
			outcomes := make([][]store.Outcome, len(requests))
			for i, writes := range requests {
				if writes[0].ID == "saved" {
					outcomes[i] = make([]store.Outcome, len(writes))
				}
			}
			return outcomes, true, errors.New("broken")
		},
		Observe: func(c store.Commit) { seen.Requests, seen.Writes = seen.Requests+c.Requests, seen.Writes+c.Writes },
	})
	var callers sync.WaitGroup
	for range 20 {
		for id, want := range map[string]error{"saved": nil, "lost": store.ErrUnavailable} {
			callers.Go(func() {
				outcomes, err := w.Apply(t.Context(), batch(id, 2))
				if !errors.Is(err, want) || (want == nil && len(outcomes) != 2) {
					t.Errorf("%s was answered %+v, %v", id, outcomes, err)
				}
			})
		}
	}
	callers.Wait()
	w.Close()
	if seen.Requests != 20 || seen.Writes != 40 {
		t.Errorf("observed %+v", seen)
	}
}

func batch(id string, n int) []store.Write {
	writes := make([]store.Write, n)
	for i := range writes {
		writes[i].ID = id
	}
	return writes
}

// TestGroupsRequests: what comes during a commit is the next one, each caller gets its
// own outcomes, a job runs in between, and a canceled request is skipped.
func TestGroupsRequests(t *testing.T) {
	h := &held{make(chan int), make(chan error)}
	var notified, seen int
	w := group.New(group.Options{Commit: h.commit, Committed: func() { notified++ }, Observe: func(c store.Commit) { seen += c.Writes }})
	var callers sync.WaitGroup
	ask := func(ctx context.Context, id string, want error) {
		callers.Go(func() {
			outcomes, err := w.Apply(ctx, batch(id, 2))
			if !errors.Is(err, want) || (err == nil && (len(outcomes) != 2 || outcomes[0].Result.ID != id)) {
				t.Errorf("%s was answered %+v, %v", id, outcomes, err)
			}
		})
	}
	ask(t.Context(), "first", nil)
	if n := <-h.began; n != 1 {
		t.Errorf("the first commit has %d requests", n)
	}
	gone, leave := context.WithCancel(t.Context())
	ask(t.Context(), "a", nil)
	ask(t.Context(), "b", nil)
	ask(gone, "gone", context.Canceled)
	for w.Queued() < 3 {
		runtime.Gosched() // they come on their own; there is nothing else to wait for
	}
	leave()
	jobs := 0
	callers.Go(func() {
		if err := w.Exclusive(t.Context(), func() error { jobs++; return nil }); err != nil {
			t.Error(err)
		}
	})
	h.let <- nil
	if n := <-h.began; n != 2 {
		t.Errorf("the second commit has %d requests, want those of two", n)
	}
	h.let <- nil
	callers.Wait()
	if jobs != 1 || notified != 2 || seen != 6 || w.Waiting() != 0 {
		t.Errorf("%d jobs, notified %d times, observed %d writes, %d wait", jobs, notified, seen, w.Waiting())
	}

	broken := errors.New("broken")
	ask(t.Context(), "lost", store.ErrUnavailable)
	<-h.began
	h.let <- broken
	callers.Wait()
	if notified != 2 || seen != 6 {
		t.Error("notified of a commit that failed")
	}
	if _, err := w.Apply(t.Context(), batch("much", 5000)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("more than may wait: %v", err)
	}
	w.Close()
	w.Close()
	if _, err := w.Apply(t.Context(), batch("late", 1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
}
