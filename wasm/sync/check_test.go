package sync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

func userRef(id string) queue.Ref { return queue.Ref{Type: api.EntityUser, ID: id} }

// Ways to corrupt a row behind the store's back.
func gone(s *memory.Stored)    { s.Confirmed, s.Visible = nil, nil }
func altered(s *memory.Stored) { s.Visible.Document = []byte(`{"name":"Mallory","bio":"was here"}`) }
func aged(s *memory.Stored)    { s.Confirmed.Version-- }

func forged(s *memory.Stored) {
	s.Confirmed = &queue.Row{Version: 1, Document: []byte(`{"name":"Nobody"}`)}
	s.Visible = &queue.View{Version: 1, Document: s.Confirmed.Document}
}

// buckets are the buckets that were requested so far, in order.
func buckets(d *testbed.Device) []string {
	var out []string
	for _, request := range d.Sent() {
		if rest, ok := strings.CutPrefix(request, "GET /api/v1/buckets/"); ok {
			n, _, _ := strings.Cut(rest, "?")
			out = append(out, n)
		}
	}
	return out
}

// round makes a round for a reason; all it has left goes on in further rounds.
func roundFor(d *testbed.Device, reason sync.Reason) (total sync.Report) {
	d.World.T.Helper()
	for range 10 {
		report, err := d.Engine.Round(context.Background(), reason)
		d.OK(err)
		total.Repaired += report.Repaired
		if !report.More {
			return total
		}
	}
	d.World.T.Fatal("the rounds don't come to an end")
	return total
}

func lastCheck(d *testbed.Device) sync.Check {
	d.World.T.Helper()
	c, err := d.Check(context.Background())
	d.OK(err)
	return c
}

// createAt creates somebody under an id in the given bucket.
func addAt(w *testbed.World, name string, bucket int) string {
	w.T.Helper()
	id := fmt.Sprintf("%02x%s", 4*bucket, uuid.NewString()[2:])
	body, err := json.Marshal(map[string]string{"id": id, "name": name, "email": strings.ToLower(name) + "@example.org"})
	if err != nil {
		w.T.Fatal(err)
	}
	resp := w.Serve(context.Background(), sync.Request{Method: "POST", Path: "/api/v1/users", Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	if resp.Status != 201 {
		w.T.Fatalf("create %s: %d %s", name, resp.Status, resp.Body)
	}
	return id
}

func TestCorruptRowsAreRepaired(t *testing.T) {
	w := testbed.New(t)
	ids := map[string]string{}
	for i, name := range []string{"Ann", "Bo", "Cy", "Dee", "Eve"} {
		ids[name] = addAt(w, name, 10*i)
	}
	a := w.Device()
	a.Sync()
	const all = "Ann(); Bo(); Cy(); Dee(); Eve()"
	a.Shows(all)
	if c := lastCheck(a); !c.At.Equal(w.Now) || c.DeviceRows != 5 || c.ServerRows != 5 || c.Last != nil || c.Open != nil {
		t.Fatalf("a first check: %+v", c)
	}
	a.Store.Corrupt(userRef(ids["Ann"]), altered)
	a.Store.Corrupt(userRef(ids["Cy"]), gone)
	a.Store.Corrupt(userRef(ids["Dee"]), aged)
	a.Store.Corrupt(userRef(fmt.Sprintf("%02x000000-0000-4000-8000-000000000000", 4*20)), forged)
	a.Shows("Nobody(); Mallory(was here); Bo(); Dee(); Eve()") // under the names they had
	w.Now = w.Now.Add(time.Minute)
	if r := roundFor(a, sync.Manual); r.Repaired != 4 {
		t.Errorf("repaired %d rows, want 4", r.Repaired)
	}
	a.Shows(all)
	if got := strings.Join(buckets(a), " "); got != "0 20 30" {
		t.Errorf("requested buckets %s, want those that differed, once", got)
	}
	c := lastCheck(a)
	if c.Last == nil || c.Last.Rows != 4 || c.Last.Buckets != 3 || !c.Last.At.Equal(w.Now) || c.Mismatched != 0 || c.DeviceRows != 5 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
	roundFor(a, sync.Manual)
	if len(buckets(a)) != 3 {
		t.Errorf("repaired, and requested again: %v", buckets(a))
	}
}

func TestARepairKeepsUnsentOperations(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	ann, bo, cy := addAt(w, "Ann", 1), addAt(w, "Bo", 2), addAt(w, "Cy", 3)
	a := w.Device()
	a.Sync()
	a.Wrote(a.Update(ctx, ann, testbed.Bio("unsent")))
	a.Wrote(a.Delete(ctx, bo))
	a.Wrote(a.Update(ctx, cy, testbed.Bio("unsent, too")))
	a.Add("New")
	for _, id := range []string{ann, bo, cy} {
		a.Store.Corrupt(userRef(id), gone)
	}
	busy := func(r sync.Request) (*sync.Response, error) {
		if strings.Contains(string(r.Body), "entityId") {
			return &sync.Response{Status: 500}, nil // it takes no writes, and is well otherwise
		}
		return nil, nil
	}
	a.Intercept(busy)
	if r := roundFor(a, sync.Manual); r.Repaired != 3 {
		t.Errorf("repaired %d rows, want 3", r.Repaired)
	}
	a.Shows("Ann(unsent) pending; Cy(unsent, too) pending; New() pending")
	a.Intercept(nil)
	roundFor(a, sync.Manual)
	a.Shows("Ann(unsent); Cy(unsent, too); New()")
	b := w.Device()
	b.Sync()
	b.Shows("Ann(unsent); Cy(unsent, too); New()")
}

// TestAVisibleRowThatIsLostComesBack: of an operation that waits for the person, so
// that nothing else touches the entity.
func TestAVisibleRowThatIsLostComesBack(t *testing.T) {
	w := testbed.New(t)
	addAt(w, "Ann", 1)
	a := w.Device()
	bo, err := a.Create(context.Background(), testbed.Patch("Bo", "ann@example.org", "")) // an email that is taken
	a.OK(err)
	a.Sync()
	a.Shows("Ann(); Bo() attention")
	a.Store.Corrupt(userRef(bo.ID), func(s *memory.Stored) { s.Visible = nil })
	a.Shows("Ann()")
	if r := roundFor(a, sync.Manual); r.Repaired != 1 {
		t.Errorf("repaired %d rows, want 1", r.Repaired)
	}
	a.Shows("Ann(); Bo() attention")
}

func TestACheckIsMadeWhenItIsDue(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Ann", 7)
	a := w.Device()
	roundFor(a, sync.Timer) // the first of all
	checked := lastCheck(a).At
	for _, tt := range []struct {
		reason sync.Reason
		after  time.Duration
		due    bool
	}{
		{sync.Timer, sync.CheckEvery - time.Second, false},
		{sync.Stream, time.Second, true},
		{sync.Write, time.Minute, false},
		{sync.Visible, time.Minute, false},
		{sync.Start, time.Minute, true},
		{sync.Manual, time.Minute, true},
		{sync.Timer, -time.Hour, true}, // the device's clock was put back
	} {
		w.Now = w.Now.Add(tt.after)
		a.Store.Corrupt(userRef(id), altered)
		if r := roundFor(a, tt.reason); (r.Repaired == 1) != tt.due || lastCheck(a).At.Equal(checked) == tt.due {
			t.Errorf("%s, %v later: %d repaired, checked at %v", tt.reason, tt.after, r.Repaired, lastCheck(a).At)
		}
		checked = lastCheck(a).At
	}
	roundFor(a, sync.Manual)
	a.Shows("Ann()")
}

func TestARepairIsBoundedAndGoesOnInTheNextRound(t *testing.T) {
	w := testbed.New(t)
	var ids []string
	for n := range 50 {
		ids = append(ids, addAt(w, fmt.Sprintf("P%02d", n), n))
	}
	a := w.Device()
	a.Sync()
	whole := a.Line()
	for _, id := range ids {
		a.Store.Corrupt(userRef(id), gone)
	}
	for round, want := range []int{sync.MaxRepairPages, sync.MaxRepairPages, 50 - 2*sync.MaxRepairPages, 0} {
		report, err := a.Engine.Round(context.Background(), sync.Manual)
		a.OK(err)
		if report.Repaired != want || report.More != (round < 2) {
			t.Errorf("round %d: %+v, want %d repaired", round, report, want)
		}
	}
	a.Shows(whole)
	if n := len(buckets(a)); n != 50 {
		t.Errorf("requested %d buckets, want 50", n)
	}
	if c := lastCheck(a); c.Last.Rows != 50 || c.Last.Buckets != 50 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

// TestEachNewDamageIsRepaired: only repairs that do not help are given up.
func TestEachNewDamageIsRepaired(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Ann", 1)
	a := w.Device()
	a.Sync()
	for n := range 8 {
		a.Store.Corrupt(userRef(id), gone)
		r := roundFor(a, sync.Manual)
		if c := lastCheck(a); r.Repaired != 1 || c.Open != nil || c.Mismatched != 0 {
			t.Fatalf("damage %d: %+v, and the check says %+v", n, r, c)
		}
		a.Shows("Ann()")
	}
}

// TestALargeBucketIsReadInPages: the pages of one bucket, over more than one round.
func TestALargeBucketIsReadInPages(t *testing.T) {
	w := testbed.New(t)
	a := w.Device()
	var last string
	const many = 3*sync.PageSize + 7
	for start := 0; start < many; start += api.MaxOperations {
		batch := api.Batch{ClientID: uuid.NewString()}
		for i := start; i < min(many, start+api.MaxOperations); i++ {
			last = fmt.Sprintf("40%s", uuid.NewString()[2:])
			batch.Operations = append(batch.Operations, api.Operation{
				ID: uuid.NewString(), EntityType: "user", EntityID: last, Type: api.Create,
				Data: fmt.Appendf(nil, `{"name":"P%04d","email":"p%d@example.org"}`, i, i),
			})
		}
		body, err := json.Marshal(batch)
		a.OK(err)
		w.Serve(context.Background(), sync.Request{Method: "POST", Path: "/api/v1/operations", Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	}
	a.Sync()
	if n := lastCheck(a).DeviceRows; n != many {
		t.Fatalf("%d rows, want %d", n, many)
	}
	a.Store.Corrupt(userRef(last), gone)
	a.Store.Corrupt(userRef("43ffffff-ffff-4fff-bfff-ffffffffffff"), forged)
	a.Store.Corrupt(userRef("40000000-0000-4000-8000-000000000000"), forged)
	if r := roundFor(a, sync.Manual); r.Repaired != 3 {
		t.Errorf("repaired %d rows, want 3", r.Repaired)
	}
	if got := strings.Join(buckets(a), " "); got != "16 16 16 16" {
		t.Errorf("requested buckets %s, want four pages of one", got)
	}
	if c := lastCheck(a); c.Last.Buckets != 1 || c.Mismatched != 0 || c.DeviceRows != many {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

func isBucket(r sync.Request) bool { return strings.HasPrefix(r.Path, "/api/v1/buckets/") }

func TestAnInterruptedRepairGoesOn(t *testing.T) {
	w := testbed.New(t)
	ids := []string{addAt(w, "Ann", 1), addAt(w, "Bo", 2)}
	a := w.Device()
	a.Sync()
	for _, id := range ids {
		a.Store.Corrupt(userRef(id), gone)
	}
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if isBucket(r) && strings.Contains(r.Path, "/2?") {
			return nil, errors.New("connection reset")
		}
		return nil, nil
	})
	report, err := a.Engine.Round(context.Background(), sync.Manual)
	if err == nil || report.Problem == nil || report.Repaired != 1 {
		t.Fatalf("report %+v, %v", report, err)
	}
	if c := lastCheck(a); c.Last == nil || c.Last.Rows != 1 || c.Open == nil {
		t.Errorf("the check says %+v", c)
	}
	a.Intercept(nil)
	roundFor(a, sync.Timer) // for no reason of its own
	a.Shows("Ann(); Bo()")
	if c := lastCheck(a); c.Last.Rows != 2 || c.Last.Buckets != 2 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

// edited changes a page of the feed, and returns other answers as they are. It comes in JSON,
// as from a server that knows nothing else.
func edited(resp sync.Response, edit func(*api.ChangePage)) sync.Response {
	if !resp.InLines() {
		return resp
	}
	page, err := api.ParseLines(resp.Body)
	if err != nil {
		return resp
	}
	edit(&page)
	resp.Body, _ = json.Marshal(page) // it can be
	resp.Header["content-type"] = "application/json"
	return resp
}

// TestARepairBeginsAnewWhenDataWentBack: what it has read of the feed before is not what the
// server has now.
func TestARepairBeginsAnewWhenDataWentBack(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	ann := addAt(w, "Ann", 1)
	saved := w.Copy()
	bo := addAt(w, "Bo", 2)
	a := w.Device()
	a.Sync()
	a.Wrote(a.Update(ctx, ann, testbed.Bio("lost")))
	a.Sync()
	for _, id := range []string{ann, bo} {
		a.Store.Corrupt(userRef(id), gone)
	}
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if isBucket(r) && strings.Contains(r.Path, "/2?") {
			return nil, errors.New("connection reset")
		}
		return nil, nil
	})
	if _, err := a.Engine.Round(ctx, sync.Manual); err == nil || lastCheck(a).Open == nil {
		t.Fatalf("the repair was not interrupted: %v", err)
	}
	a.Intercept(nil)
	w.StartOn(saved)
	roundFor(a, sync.Timer)
	a.Shows("Ann()")
	if c := lastCheck(a); c.Open != nil || c.Mismatched != 0 {
		t.Errorf("the check says %+v", c)
	}
}

// TestAMismatchThatStaysIsReported: a server whose digest is not that of its rows is
// asked a few times, and then not until the next check is due.
func TestAMismatchThatStaysIsReported(t *testing.T) {
	w := testbed.New(t)
	addAt(w, "Ann", 1)
	a := w.Device()
	a.After = func(_ sync.Request, resp sync.Response) (sync.Response, error) {
		return edited(resp, func(page *api.ChangePage) {
			if d, ok := page.Digests["user"]; ok {
				d.Add("04000000-0000-4000-8000-000000000000", 1, 1)
				page.Digests["user"] = d
			}
		}), nil
	}
	for range 10 {
		roundFor(a, sync.Timer)
	}
	requests := len(buckets(a))
	if c := lastCheck(a); c.Mismatched != 1 || c.ServerRows != 2 || c.DeviceRows != 1 || c.Open != nil || c.Last != nil || requests == 0 || requests > 3 {
		t.Errorf("requested %d times; the check says %+v", requests, c)
	}
	a.After = nil
	w.Now = w.Now.Add(sync.CheckEvery)
	roundFor(a, sync.Timer)
	if c := lastCheck(a); c.Mismatched != 0 || c.ServerRows != 1 || len(buckets(a)) != requests {
		t.Errorf("once the server is right: %+v", c)
	}
}

func TestServersWithoutDigestsOrBuckets(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Ann", 1)
	a := w.Device()
	a.Sync()
	before := lastCheck(a)
	a.Store.Corrupt(userRef(id), altered)
	w.Now = w.Now.Add(time.Hour)
	a.After = func(_ sync.Request, resp sync.Response) (sync.Response, error) {
		return edited(resp, func(page *api.ChangePage) { page.Digests, page.Epoch = nil, "" }), nil
	}
	roundFor(a, sync.Manual)
	if len(buckets(a)) != 0 || lastCheck(a) != before {
		t.Errorf("without a digest: requested %v, and the check says %+v", buckets(a), lastCheck(a))
	}
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if isBucket(r) {
			return sync.Response{Status: 404, Body: []byte(`{"title":"No such address","status":404,"code":"no_route"}`),
				Header: map[string]string{"content-type": "application/problem+json"}}, nil
		}
		return resp, nil
	}
	roundFor(a, sync.Manual)
	roundFor(a, sync.Timer)
	if c := lastCheck(a); len(buckets(a)) != 1 || c.Mismatched != 1 || !c.At.Equal(w.Now) {
		t.Errorf("without buckets: requested %v, and the check says %+v", buckets(a), c)
	}
}

// TestABucketOfAnotherServerIsRefused: it says that it is behind the client, or
// sends what is no page of the bucket.
func TestABucketOfAnotherServerIsRefused(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Ann", 1)
	a := w.Device()
	a.Sync()
	a.Store.Corrupt(userRef(id), altered)
	behind := testbed.New(t)
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if isBucket(r) {
			resp := behind.Serve(context.Background(), r)
			return &resp, nil
		}
		return nil, nil
	})
	roundFor(a, sync.Manual)
	a.Shows("Mallory(was here)") // rather than nothing at all
	for _, body := range []string{`{}`, `{"changes":null,"hasMore":false}`, `{"changes":[],"hasMore":true}`} {
		a.Intercept(func(r sync.Request) (*sync.Response, error) {
			if isBucket(r) {
				return &sync.Response{Status: 200, Body: []byte(body), Header: map[string]string{"content-type": "application/json"}}, nil
			}
			return nil, nil
		})
		if _, err := a.Engine.Round(context.Background(), sync.Manual); err == nil {
			t.Errorf("%s passed for a bucket", body)
		}
	}
	a.Intercept(nil)
	roundFor(a, sync.Timer)
	a.Shows("Ann()")
}

// TestARowFetchedDuringARepairIsNotLost: while a bucket is on its way, another device
// writes, and a page of this one fetches what that wrote.
func TestARowFetchedDuringARepairIsNotLost(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	ann := addAt(w, "Ann", 1)
	a, b := w.Device(), w.Device()
	a.Sync()
	b.Sync()
	a.Store.Corrupt(userRef(ann), altered)
	var made string
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if !isBucket(r) || made != "" {
			return resp, nil
		}
		b.Wrote(b.Update(ctx, ann, testbed.Bio("by another")))
		b.Sync()
		made = addAt(w, "New", 1)
		for _, id := range []string{ann, made} {
			fetch(a, id)
		}
		return resp, nil
	}
	_, err := a.Engine.Round(ctx, sync.Manual)
	a.OK(err)
	roundFor(a, sync.Timer)
	a.Shows("Ann(by another); New()")
}

// fetch stores an entity as the server has it now, as the repository does for a page.
func fetch(d *testbed.Device, id string) {
	d.World.T.Helper()
	given, err := d.Store.Meta(context.Background(), sync.MetaCursor, sync.MetaGeneration)
	d.OK(err)
	change, err := (&remote.Server{HTTP: d, Paths: map[string]string{"user": "/api/v1/users"}}).Fetch(context.Background(), userRef(id))
	d.OK(err)
	d.OK(d.Store.Update(context.Background(), queue.Txn{Refs: []queue.Ref{userRef(id)}, Given: given}, func(es []*queue.Entity) error {
		es[0].Confirm(&queue.Row{Version: change.Version, Document: change.Document})
		return nil
	}))
}

func TestARepairOfAnOvertakenRoundIsRefused(t *testing.T) {
	w := testbed.New(t)
	id := addAt(w, "Ann", 1)
	a := w.Device()
	a.Sync()
	a.Store.Corrupt(userRef(id), altered)
	a.After = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if isBucket(r) {
			_, err := a.Store.BeginRound(context.Background())
			a.OK(err)
		}
		return resp, nil
	}
	if _, err := a.Engine.Round(context.Background(), sync.Manual); !errors.Is(err, queue.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
	a.Shows("Mallory(was here)")
}

// TestARestartCostsOneComparison: after the server was started again on the same data, a device
// compares once, and reads nothing again.
func TestARestartCostsOneComparison(t *testing.T) {
	w := testbed.New(t)
	addAt(w, "Ann", 1)
	a := w.Device()
	a.Sync()
	roundFor(a, sync.Timer)
	before := lastCheck(a)
	w.StartOn(w.Copy())
	sent := len(a.Sent())
	roundFor(a, sync.Timer)
	if c := lastCheck(a); !c.At.After(before.At) || c.Epoch == before.Epoch || c.Generation != before.Generation || c.Mismatched != 0 {
		t.Errorf("the check says %+v, before it %+v", c, before)
	}
	if now := a.Sent(); len(now) != sent+1 || !strings.HasPrefix(now[sent], "GET /api/v1/changes?cursor=") {
		t.Errorf("it sent %v, want one request that continues the feed", now[sent:])
	}
	at := lastCheck(a).At
	w.Now = w.Now.Add(time.Minute)
	roundFor(a, sync.Timer)
	if c := lastCheck(a); !c.At.Equal(at) {
		t.Error("it compared once more")
	}
}

// TestDataThatWentBack: a device that has seen what is lost takes what the server has, in one
// round, and an unsent change that was based on it is a conflict.
func TestDataThatWentBack(t *testing.T) {
	ctx := context.Background()
	w := testbed.New(t)
	ann, bo := addAt(w, "Ann", 1), addAt(w, "Bo", 2)
	a := w.Device()
	a.Sync()
	saved := w.Copy()
	a.Wrote(a.Update(ctx, ann, testbed.Bio("lost")))
	a.Wrote(a.Update(ctx, bo, testbed.Bio("lost")))
	a.Add("Lucy")
	a.Sync()
	a.Shows("Ann(lost); Bo(lost); Lucy()")
	a.Wrote(a.Update(ctx, bo, testbed.Bio("on what is lost")))
	w.StartOn(saved)
	b := w.Device()
	b.Sync()
	b.Wrote(b.Update(ctx, ann, testbed.Bio("instead")))
	b.Sync()
	roundFor(a, sync.Stream)
	a.Shows("Ann(instead); Bo(on what is lost) conflict")
	b.Sync()
	b.Shows("Ann(instead); Bo(on what is lost)")
}
