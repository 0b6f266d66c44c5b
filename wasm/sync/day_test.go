package sync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/day"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// post has others send operations to the server.
func post(w *testbed.World, generate func() ([]api.Operation, error)) {
	w.T.Helper()
	operations, err := generate()
	if err != nil {
		w.T.Fatal(err)
	}
	for ; len(operations) > 0; operations = operations[min(len(operations), api.MaxOperations):] {
		body, err := json.Marshal(api.Batch{
			ClientID: "00000000-0000-4000-8000-00000000aaaa", Operations: operations[:min(len(operations), api.MaxOperations)],
		})
		if err != nil {
			w.T.Fatal(err)
		}
		resp := w.Serve(context.Background(), sync.Request{
			Method: http.MethodPost, Path: "/api/v1/operations", Body: body, Header: map[string]string{"Content-Type": "application/json"},
		})
		var answer api.BatchResult
		if err := json.Unmarshal(resp.Body, &answer); err != nil || resp.Status != http.StatusOK {
			w.T.Fatalf("status %d: %s", resp.Status, resp.Body)
		}
		for _, r := range answer.Results {
			if r.Status != api.Applied {
				w.T.Fatalf("%s: %s %v", r.ID, r.Status, r.Problem)
			}
		}
	}
}

// people are the users the server has, by email.
func people(w *testbed.World) map[string]day.Person {
	w.T.Helper()
	out := map[string]day.Person{}
	token := ""
	for {
		var page api.UserPage
		resp := w.Serve(context.Background(), sync.Request{Method: http.MethodGet, Path: "/api/v1/users?limit=500&page_token=" + token})
		if err := json.Unmarshal(resp.Body, &page); err != nil || resp.Status != http.StatusOK {
			w.T.Fatalf("status %d: %s", resp.Status, resp.Body)
		}
		for _, u := range page.Users {
			out[u.Email] = day.Person{Name: u.Name, Email: u.Email, Bio: u.Bio}
		}
		if token = page.NextPageToken; token == "" {
			return out
		}
	}
}

// faults is what a faulty network and server do to requests, and what comes of it.
type faults struct {
	batches  int            // that reached the server and came back
	failures int            // requests that something went wrong with
	biggest  int            // operations in one batch
	applied  int            // what the server said it applied
	twice    int            // what it said it had applied before
	heap     uint64         // the most that lived while a request was under way
	effects  map[string]int // by operation
}

// inject fails some requests before they reach the server.
func (f *faults) inject(n int) (*sync.Response, error) {
	plain := func(status int, retry string) *sync.Response {
		return &sync.Response{Status: status, Header: map[string]string{"content-type": "text/plain", "retry-after": retry}}
	}
	switch n % 7 {
	case 2:
		return plain(http.StatusServiceUnavailable, "5"), nil
	case 5:
		return plain(http.StatusTooManyRequests, "20"), nil
	case 4:
		return plain(http.StatusInternalServerError, ""), nil
	case 6:
		return nil, errors.New("the connection was lost")
	}
	return nil, nil
}

// sample measures what is alive: garbage would measure the collector, not the engine.
func (f *faults) sample() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap = max(f.heap, m.HeapAlloc)
}

// away is a device that was without a network for a day, and the faults it meets when
// it is back.
func away(w *testbed.World, d day.Day) (*testbed.Device, *faults) {
	w.T.Helper()
	post(w, d.Before)
	dev := w.Device()
	drain(w, dev)
	clock := d.Clock(w.Now)
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: dev.Store, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: clock.Now, After: time.After, NewID: uuid.NewString,
	})
	defer users.Close()
	dev.OK(d.Spend(context.Background(), day.Device{Users: users, Store: dev.Store, Clock: clock}))
	w.Now = w.Now.Add(day.Length)
	post(w, d.Others)
	f := &faults{effects: map[string]int{}}
	requests := 0
	dev.Intercept(func(_ sync.Request) (*sync.Response, error) {
		requests++
		if requests%4 == 1 {
			f.sample()
		}
		resp, err := f.inject(requests)
		if resp != nil || err != nil {
			f.failures++
		}
		return resp, err
	})
	dev.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		f.note(r, resp)
		if requests%7 == 1 && requests > 1 {
			f.failures++
			return sync.Response{}, errors.New("the answer was lost")
		}
		return resp, nil
	}
	return dev, f
}

// note counts what the server says of a batch, whether or not the device receives it.
func (f *faults) note(r sync.Request, resp sync.Response) {
	var answer api.BatchResult
	if r.Method != http.MethodPost || json.Unmarshal(resp.Body, &answer) != nil {
		return
	}
	f.batches++
	f.biggest = max(f.biggest, len(answer.Results))
	for _, result := range answer.Results {
		switch result.Status {
		case api.Applied:
			f.applied++
			f.effects[result.ID]++
		case api.Duplicate:
			f.twice++
		}
	}
}

// drain does rounds as a host does until nothing is left to send or receive, and
// returns how many. Time passes between them as the server asks for.
func drain(w *testbed.World, d *testbed.Device) int {
	w.T.Helper()
	reason := sync.Online
	for n := 1; n <= 500; n++ {
		report, err := d.Engine.Round(context.Background(), reason)
		var o *sync.RequestError
		switch {
		case err == nil && !report.More && report.Waiting == 0:
			return n
		case err == nil:
			w.Now = w.Now.Add(sync.MaxBackoff)
		case errors.As(err, &o):
			w.Now = w.Now.Add(max(o.RetryAfter, sync.MaxBackoff))
		default:
			w.T.Fatal(err)
		}
		reason = sync.Timer
	}
	w.T.Fatal("the queue is not empty after 500 rounds")
	return 0
}

func TestADayOffline(t *testing.T) {
	grown := map[int]uint64{}
	for _, d := range []day.Day{{Operations: 100}, {Operations: 5000}} {
		t.Run(fmt.Sprint(d.Operations, " operations"), func(t *testing.T) { grown[d.Operations] = spendADay(t, d) })
	}
	// A batch is a thousand operations at most, a page of the feed 500 changes.
	if few, many := grown[100], grown[5000]; many > few+8<<20 {
		t.Errorf("a round holds %d kB above its store with 5,000 operations, %d kB with 100", many>>10, few>>10)
	}
}

// spendADay returns how much more was alive at the worst moment of syncing than
// before or after it, when device and server hold all their rows.
func spendADay(t *testing.T, d day.Day) uint64 {
	w := testbed.New(t)
	dev, f := away(w, d)
	ctx := context.Background()
	if c, err := dev.Store.Counts(ctx); err != nil || c.Waiting != d.Operations || c.Rejected != 0 {
		t.Fatalf("before: %+v, %v", c, err)
	}
	f.sample()
	around := f.heap
	f.heap = 0
	start := time.Now()
	rounds := drain(w, dev)
	took := time.Since(start)
	peak := f.heap
	f.heap = 0
	f.sample()
	around = max(around, f.heap)
	t.Logf("%d operations: %v, %d rounds, %d batches of at most %d, %d requests failed, %d kB alive above the stores at the worst",
		d.Operations, took.Round(time.Millisecond), rounds, f.batches, f.biggest, f.failures, (max(peak, around)-around)>>10)

	if got, want := people(w), d.After(); !maps.Equal(got, want) {
		t.Errorf("the server has %d users that should be %d, or other ones", len(got), len(want))
	}
	for id, n := range f.effects {
		if n != 1 {
			t.Errorf("operation %s took effect %d times", id, n)
		}
	}
	if f.applied != d.Changes() {
		t.Errorf("%d operations took effect, want %d", f.applied, d.Changes())
	}
	if f.failures < d.Operations/500 || (d.Operations > 1000 && f.twice == 0) {
		t.Errorf("only %d requests failed and %d operations were sent twice: the test tests nothing", f.failures, f.twice)
	}
	checkDevice(t, w, dev, d)
	// Of a day's operations some are sent twice, for answers are lost and batches that
	// the server fails on are halved.
	if least := d.Operations / api.MaxOperations; f.biggest > api.MaxOperations || f.batches < least || f.batches > 3*least+20 {
		t.Errorf("%d batches of up to %d operations", f.batches, f.biggest)
	}
	return max(peak, around) - around
}

// checkDevice checks what the device has when all is done.
func checkDevice(t *testing.T, w *testbed.World, dev *testbed.Device, d day.Day) {
	t.Helper()
	ctx := context.Background()
	c, err := dev.Store.Counts(ctx)
	if err != nil || c.Waiting != 0 || c.Rejected != d.Rejected() || c.Conflicts != d.Disputed() {
		t.Errorf("counts are %+v, %v; want %d rejected and %d conflicts to look at", c, err, d.Rejected(), d.Disputed())
	}
	conflicts, err := dev.Store.Conflicts(ctx, 10000)
	if err != nil || len(conflicts) != d.Disputed()+d.Merged() {
		t.Errorf("%d conflicts are recorded, %v; want %d", len(conflicts), err, d.Disputed()+d.Merged())
	}
	rejected, err := dev.Store.Rejected(ctx, api.EntityUser, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range rejected {
		if o.LastError == nil || o.LastError.Code != api.CodeEmailTaken {
			t.Errorf("operation %s was rejected for %v", o.ID, o.LastError)
		}
	}
	page, err := dev.List(ctx, repository.Query{Limit: 10 * d.Operations})
	if err != nil {
		t.Fatal(err)
	}
	local := map[string]day.Person{}
	for _, r := range page.Records.All() {
		if r.State != queue.NeedsAttention {
			local[r.Value.Email] = day.Person{Name: r.Value.Name, Email: r.Value.Email, Bio: r.Value.Bio}
		}
	}
	if !maps.Equal(local, people(w)) {
		t.Errorf("the device shows %d users, the server has %d, or they differ", len(local), len(d.After()))
	}
}
