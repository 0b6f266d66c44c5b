package sync

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// parrot gives every request the same answer.
type parrot Response

func (p parrot) Do(context.Context, Request) (Response, error) { return Response(p), nil }

// FuzzAnswers: whatever answers, a request ends either in an *RequestError that has a
// reason for a person, or with an answer that fits the request.
func FuzzAnswers(f *testing.F) {
	const id = "00000000-0000-4000-8000-000000000001"
	for _, body := range []string{
		`{"results":[{"id":"` + id + `","status":"applied","version":3,"document":{"id":"x"}}]}`,
		`{"results":[{"id":"` + id + `","status":"conflict","version":0,"document":null}]}`,
		`{"results":[]}`, `{"results":null}`, `{"results":[{"id":"` + id + `","status":"maybe"}]}`,
		`{"changes":[{"entityType":"user","entityId":"` + id + `","version":1,"deleted":true,"document":null}],"cursor":"c","hasMore":false}`,
		`{"changes":[],"cursor":"","hasMore":true}`, `{"id":"` + id + `","version":1}`, `{"title":"No","code":"resync"}`,
		`{"changes":[{"entityType":"user","entityId":"` + id + `","version":1,"document":{}}],"hasMore":true}`,
		`<html>`, `null`, `[]`, `{"results":[{}`, `{"code":"sign_in"}`,
	} {
		for _, status := range []int{200, 204, 302, 401, 404, 410, 413, 429, 500, 503} {
			f.Add(status, "application/json", "Tue, 24 Nov 2026 00:24:52 GMT", "3", []byte(body))
		}
	}
	f.Add(200, "text/html", "", "", []byte("<html>"))
	f.Add(410, "application/problem+json", "x", "-1", []byte(`{"title":"","code":"resync"}`))
	f.Fuzz(func(t *testing.T, status int, media, date, retry string, body []byte) {
		ctx := context.Background()
		answer := parrot{Status: status, Body: body, Header: map[string]string{"content-type": media, "date": date, "retry-after": retry}}
		server := &HTTPRemote{HTTP: answer, Paths: map[string]string{"user": "/api/v1/users"}, Observe: func(time.Time) {}}

		batch := []queue.Operation{{ID: id, Ref: queue.Ref{Type: "user", ID: id}, Type: api.Update, BaseVersion: 1}}
		results, err := server.Push(ctx, "c", batch)
		fits(t, err, status)
		if err == nil && (len(results) != 1 || results[0].ID != id) {
			t.Errorf("results %+v", results)
		}

		page, err := server.Pull(ctx, "c", 10)
		fits(t, err, status)
		if err == nil && (page.Cursor == "" || (page.HasMore && page.Cursor == "c")) {
			t.Errorf("a page to go round in circles: %+v", page)
		}
		for _, c := range page.Changes {
			if c.Deleted != queue.IsNull(c.Document) || c.Version < 1 || c.EntityID == "" {
				t.Errorf("a broken change %+v", c)
			}
		}

		part, err := server.Bucket(ctx, BucketQuery{Type: "user", Cursor: "c", Limit: 10})
		fits(t, err, status)
		if err == nil && (part.Changes == nil || (part.HasMore && len(part.Changes) == 0)) {
			t.Errorf("a bucket that empties this device, or never ends: %+v", part)
		}
		for i, c := range part.Changes {
			if queue.IsNull(c.Document) || c.Version < 1 || c.EntityType != "user" || api.BucketOf(c.EntityID) != 0 ||
				(i > 0 && c.EntityID <= part.Changes[i-1].EntityID) {
				t.Errorf("a broken entity in a bucket: %+v", c)
			}
		}

		change, err := server.Fetch(ctx, queue.Ref{Type: "user", ID: id})
		fits(t, err, status)
		if err == nil && (change.EntityID != id || change.Deleted != queue.IsNull(change.Document)) {
			t.Errorf("fetched %+v", change)
		}
	})
}

// FuzzStored: whatever stands in the storage as what is known of checks and of
// incidents is read as nothing, or as what is written again alike.
func FuzzStored(f *testing.F) {
	f.Add(`{"at":"2026-05-01T12:00:00Z","there":3,"here":2,"apart":1,"open":{"tries":2,"type":"user","bucket":63}}`)
	f.Add(`[{"what":"The worker fell silent","at":"2026-05-01T12:00:00Z","times":2}]`)
	f.Add(`{"open":{"bucket":-1},"last":{}}`)
	f.Add(`[{}]`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		check := ParseCheck(text)
		check.due(Stream, time.UnixMilli(1777636800000))
		again(t, check, ParseCheck)
		again(t, parseIncidents(text), parseIncidents)
	})
}

// again checks that a value is written, read and written again alike.
func again[V any](t *testing.T, value V, parse func(string) V) {
	t.Helper()
	once, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(parse(string(once))); err != nil || string(once) != string(twice) {
		t.Errorf("written %s, then %s (%v)", once, twice, err)
	}
}

// FuzzMessage: whatever another version of the app says on the bus, a host takes
// it without a fault; what it understands is said again alike.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"kind":"sync","id":"1","reason":"manual"}`, `{"kind":"status"}`, `{"kind":"rows","refs":[{"type":"user","id":"1"}]}`,
		`{"kind":"connected","online":true}`, `{"kind":"ask"}`, `{"kind":"nobody knows","reason":"?"}`, `{"kind":7}`, `null`, `{`,
		`{"kind":"synced","report":{"pushed":-1}}`, `{"kind":"beat"}`, `{"kind":"enqueued"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var m Message
		if json.Unmarshal(text, &m) != nil {
			return
		}
		h := &Host{requests: make(chan roundRequest, 1), Bus: alone{}, Clock: alone{}}
		for range 3 { // more than it can hold
			h.receive(m)
		}
		said, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again Message
		if err := json.Unmarshal(said, &again); err != nil {
			t.Fatalf("%s: %v", said, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(said) {
			t.Errorf("said %s, then %s (%v)", said, twice, err)
		}
	})
}

// fits checks what became of a request that got an answer of that status.
func fits(t *testing.T, err error, status int) {
	t.Helper()
	var o *RequestError
	switch {
	case err == nil && (status < 200 || status >= 300) && status != 404:
		t.Errorf("status %d passed", status)
	case err == nil:
	case !errors.As(err, &o):
		t.Errorf("status %d: %v is no request error", status, err)
	case o.Error() == "" || o.RetryAfter < 0 || o.RetryAfter > time.Hour:
		t.Errorf("status %d: request error %+v", status, o)
	}
}

// alone is a bus that nobody listens to, and a clock that stands still.
type alone struct{}

func (alone) Publish(Message)                      {}
func (alone) Subscribe(func(Message)) func()       { return func() {} }
func (alone) Now() time.Time                       { return time.Time{} }
func (alone) After(time.Duration) <-chan time.Time { return nil }
