package rest

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

// FuzzAnswers: whatever a backend answers, a request ends either in a *sync.RequestError
// that has a reason for a person, or with an answer that fits the request, in each dialect.
func FuzzAnswers(f *testing.F) {
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
			r := &Remote{HTTP: answer, Paths: map[string]string{"user": "/users"}, Dialect: dialect, Now: func() time.Time { return now }}
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
