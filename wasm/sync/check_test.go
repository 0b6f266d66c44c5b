package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func userRef(id string) queue.Ref { return queue.Ref{Type: api.EntityUser, ID: id} }

// Damages of a row, behind the store's back.
func gone(s *memory.Stored)    { s.Confirmed, s.Visible = nil, nil }
func altered(s *memory.Stored) { s.Visible.Document = []byte(`{"name":"Mallory","bio":"was here"}`) }
func aged(s *memory.Stored)    { s.Confirmed.Version-- }

func forged(s *memory.Stored) {
	s.Confirmed = &queue.Row{Version: 1, Document: []byte(`{"name":"Nobody"}`)}
	s.Visible = &queue.View{Version: 1, Document: s.Confirmed.Document}
}

// buckets are the buckets that were asked for so far, in order.
func (d *device) buckets() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, request := range d.sent {
		if rest, ok := strings.CutPrefix(request, "GET /api/v1/buckets/"); ok {
			n, _, _ := strings.Cut(rest, "?")
			out = append(out, n)
		}
	}
	return out
}

// round makes a round for a reason; all it has left goes on in further rounds.
func (d *device) round(reason sync.Reason) (total sync.Report) {
	d.world.t.Helper()
	for range 10 {
		report, err := d.engine.Round(context.Background(), reason)
		d.ok(err)
		total.Repaired += report.Repaired
		if !report.More {
			return total
		}
	}
	d.world.t.Fatal("the rounds don't come to an end")
	return total
}

func (d *device) check() sync.Check {
	d.world.t.Helper()
	c, err := d.Check(context.Background())
	d.ok(err)
	return c
}

// createAt creates somebody under an id in the given bucket.
func (w *world) createAt(name string, bucket int) string {
	w.t.Helper()
	id := fmt.Sprintf("%02x%s", 4*bucket, uuid.NewString()[2:])
	body, err := json.Marshal(map[string]string{"id": id, "name": name, "email": strings.ToLower(name) + "@example.org"})
	if err != nil {
		w.t.Fatal(err)
	}
	resp := w.serve(context.Background(), sync.Request{Method: "POST", Path: "/api/v1/users", Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	if resp.Status != 201 {
		w.t.Fatalf("create %s: %d %s", name, resp.Status, resp.Body)
	}
	return id
}

func TestSpoiledRowsHeal(t *testing.T) {
	w := newWorld(t)
	ids := map[string]string{}
	for i, name := range []string{"Ann", "Bo", "Cy", "Dee", "Eve"} {
		ids[name] = w.createAt(name, 10*i)
	}
	a := w.device()
	a.sync()
	const all = "Ann(); Bo(); Cy(); Dee(); Eve()"
	a.shows(all)
	if c := a.check(); !c.At.Equal(w.now) || c.Here != 5 || c.There != 5 || c.Last != nil || c.Open != nil {
		t.Fatalf("a first check: %+v", c)
	}
	a.store.Corrupt(userRef(ids["Ann"]), altered)
	a.store.Corrupt(userRef(ids["Cy"]), gone)
	a.store.Corrupt(userRef(ids["Dee"]), aged)
	a.store.Corrupt(userRef(fmt.Sprintf("%02x000000-0000-4000-8000-000000000000", 4*20)), forged)
	a.shows("Nobody(); Mallory(was here); Bo(); Dee(); Eve()") // under the names they had
	w.now = w.now.Add(time.Minute)
	if r := a.round(sync.Manual); r.Repaired != 4 {
		t.Errorf("repaired %d rows, want 4", r.Repaired)
	}
	a.shows(all)
	if got := strings.Join(a.buckets(), " "); got != "0 20 30" {
		t.Errorf("asked for buckets %s, want those that differed, once", got)
	}
	c := a.check()
	if c.Last == nil || c.Last.Rows != 4 || c.Last.Buckets != 3 || !c.Last.At.Equal(w.now) || c.Apart != 0 || c.Here != 5 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
	a.round(sync.Manual)
	if len(a.buckets()) != 3 {
		t.Errorf("healed, and asked again: %v", a.buckets())
	}
}

func TestARepairKeepsWhatIsUnsent(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	ann, bo, cy := w.createAt("Ann", 1), w.createAt("Bo", 2), w.createAt("Cy", 3)
	a := w.device()
	a.sync()
	a.wrote(a.Update(ctx, ann, bio("unsent")))
	a.wrote(a.Delete(ctx, bo))
	a.wrote(a.Update(ctx, cy, bio("unsent, too")))
	a.create("New")
	for _, id := range []string{ann, bo, cy} {
		a.store.Corrupt(userRef(id), gone)
	}
	busy := func(r sync.Request) (*sync.Response, error) {
		if r.Method == "POST" {
			return &sync.Response{Status: 500}, nil // it takes no writes, and is well otherwise
		}
		return nil, nil
	}
	a.meets(busy)
	if r := a.round(sync.Manual); r.Repaired != 3 {
		t.Errorf("repaired %d rows, want 3", r.Repaired)
	}
	a.shows("Ann(unsent) pending; Cy(unsent, too) pending; New() pending")
	a.meets(nil)
	a.round(sync.Manual)
	a.shows("Ann(unsent); Cy(unsent, too); New()")
	b := w.device()
	b.sync()
	b.shows("Ann(unsent); Cy(unsent, too); New()")
}

// TestAVisibleRowThatIsLostComesBack: of an operation that waits for the person, so
// that nothing else touches the entity.
func TestAVisibleRowThatIsLostComesBack(t *testing.T) {
	w := newWorld(t)
	w.createAt("Ann", 1)
	a := w.device()
	id := a.create("Ann") // with an email that is taken
	a.sync()
	a.shows("Ann(); Ann() attention")
	a.store.Corrupt(userRef(id), func(s *memory.Stored) { s.Visible = nil })
	a.shows("Ann()")
	if r := a.round(sync.Manual); r.Repaired != 1 {
		t.Errorf("repaired %d rows, want 1", r.Repaired)
	}
	a.shows("Ann(); Ann() attention")
}

func TestACheckIsMadeWhenItIsDue(t *testing.T) {
	w := newWorld(t)
	id := w.createAt("Ann", 7)
	a := w.device()
	a.round(sync.Timer) // the first of all
	checked := a.check().At
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
		w.now = w.now.Add(tt.after)
		a.store.Corrupt(userRef(id), altered)
		if r := a.round(tt.reason); (r.Repaired == 1) != tt.due || a.check().At.Equal(checked) == tt.due {
			t.Errorf("%s, %v later: %d repaired, checked at %v", tt.reason, tt.after, r.Repaired, a.check().At)
		}
		checked = a.check().At
	}
	a.round(sync.Manual)
	a.shows("Ann()")
}

func TestARoundReadsSoManyBucketsAndTheNextGoesOn(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for n := range 50 {
		ids = append(ids, w.createAt(fmt.Sprintf("P%02d", n), n))
	}
	a := w.device()
	a.sync()
	whole := a.list()
	for _, id := range ids {
		a.store.Corrupt(userRef(id), gone)
	}
	for round, want := range []int{sync.MaxRepairPages, sync.MaxRepairPages, 50 - 2*sync.MaxRepairPages, 0} {
		report, err := a.engine.Round(context.Background(), sync.Manual)
		a.ok(err)
		if report.Repaired != want || report.More != (round < 2) {
			t.Errorf("round %d: %+v, want %d repaired", round, report, want)
		}
	}
	a.shows(whole)
	if n := len(a.buckets()); n != 50 {
		t.Errorf("asked for %d buckets, want 50", n)
	}
	if c := a.check(); c.Last.Rows != 50 || c.Last.Buckets != 50 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

// TestEachNewDamageIsRepaired: only repairs that do not help are given up.
func TestEachNewDamageIsRepaired(t *testing.T) {
	w := newWorld(t)
	id := w.createAt("Ann", 1)
	a := w.device()
	a.sync()
	for n := range 8 {
		a.store.Corrupt(userRef(id), gone)
		r := a.round(sync.Manual)
		if c := a.check(); r.Repaired != 1 || c.Open != nil || c.Apart != 0 {
			t.Fatalf("damage %d: %+v, and the check says %+v", n, r, c)
		}
		a.shows("Ann()")
	}
}

// TestALargeBucketIsReadInPages: the pages of one bucket, over more than one round.
func TestALargeBucketIsReadInPages(t *testing.T) {
	w := newWorld(t)
	a := w.device()
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
		a.ok(err)
		w.serve(context.Background(), sync.Request{Method: "POST", Path: "/api/v1/operations", Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	}
	a.sync()
	if n := a.check().Here; n != many {
		t.Fatalf("%d rows, want %d", n, many)
	}
	a.store.Corrupt(userRef(last), gone)
	a.store.Corrupt(userRef("43ffffff-ffff-4fff-bfff-ffffffffffff"), forged)
	a.store.Corrupt(userRef("40000000-0000-4000-8000-000000000000"), forged)
	if r := a.round(sync.Manual); r.Repaired != 3 {
		t.Errorf("repaired %d rows, want 3", r.Repaired)
	}
	if got := strings.Join(a.buckets(), " "); got != "16 16 16 16" {
		t.Errorf("asked for buckets %s, want four pages of one", got)
	}
	if c := a.check(); c.Last.Buckets != 1 || c.Apart != 0 || c.Here != many {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

func isBucket(r sync.Request) bool { return strings.HasPrefix(r.Path, "/api/v1/buckets/") }

func TestAnInterruptedRepairGoesOn(t *testing.T) {
	w := newWorld(t)
	ids := []string{w.createAt("Ann", 1), w.createAt("Bo", 2)}
	a := w.device()
	a.sync()
	for _, id := range ids {
		a.store.Corrupt(userRef(id), gone)
	}
	a.meets(func(r sync.Request) (*sync.Response, error) {
		if isBucket(r) && strings.Contains(r.Path, "/2?") {
			return nil, errors.New("connection reset")
		}
		return nil, nil
	})
	report, err := a.engine.Round(context.Background(), sync.Manual)
	if err == nil || report.Problem == nil || report.Repaired != 1 {
		t.Fatalf("report %+v, %v", report, err)
	}
	if c := a.check(); c.Last == nil || c.Last.Rows != 1 || c.Open == nil {
		t.Errorf("the check says %+v", c)
	}
	a.meets(nil)
	a.round(sync.Timer) // for no reason of its own
	a.shows("Ann(); Bo()")
	if c := a.check(); c.Last.Rows != 2 || c.Last.Buckets != 2 || c.Open != nil {
		t.Errorf("the check says %+v, %+v", c, c.Last)
	}
}

// TestADifferenceThatStaysIsTold: a server whose digest is not that of its rows is
// asked a few times, then left alone until the next check is due.
func TestADifferenceThatStaysIsTold(t *testing.T) {
	w := newWorld(t)
	w.createAt("Ann", 1)
	a := w.device()
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		var page api.ChangePage
		if strings.HasPrefix(r.Path, "/api/v1/changes") && json.Unmarshal(resp.Body, &page) == nil && !page.HasMore {
			d := page.Digests["user"]
			d.Add("04000000-0000-4000-8000-000000000000", 1)
			page.Digests["user"] = d
			body, err := json.Marshal(page)
			a.ok(err)
			resp.Body = body
		}
		return resp, nil
	}
	for range 10 {
		a.round(sync.Timer)
	}
	asked := len(a.buckets())
	if c := a.check(); c.Apart != 1 || c.There != 2 || c.Here != 1 || c.Open != nil || c.Last != nil || asked == 0 || asked > 3 {
		t.Errorf("asked %d times; the check says %+v", asked, c)
	}
	a.after = nil
	w.now = w.now.Add(sync.CheckEvery)
	a.round(sync.Timer)
	if c := a.check(); c.Apart != 0 || c.There != 1 || len(a.buckets()) != asked {
		t.Errorf("once the server is right: %+v", c)
	}
}

func TestServersWithoutDigestsOrBuckets(t *testing.T) {
	w := newWorld(t)
	id := w.createAt("Ann", 1)
	a := w.device()
	a.sync()
	before := a.check()
	a.store.Corrupt(userRef(id), altered)
	w.now = w.now.Add(time.Hour)
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if at := bytes.Index(resp.Body, []byte(`,"digests"`)); at > 0 && strings.HasPrefix(r.Path, "/api/v1/changes") {
			resp.Body = append(resp.Body[:at:at], '}')
		}
		return resp, nil
	}
	a.round(sync.Manual)
	if len(a.buckets()) != 0 || a.check() != before {
		t.Errorf("without a digest: asked for %v, and the check says %+v", a.buckets(), a.check())
	}
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if isBucket(r) {
			return sync.Response{Status: 404, Body: []byte(`{"title":"No such address","status":404,"code":"no_route"}`),
				Header: map[string]string{"content-type": "application/problem+json"}}, nil
		}
		return resp, nil
	}
	a.round(sync.Manual)
	a.round(sync.Timer)
	if c := a.check(); len(a.buckets()) != 1 || c.Apart != 1 || !c.At.Equal(w.now) {
		t.Errorf("without buckets: asked for %v, and the check says %+v", a.buckets(), c)
	}
}

// TestABucketOfAnotherServerIsNotBelieved: it says that it is behind the client, or
// sends what is no page of the bucket.
func TestABucketOfAnotherServerIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	id := w.createAt("Ann", 1)
	a := w.device()
	a.sync()
	a.store.Corrupt(userRef(id), altered)
	behind := newWorld(t)
	a.meets(func(r sync.Request) (*sync.Response, error) {
		if isBucket(r) {
			resp := behind.serve(context.Background(), r)
			return &resp, nil
		}
		return nil, nil
	})
	a.round(sync.Manual)
	a.shows("Mallory(was here)") // rather than nothing at all
	for _, body := range []string{`{}`, `{"changes":null,"hasMore":false}`, `{"changes":[],"hasMore":true}`} {
		a.meets(func(r sync.Request) (*sync.Response, error) {
			if isBucket(r) {
				return &sync.Response{Status: 200, Body: []byte(body), Header: map[string]string{"content-type": "application/json"}}, nil
			}
			return nil, nil
		})
		if _, err := a.engine.Round(context.Background(), sync.Manual); err == nil {
			t.Errorf("%s passed for a bucket", body)
		}
	}
	a.meets(nil)
	a.round(sync.Timer)
	a.shows("Ann()")
}

// TestARowFetchedInPassingIsNotLost: while a bucket is on its way, another device
// writes, and a page of this one fetches what that wrote.
func TestARowFetchedInPassingIsNotLost(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	ann := w.createAt("Ann", 1)
	a, b := w.device(), w.device()
	a.sync()
	b.sync()
	a.store.Corrupt(userRef(ann), altered)
	var made string
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if !isBucket(r) || made != "" {
			return resp, nil
		}
		b.wrote(b.Update(ctx, ann, bio("by another")))
		b.sync()
		made = w.createAt("New", 1)
		for _, id := range []string{ann, made} {
			a.fetch(id)
		}
		return resp, nil
	}
	_, err := a.engine.Round(ctx, sync.Manual)
	a.ok(err)
	a.round(sync.Timer)
	a.shows("Ann(by another); New()")
}

// fetch stores an entity as the server has it now, as the repository does for a page.
func (d *device) fetch(id string) {
	d.world.t.Helper()
	given, err := d.store.Meta(context.Background(), sync.MetaCursor, sync.MetaGeneration)
	d.ok(err)
	change, err := (&sync.HTTPRemote{HTTP: d, Paths: map[string]string{"user": "/api/v1/users"}}).Fetch(context.Background(), userRef(id))
	d.ok(err)
	d.ok(d.store.Update(context.Background(), queue.Txn{Refs: []queue.Ref{userRef(id)}, Given: given}, func(es []*queue.Entity) error {
		es[0].Confirm(&queue.Row{Version: change.Version, Document: change.Document})
		return nil
	}))
}

func TestARepairOfAnOvertakenRoundIsRefused(t *testing.T) {
	w := newWorld(t)
	id := w.createAt("Ann", 1)
	a := w.device()
	a.sync()
	a.store.Corrupt(userRef(id), altered)
	a.after = func(r sync.Request, resp sync.Response) (sync.Response, error) {
		if isBucket(r) {
			_, err := a.store.BeginRound(context.Background())
			a.ok(err)
		}
		return resp, nil
	}
	if _, err := a.engine.Round(context.Background(), sync.Manual); !errors.Is(err, queue.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
	a.shows("Mallory(was here)")
}
