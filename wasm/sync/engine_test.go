package sync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

func TestRoundPushesThenPulls(t *testing.T) {
	w := testbed.New(t)
	a, b := w.Device(), w.Device()
	id := a.Add("Ann")
	a.Shows("Ann() pending")
	if r := a.Sync(); r.Pushed != 1 || r.Waiting != 0 {
		t.Errorf("report %+v", r)
	}
	a.Shows("Ann()")
	b.Sync()
	b.Shows("Ann()")
	b.Wrote(b.Update(context.Background(), id, testbed.Bio("hello")))
	b.Sync()
	a.Sync()
	a.Shows("Ann(hello)")
	a.Wrote(a.Delete(context.Background(), id))
	a.Shows("")
	a.Sync()
	b.Sync()
	b.Shows("")
}

func TestAnswerLostAfterCommitHasNoDoubleEffect(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	a.Add("Ann")
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if r.Method == "POST" {
			return sync.Response{}, errors.New("connection reset")
		}
		return resp, nil
	}
	for range 7 { // more often than answered failures are allowed
		if _, err := a.Engine.Round(context.Background(), sync.Manual); err == nil {
			t.Fatal("a lost answer went unnoticed")
		}
	}
	a.Shows("Ann() pending")
	a.After = nil
	a.Sync()
	a.Shows("Ann()")
	page, err := a.List(context.Background(), repository.Query{Limit: 5})
	a.OK(err)
	if page.Records.At(0).Version != 1 {
		t.Errorf("version %d: the create took effect more than once", page.Records.At(0).Version)
	}
}

func TestARejectedOperationHoldsUpNoOther(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	a := w.Device()
	a.Add("Ann")
	a.Sync()
	_, err := a.Create(ctx, testbed.Patch("Other", "ANN@example.org", ""))
	a.OK(err)
	a.Add("Zoe")
	if r := a.Sync(); r.Pushed != 1 || r.Rejected != 1 {
		t.Errorf("report %+v", r)
	}
	a.Shows("Ann(); Other() attention; Zoe()")
	ops, err := a.NeedsAttention(ctx, 10)
	a.OK(err)
	if len(ops) != 1 || ops[0].LastError == nil || ops[0].LastError.Code != api.CodeEmailTaken {
		t.Fatalf("needs attention: %+v", ops)
	}
	a.OK(a.Retry(ctx, ops[0]))
	a.Sync()
	a.Shows("Ann(); Other() attention; Zoe()")
	other := "other@example.org"
	a.Wrote(a.Update(ctx, ops[0].Ref.ID, api.UserPatch{Email: &other}))
	a.Sync()
	a.Shows("Ann(); Other(); Zoe()")
}

func TestDiscardRemovesTheRejectedOperation(t *testing.T) {
	ctx := context.Background()
	a := testbed.New(t).Device()
	a.Add("Ann")
	a.Sync()
	_, err := a.Create(ctx, testbed.Patch("Other", "ann@example.org", ""))
	a.OK(err)
	a.Sync()
	ops, err := a.NeedsAttention(ctx, 10)
	a.OK(err)
	a.OK(a.Discard(ctx, ops[0]))
	a.Shows("Ann()")
	if err := a.Discard(ctx, ops[0]); !errors.Is(err, queue.ErrGone) {
		t.Errorf("discarding twice: %v", err)
	}
}

func TestConflictStrategies(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		strategy sync.StrategyName
		mine     func(*testbed.Device, string) error
		theirs   func(*testbed.Device, string) error
		want     string // on both devices, once reviewed
		reversed string
	}{
		{sync.Merge, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Name("Theirs")), "Theirs(mine)", "Theirs(mine)"},
		{sync.Merge, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), "Ann(mine)", "Ann(theirs)"},
		{sync.LastWriteWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), "Ann(mine)", "Ann(theirs)"},
		{sync.ServerWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), "Ann(theirs)", "Ann(mine)"},
		{sync.ClientWins, testbed.Update(testbed.Bio("mine")), testbed.Update(testbed.Bio("theirs")), "Ann(mine)", "Ann(theirs)"},
		{sync.Merge, testbed.Update(testbed.Bio("mine")), testbed.Delete, "", "Ann(mine)"},
		{sync.ServerWins, testbed.Update(testbed.Bio("mine")), testbed.Delete, "", "Ann(mine)"},
		{sync.ClientWins, testbed.Update(testbed.Bio("mine")), testbed.Delete, "Ann(mine)", ""},
		{sync.LastWriteWins, testbed.Update(testbed.Bio("mine")), testbed.Delete, "Ann(mine)", ""},
		{sync.Merge, testbed.Delete, testbed.Update(testbed.Bio("theirs")), "", "Ann(theirs)"},
		{sync.ServerWins, testbed.Delete, testbed.Update(testbed.Bio("theirs")), "Ann(theirs)", ""},
		{sync.ClientWins, testbed.Delete, testbed.Update(testbed.Bio("theirs")), "", "Ann(theirs)"},
		{sync.LastWriteWins, testbed.Delete, testbed.Update(testbed.Bio("theirs")), "", "Ann(theirs)"},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, tt.strategy), func(t *testing.T) {
			w := testbed.New(t)
			a, b := w.Device(), w.Device()
			a.OK(a.SetStrategy(ctx, tt.strategy))
			id := a.Add("Ann")
			a.Sync()
			b.Sync()
			b.OK(tt.theirs(b, id))
			b.Sync()
			w.Now = w.Now.Add(time.Minute)
			a.OK(tt.mine(a, id)) // mine is the later one
			if r := a.Sync(); r.Conflict != 1 {
				t.Fatalf("report %+v", r)
			}
			b.Sync()
			b.Shows(tt.want)
			conflicts, err := a.Conflicts(ctx, 10)
			a.OK(err)
			if len(conflicts) != 1 || conflicts[0].Strategy != string(tt.strategy) {
				t.Fatalf("recorded: %+v", conflicts)
			}
			a.OK(a.Reverse(ctx, conflicts[0]))
			a.Sync()
			b.Sync()
			a.Shows(tt.reversed)
			b.Shows(tt.reversed)
		})
	}
}

func TestUndoOfAnAcknowledgedDelete(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	a, b := w.Device(), w.Device()
	id := a.Add("Ann")
	a.Sync()
	was, err := a.Get(ctx, id)
	a.OK(err)
	a.Wrote(a.Delete(ctx, id))
	a.Sync()
	b.Sync()
	b.Shows("")
	a.Wrote(a.Restore(ctx, was))
	a.Shows("Ann() pending")
	a.Sync()
	b.Sync()
	a.Shows("Ann()")
	b.Shows("Ann()")
}

// What the person sees when they delete may be older than what is deleted: a write
// of it is under way, or was when the list was read.
func TestUndoOfADeleteOnTopOfAnotherWrite(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name   string
		before func(a *testbed.Device) (id string)
		lost   bool // whether the answer to the write before is lost at first
	}{
		{"a create", func(a *testbed.Device) string { return a.Add("Ann") }, false},
		{"a create whose answer is lost", func(a *testbed.Device) string { return a.Add("Ann") }, true},
		{"an update", func(a *testbed.Device) string {
			id := a.Add("Ann")
			a.Sync()
			a.Wrote(a.Update(ctx, id, testbed.Name("Anne")))
			a.Sync()
			a.Wrote(a.Update(ctx, id, testbed.Name("Ann")))
			return id
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := testbed.New(t)
			a, b := w.Device(), w.Device()
			id := tt.before(a)
			was, err := a.Get(ctx, id)
			a.OK(err)
			if tt.lost {
				a.After = func(sync.Request, sync.Response) (sync.Response, error) {
					return sync.Response{}, errors.New("connection reset")
				}
				if _, err := a.Engine.Round(ctx, sync.Manual); err == nil {
					t.Fatal("the answer was not lost")
				}
				a.After = nil
			} else {
				a.Sync()
			}
			a.Wrote(a.Delete(ctx, id))
			a.Sync()
			a.Wrote(a.Restore(ctx, was))
			if r := a.Sync(); r.Conflict != 0 {
				t.Errorf("report %+v", r)
			}
			b.Sync()
			a.Shows("Ann()")
			b.Shows("Ann()")
		})
	}
}

// The list from which a person deletes may not have been read again since they wrote.
func TestUndoOfADeleteBringsBackWhatWasDeleted(t *testing.T) {
	ctx := context.Background()
	for _, sent := range []bool{false, true} {
		w := testbed.New(t)
		a, b := w.Device(), w.Device()
		id := a.Add("Ann")
		a.Sync()
		stale, err := a.Get(ctx, id)
		a.OK(err)
		a.Wrote(a.Update(ctx, id, testbed.Bio("Draws")))
		a.Wrote(a.Delete(ctx, id))
		if sent {
			a.Sync()
		}
		a.Wrote(a.Restore(ctx, stale))
		a.Sync()
		b.Sync()
		a.Shows("Ann(Draws)")
		b.Shows("Ann(Draws)")
	}
}

// TestUndoOfDeletingSeveral brings back each as it was when it was deleted, however far the delete has come:
// what the list showed may be older, and the server may give tombstones versions far ahead.
func TestUndoOfDeletingSeveral(t *testing.T) {
	ctx := context.Background()
	for _, sent := range []bool{false, true} {
		for _, restarted := range []bool{false, true} {
			w := testbed.New(t)
			a, b := w.Device(), w.Device()
			ids := []string{a.Add("Ann"), a.Add("Bob")}
			a.Sync()
			var stale []repository.Record[api.User]
			for _, id := range ids {
				r, err := a.Get(ctx, id)
				a.OK(err)
				stale = append(stale, r)
			}
			a.Wrote(a.Update(ctx, ids[0], testbed.Bio("Draws")))
			if restarted {
				w.StartOn(w.Copy())
			}
			_, err := a.DeleteAll(ctx, stale)
			a.OK(err)
			a.Shows("")
			if sent {
				a.Sync()
				b.Sync()
				b.Shows("")
			}
			_, err = a.RestoreAll(ctx, stale)
			a.OK(err)
			if r := a.Sync(); r.Conflict != 0 {
				t.Errorf("sent %t, restarted %t: %+v", sent, restarted, r)
			}
			b.Sync()
			a.Shows("Ann(Draws); Bob()")
			b.Shows("Ann(Draws); Bob()")
		}
	}
}

func TestUndoOfAnUnsentDelete(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	a := w.Device()
	id := a.Add("Ann")
	was, err := a.Get(ctx, id)
	a.OK(err)
	a.Wrote(a.Delete(ctx, id))
	a.Wrote(a.Restore(ctx, was))
	a.Sync()
	if now, err := a.Get(ctx, id); err != nil || now.Version != 1 {
		t.Errorf("it has version %d, error %v", now.Version, err)
	}
}

func TestSignedOutPausesTheQueue(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	a.Add("Ann")
	a.Intercept(func(sync.Request) (*sync.Response, error) { return &sync.Response{Status: 401}, nil })
	for range 9 {
		report, err := a.Engine.Round(context.Background(), sync.Manual)
		if err == nil || report.Problem == nil || report.Problem.Title != "Sign in to sync" {
			t.Fatalf("report %+v, error %v", report, err)
		}
	}
	ops, err := a.Waiting(context.Background(), 5)
	a.OK(err)
	if len(ops) != 1 || ops[0].RetryCount != 0 {
		t.Errorf("operations %+v", ops)
	}
	a.Intercept(nil)
	a.Sync()
	a.Shows("Ann()")
}

func TestAPoisonOperationIsIsolated(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	for i := range 20 {
		a.Add(fmt.Sprintf("User%02d", i))
	}
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if bytes.Contains(r.Body, []byte("User13")) {
			return &sync.Response{Status: 500}, nil
		}
		return nil, nil
	})
	for range queue.MaxServerErrors {
		a.Sync()
	}
	counts, err := a.Counts(context.Background())
	a.OK(err)
	if counts.Waiting != 0 || counts.Rejected != 1 {
		t.Errorf("counts %+v", counts)
	}
}

func TestResyncKeepsTheQueueAndTheList(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	gone, kept := a.Add("Gone"), a.Add("Kept")
	a.Sync()
	a.Wrote(a.Update(context.Background(), kept, testbed.Bio("unsent")))
	// A restored backup: another epoch, without Gone, and with a lower version of Kept.
	row, err := a.Get(context.Background(), kept)
	a.OK(err)
	fresh := testbed.New(t)
	w.Handler = fresh.Handler
	a.Put(kept, row.Value)
	a.Sync()
	a.Shows("Kept(unsent)")
	if e, err := a.Store.Entity(context.Background(), queue.Ref{Type: "user", ID: gone}); err != nil || e.Confirmed != nil {
		t.Errorf("what the server lost is still there: %+v, %v", e, err)
	}
}

func TestAnOvertakenRoundSavesNothing(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	a.Add("Ann")
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if r.Method == "POST" { // while this round waits for its answer, another begins
			_, err := a.Store.BeginRound(context.Background())
			a.OK(err)
		}
		return resp, nil
	}
	if _, err := a.Engine.Round(context.Background(), sync.Manual); !errors.Is(err, queue.ErrFenced) {
		t.Fatalf("a stale round saved its results: %v", err)
	}
	a.After = nil
	a.Sync()
	a.Shows("Ann()")
}

// What was sent under a client id is known under it, so there must never be another one.
func TestAnOvertakenRoundDoesNotReplaceTheClientID(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	a.Add("Ann")
	chosen := ""
	late := sync.New(sync.Config{
		Store: a.Store, Remote: &remote.Server{HTTP: a, Paths: directory.Paths}, Locks: memory.NewLocks(), Bus: a.Channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: func() time.Time { return w.Now }, Random: func() float64 { return 0.5 },
		NewID: func() string { // while this round chooses an id, another one does and sends
			a.Sync()
			m, err := a.Store.Meta(context.Background(), sync.MetaClient)
			a.OK(err)
			chosen = m[sync.MetaClient]
			return uuid.NewString()
		},
	})
	if _, err := late.Round(context.Background(), sync.Manual); !errors.Is(err, queue.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
	if m, err := a.Store.Meta(context.Background(), sync.MetaClient); err != nil || chosen == "" || m[sync.MetaClient] != chosen {
		t.Errorf("client id %q, %v; want %q", m[sync.MetaClient], err, chosen)
	}
}
