package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// batches collects the sizes of the batches that a device sends: operations and bytes.
type batches struct{ operations, bytes []int }

func (b *batches) note(r sync.Request) (operations int) {
	var batch api.Batch
	if r.Method != "POST" || json.Unmarshal(r.Body, &batch) != nil {
		return 0
	}
	b.operations = append(b.operations, len(batch.Operations))
	b.bytes = append(b.bytes, len(r.Body))
	return len(batch.Operations)
}

// many has a device create so many users.
func many(d *testbed.Device, n int, bio string) {
	d.World.T.Helper()
	for range n {
		id := uuid.NewString()
		_, err := d.Create(context.Background(), testbed.Patch("N"+id[:8], id+"@example.org", bio))
		d.OK(err)
	}
}

// counted counts the transactions that change entities.
type counted struct {
	*memory.Store
	updates int
}

func (c *counted) Update(ctx context.Context, txn queue.Txn, decide func([]*queue.Entity) error) error {
	c.updates++
	return c.Store.Update(ctx, txn, decide)
}

// TestABatchIsTwoTransactions: one marks all of it as sent, one saves all that was answered.
func TestABatchIsTwoTransactions(t *testing.T) {
	w := testbed.New(t)
	d := w.Device()
	many(d, api.MaxOperations, "")
	store := &counted{Store: d.Store}
	engine := sync.New(sync.Config{
		Store: store, Remote: &remote.Server{HTTP: d, Paths: directory.Paths}, Locks: memory.NewLocks(), Bus: d.Channel.Bus(),
		Schemas: []queue.Schema{directory.Users}, Now: func() time.Time { return w.Now }, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})
	report, err := engine.Round(t.Context(), sync.Manual)
	if err != nil || report.Pushed != api.MaxOperations || d.Count("POST") != 1 || store.updates != 2 {
		t.Errorf("%d were pushed with %d requests in %d transactions, %v", report.Pushed, d.Count("POST"), store.updates, err)
	}
}

// TestAServerThatTakesFewer: it is found out once what a server takes, whether it says so or
// not, and nothing is lost by it.
func TestAServerThatTakesFewer(t *testing.T) {
	for name, c := range map[string]struct {
		takes int
		says  string
		want  []int
	}{
		"an earlier version": {100, `{"title":"Too many operations","status":413,"code":"too_large","detail":"1000 operations; at most 100 are allowed"}`,
			append([]int{1000}, slices.Repeat([]int{100}, 10)...)},
		"a later version": {400, `{"title":"Too many operations","status":413,"code":"too_large","maxOperations":400}`, []int{1000, 400, 400, 200}},
		"a proxy's words": {70, "<h1>413 Request Entity Too Large</h1>", []int{1000, 100, 50, 100, 50, 100, 50}},
	} {
		t.Run(name, func(t *testing.T) {
			d := testbed.New(t).Device()
			many(d, 1000, "")
			b := &batches{}
			d.Intercept(func(r sync.Request) (*sync.Response, error) {
				if b.note(r) <= c.takes {
					return nil, nil
				}
				media := "application/problem+json"
				if strings.HasPrefix(c.says, "<") {
					media = "text/html"
				}
				return &sync.Response{Status: 413, Header: map[string]string{"content-type": media}, Body: []byte(c.says)}, nil
			})
			if r := d.Sync(); r.Pushed != 1000 || r.Rejected != 0 {
				t.Errorf("%+v", r)
			}
			if got := b.operations; len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
				t.Errorf("it sent batches of %v, want %v", got, c.want)
			}
			b.operations = nil
			many(d, c.takes, "")
			d.Sync()
			if c.takes >= 100 && !slices.Equal(b.operations, []int{c.takes}) {
				t.Errorf("later it sent batches of %v", b.operations)
			}
		})
	}
}

// TestABatchIsBoundedByItsBytes: long texts go in more requests, and none before an earlier
// one. What is longer than any batch goes alone.
func TestABatchIsBoundedByItsBytes(t *testing.T) {
	w := testbed.New(t)
	d := w.Device()
	many(d, 600, strings.Repeat("x", 2000))
	many(d, 50, "")
	var last int64
	b := &batches{}
	order := map[string]int64{}
	operations, err := d.Store.Operations(t.Context(), 0, 1000)
	d.OK(err)
	for _, o := range operations {
		order[o.ID] = o.Seq
	}
	d.Intercept(func(r sync.Request) (*sync.Response, error) {
		b.note(r)
		var batch api.Batch
		_ = json.Unmarshal(r.Body, &batch)
		for _, o := range batch.Operations {
			if order[o.ID] < last {
				t.Errorf("operation %d was sent after %d", order[o.ID], last)
			}
			last = order[o.ID]
		}
		return nil, nil
	})
	if r := d.Sync(); r.Pushed != 650 {
		t.Errorf("%+v", r)
	}
	if most := slices.Max(b.bytes); most > sync.MaxBatch || len(b.bytes) != 3 {
		t.Errorf("%d requests of up to %d bytes", len(b.bytes), most)
	}
}

// TestOneOfAThousandIsIsolated: what the server fails on is found by halves, and all others
// arrive, each once.
func TestOneOfAThousandIsIsolated(t *testing.T) {
	w := testbed.New(t)
	d := w.Device()
	many(d, 700, "")
	bad, err := d.Create(t.Context(), testbed.Patch("Calc", "calc@example.org", "=cmd"))
	d.OK(err)
	many(d, 299, "")
	b := &batches{}
	d.Intercept(func(r sync.Request) (*sync.Response, error) {
		b.note(r)
		if bytes.Contains(r.Body, []byte("=cmd")) {
			return &sync.Response{Status: 500, Header: map[string]string{"content-type": "text/plain"}}, nil
		}
		return nil, nil
	})
	report, err := d.Engine.Round(t.Context(), sync.Manual)
	if err != nil || report.Pushed != 999 || report.Waiting != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if len(b.operations) > 40 {
		t.Errorf("it took %d requests: %v", len(b.operations), b.operations)
	}
	e, err := d.Store.Entity(t.Context(), queue.Ref{Type: api.EntityUser, ID: bad.ID})
	if err != nil || len(e.Operations) != 1 || e.Operations[0].RetryCount != 1 {
		t.Errorf("the one that fails: %+v, %v", e.Operations, err)
	}
	var versions []string
	resp := w.Serve(t.Context(), sync.Request{Method: "GET", Path: "/api/v1/changes?limit=1000"})
	var page api.ChangePage
	d.OK(json.Unmarshal(resp.Body, &page))
	for _, c := range page.Changes {
		if c.Version != 1 {
			versions = append(versions, fmt.Sprint(c.EntityID, " has version ", c.Version))
		}
	}
	if len(page.Changes) != 999 || len(versions) > 0 {
		t.Errorf("the server has %d; %v", len(page.Changes), versions)
	}
}

// TestWhatAnotherDatabaseHasSentIsKnownAgain: an operation that was taken in goes under the client id
// that the server knows it by, in its place among the device's own.
func TestWhatAnotherDatabaseHasSentIsKnownAgain(t *testing.T) {
	w := testbed.New(t)
	a, b := w.Device(), w.Device()
	id := a.Add("Ann")
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if r.Method == "POST" {
			return sync.Response{}, errors.New("connection reset")
		}
		return resp, nil
	}
	if _, err := a.Engine.Round(t.Context(), sync.Manual); err == nil {
		t.Fatal("a lost answer went unnoticed")
	}
	file := queue.SavedChanges{Format: queue.SavedFormat, Version: queue.SavedVersion}
	meta, err := a.Store.Meta(t.Context(), sync.MetaClient)
	a.OK(err)
	file.Client = meta[sync.MetaClient]
	file.Operations, err = a.Store.Operations(t.Context(), 0, 10)
	a.OK(err)
	text, err := json.Marshal(file)
	a.OK(err)

	b.Sync() // it has a client id of its own, and Ann
	b.Wrote(b.Update(t.Context(), id, testbed.Bio("hello")))
	b.Sync() // what Ann was made as is no longer what she is
	b.Add("Bob")
	if done, err := b.TakeIn(t.Context(), text); err != nil || done.Taken != 1 {
		t.Fatalf("taken in: %+v, %v", done, err)
	}
	b.Add("Cid")
	sent := &batches{}
	b.Intercept(func(r sync.Request) (*sync.Response, error) {
		sent.note(r)
		return nil, nil
	})
	if r := b.Sync(); r.Pushed != 3 || r.Conflict != 0 {
		t.Errorf("report %+v", r)
	}
	if !slices.Equal(sent.operations, []int{1, 1, 1}) {
		t.Errorf("batches of %v, want each client's by itself", sent.operations)
	}
	b.Shows("Ann(hello); Bob(); Cid()")
}
