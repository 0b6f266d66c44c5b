package sync_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// passOn has two people who pass an email on: Bob gives his away, Ann takes it.
func passOn(t *testing.T) (d *testbed.Device, ann, bob string) {
	d = testbed.New(t).Device()
	ann, bob = d.Add("Ann"), d.Add("Bob")
	d.Sync()
	d.Wrote(d.Update(context.Background(), ann, testbed.Bio("first")))
	d.Wrote(d.Update(context.Background(), bob, email("robert@example.org")))
	d.Wrote(d.Update(context.Background(), ann, email("bob@example.org")))
	return d, ann, bob
}

func email(address string) api.UserPatch { return api.UserPatch{Email: &address} }

func TestAnEmailIsPassedOn(t *testing.T) {
	d, _, _ := passOn(t)
	if r := d.Sync(); r.Pushed != 2 || r.Rejected != 0 {
		t.Errorf("report %+v", r)
	}
	d.Shows("Ann(first); Bob()")
}

func TestTwoPeopleSwapTheirEmails(t *testing.T) {
	d, ann, bob := passOn(t)
	d.Sync()
	ctx := context.Background()
	d.Wrote(d.Update(ctx, ann, email("third@example.org")))
	d.Wrote(d.Update(ctx, bob, email("bob@example.org")))
	d.Wrote(d.Update(ctx, ann, email("robert@example.org")))
	if r := d.Sync(); r.Pushed != 3 || r.Rejected != 0 {
		t.Errorf("report %+v", r)
	}
	d.Shows("Ann(first); Bob()")
}

// TestAnEmailThatIsFreedLaterIsTakenLater: the server can't decide about the write that
// frees an email, and refuses the one that takes it. Neither needs attention, unless the
// first never gets through.
func TestAnEmailThatIsFreedLaterIsTakenLater(t *testing.T) {
	for _, c := range []struct {
		name         string
		rounds, sent int
		want         string
	}{
		{"in the next round", 1, 2, "Ann(first); Bob()"},
		{"never", queue.MaxServerErrors, 0, "Ann(first) attention; Bob() attention"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, bob := passOn(t)
			d.Intercept(func(r sync.Request) (*sync.Response, error) { return undecided(t, d, r, bob) })
			for n := range c.rounds {
				if n == 1 {
					d.Shows("Ann(first) pending; Bob() pending")
				}
				d.Sync()
			}
			d.Intercept(nil)
			if r := d.Sync(); r.Pushed != c.sent || r.Waiting != 0 {
				t.Errorf("report %+v", r)
			}
			d.Shows(c.want)
		})
	}
}

// TestATakenEmailIsRefusedAtOnce: nothing that is queued may free it.
func TestATakenEmailIsRefusedAtOnce(t *testing.T) {
	d, ann, bob := passOn(t)
	d.Sync()
	d.Wrote(d.Update(context.Background(), bob, testbed.Bio("x")))
	d.Wrote(d.Update(context.Background(), ann, email("robert@example.org")))
	d.Intercept(func(r sync.Request) (*sync.Response, error) { return undecided(t, d, r, bob) })
	if r := d.Sync(); r.Rejected != 1 {
		t.Errorf("report %+v", r)
	}
}

// undecided answers a batch as a server that can't decide about one entity.
func undecided(t *testing.T, d *testbed.Device, r sync.Request, id string) (*sync.Response, error) {
	var batch api.Batch
	if r.Method != "POST" || json.Unmarshal(r.Body, &batch) != nil {
		return nil, nil
	}
	at := slices.IndexFunc(batch.Operations, func(o api.Operation) bool { return o.EntityID == id })
	if at < 0 {
		return nil, nil
	}
	retry := api.Result{ID: batch.Operations[at].ID, Status: api.Retry, Problem: api.NewProblem(api.CodeUnavailable, "Busy", "")}
	batch.Operations = slices.Delete(batch.Operations, at, at+1)
	r.Body, _ = json.Marshal(batch)
	resp := d.World.Serve(context.Background(), r)
	var answer api.BatchResult
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		t.Fatal(err)
	}
	answer.Results = slices.Insert(answer.Results, at, retry)
	resp.Body, _ = json.Marshal(answer)
	return &resp, nil
}
