package remote

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// parrot gives every request the same answer.
type parrot sync.Response

func (p parrot) Do(context.Context, sync.Request) (sync.Response, error) {
	return sync.Response(p), nil
}

// FuzzREST: whatever a backend answers, a request ends either in a *sync.RequestError
// that has a reason for a person, or with an answer that fits the request, in each dialect.
func FuzzREST(f *testing.F) {
	const id = "00000000-0000-4000-8000-000000000001"
	for _, body := range []string{
		`[{"id":"` + id + `","name":"Ann","updatedAt":"2026-05-01T12:00:00Z"}]`, `[]`, `[{}]`, `[{"id":7}]`, `[null]`,
		`{"users":[{"id":"` + id + `","version":3,"updatedAt":"2026-05-01T12:00:00Z"}],"nextCursor":"n"}`, `{"users":null}`,
		`{"id":"` + id + `","name":"Ann","version":2,"updatedAt":"2026-05-01T12:00:00.5Z"}`, `{"id":"` + id + `","version":-1}`,
		`{"title":"No","code":"conflict"}`, `<html>`, `null`, `{"id":"` + id + `","updatedAt":7}`,
	} {
		for _, status := range []int{200, 201, 204, 404, 409, 412, 422, 429, 500} {
			f.Add(status, "application/json", "Tue, 24 Nov 2026 00:24:52 GMT", `"3"`, "", []byte(body))
		}
	}
	f.Add(200, "application/json", "", "", cursorPrefix+`{"type":"user","began":"2026-05-01T12:00:00Z","high":"2026-05-01T12:00:00Z"}`, []byte(`[]`))
	f.Add(200, "text/html", "x", "W/", cursorPrefix+`{`, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, media, date, etag, cursor string, body []byte) {
		ctx := context.Background()
		answer := parrot{Status: status, Body: body, Header: map[string]string{"content-type": media, "date": date, "etag": etag}}
		for _, dialect := range []Dialect{Rollcall, JSONServer} {
			now := time.UnixMilli(1777636800000)
			r := &REST{HTTP: answer, Paths: map[string]string{"user": "/users"}, Dialect: dialect, Now: func() time.Time { return now }}
			ref := queue.Ref{Type: "user", ID: id}
			for _, kind := range []api.OperationType{api.Create, api.Update, api.Delete} {
				o := queue.Operation{ID: id, Ref: ref, Type: kind, Data: []byte(`{"name":"Bo"}`), Base: []byte(`{"name":"Ann"}`), BaseVersion: 1}
				results, err := r.Push(ctx, "c", []queue.Operation{o})
				isRequestError(t, err)
				if err == nil && (len(results) != 1 || results[0].ID != id) {
					t.Errorf("results %+v", results)
				}
			}
			page, err := r.Pull(ctx, cursor, 10)
			isRequestError(t, err)
			if err == nil && (page.Cursor == "" || (page.HasMore && page.Cursor == cursor)) {
				t.Errorf("a page to go round in circles: %+v", page)
			}
			for _, c := range page.Changes {
				if c.Deleted != queue.IsNull(c.Document) || c.Version < 1 || c.EntityID == "" {
					t.Errorf("a broken change %+v", c)
				}
			}
			change, err := r.Fetch(ctx, ref)
			isRequestError(t, err)
			if err == nil && (change.EntityID != id || change.Deleted != queue.IsNull(change.Document)) {
				t.Errorf("fetched %+v", change)
			}
		}
	})
}

// isRequestError checks that an error has a reason for a person.
func isRequestError(t *testing.T, err error) {
	t.Helper()
	if o := (*sync.RequestError)(nil); err != nil && (!errors.As(err, &o) || o.Error() == "" || o.RetryAfter < 0 || o.RetryAfter > time.Hour) {
		t.Errorf("%v is no request error", err)
	}
}

// FuzzServer: whatever answers, a request ends either in an *sync.RequestError that has a
// reason for a person, or with an answer that fits the request.
func FuzzServer(f *testing.F) {
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
	f.Add(200, api.LinesType, "", "", []byte("rollcall-changes/1\tc\t1\n+\tuser\t"+id+"\t1\t\t{}\n.\t1\n"))
	f.Add(200, api.LinesType, "", "", []byte("rollcall-changes/1\td\t0\te\n-\tuser\t"+id+"\t0\t\n.\t1\n"))
	f.Add(410, "application/problem+json", "x", "-1", []byte(`{"title":"","code":"resync"}`))
	f.Fuzz(func(t *testing.T, status int, media, date, retry string, body []byte) {
		ctx := context.Background()
		answer := parrot{Status: status, Body: body, Header: map[string]string{"content-type": media, "date": date, "retry-after": retry}}
		server := &Server{HTTP: answer, Paths: map[string]string{"user": "/api/v1/users"}, Observe: func(time.Time) {}}

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

		part, err := server.Bucket(ctx, sync.BucketQuery{Type: "user", Cursor: "c", Limit: 10})
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

// fits checks what became of a request that got an answer of that status.
func fits(t *testing.T, err error, status int) {
	t.Helper()
	var o *sync.RequestError
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
