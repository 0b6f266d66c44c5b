package remote

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// script is an HTTP that answers every request with the same.
type script struct {
	response sync.Response
	err      error
}

func (s script) Do(context.Context, sync.Request) (sync.Response, error) { return s.response, s.err }

func jsonAnswer(body string) script {
	return script{response: sync.Response{Status: 200, Body: []byte(body), Header: map[string]string{
		"content-type": "application/json", "date": "Mon, 02 Jan 2006 15:04:05 GMT"}}}
}

func TestRemoteRejectsAnswersThatDoNotFit(t *testing.T) {
	batch := []queue.Operation{{ID: "a"}}
	ctx := context.Background()
	tests := map[string]struct {
		answer string
		ask    func(*Server) error
	}{
		"no results":          {`{"results":[]}`, pushes(ctx, batch)},
		"another's result":    {`{"results":[{"id":"b","status":"applied","version":1}]}`, pushes(ctx, batch)},
		"unknown status":      {`{"results":[{"id":"a","status":"fine"}]}`, pushes(ctx, batch)},
		"truncated":           {`{"results":[{"id":"a","sta`, pushes(ctx, batch)},
		"page without cursor": {`{"changes":[]}`, pulls(ctx)},
		"no progress":         {`{"changes":[],"cursor":"c","hasMore":true}`, pulls(ctx)},
		"change without id":   {`{"changes":[{"version":1,"document":{}}],"cursor":"d"}`, pulls(ctx)},
		"deleted, yet there":  {`{"changes":[{"entityType":"user","entityId":"1","version":1,"deleted":true,"document":{}}],"cursor":"d"}`, pulls(ctx)},
		"a bucket of nothing": {`{}`, buckets(ctx)},
		"a bucket of another": {`{"changes":[{"entityType":"user","entityId":"f0","version":1,"document":{}}],"hasMore":false}`, buckets(ctx)},
		"bucket out of order": {`{"changes":[{"entityType":"user","entityId":"05","version":1,"document":{}},{"entityType":"user","entityId":"04","version":1,"document":{}}]}`, buckets(ctx)},
		"a dead one in it":    {`{"changes":[{"entityType":"user","entityId":"04","version":1,"deleted":true,"document":null}],"hasMore":false}`, buckets(ctx)},
		"endless bucket":      {`{"changes":[],"hasMore":true}`, buckets(ctx)},
		"a digest of nothing": {`{"changes":[],"cursor":"d","contentDigests":{"user":{"count":1,"buckets":""}}}`, pulls(ctx)},
		"another entity":      {`{"id":"2","version":3}`, fetches(ctx)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var o *sync.RequestError
			err := tt.ask(&Server{HTTP: jsonAnswer(tt.answer), Paths: map[string]string{"user": "/users"}})
			if !errors.As(err, &o) || o.Kind != sync.NoAnswer {
				t.Errorf("got %v, want no answer", err)
			}
		})
	}
}

// TestPagesInLines: they are asked for and taken, as JSON is of a server that has no others.
func TestPagesInLines(t *testing.T) {
	const id = "00000000-0000-4000-8000-000000000001"
	want := api.ChangePage{Cursor: "d", Changes: []api.Change{{EntityType: "user", EntityID: id, Version: 3, Stamp: "s", Document: []byte(`{"a":1}`)}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for media, body := range map[string]string{
		"application/json":                 string(text),
		api.LinesType + "; charset=utf-8":  "rollcall-changes/1\td\t0\n+\tuser\t" + id + "\t3\ts\t{\"a\":1}\n.\t1\n",
		"Application/Vnd.Rollcall.Changes": "rollcall-changes/1\td\t0\n+\tuser\t" + id + "\t3\ts\t{\"a\":1}\n.\t1\n",
	} {
		answer := script{response: sync.Response{Status: 200, Body: []byte(body), Header: map[string]string{"content-type": media}}}
		asked := ""
		page, err := (&Server{HTTP: noted{answer, &asked}}).Pull(t.Context(), "c", 5)
		if err != nil || !reflect.DeepEqual(page, want) || asked != api.LinesType+", application/json;q=0.9" {
			t.Errorf("%s, asked for as %q: %+v, %v", media, asked, page, err)
		}
	}
	for name, body := range map[string]string{
		"cut off":             "rollcall-changes/1\td\t0\n+\tuser\t" + id + "\t3\ts\t{\"a\":1}\n",
		"page without cursor": "rollcall-changes/1\t\t0\n.\t0\n",
		"no progress":         "rollcall-changes/1\tc\t1\n.\t0\n",
		"change without id":   "rollcall-changes/1\td\t0\n-\tuser\t\t3\ts\n.\t1\n",
		"still coded":         "\x1f\x8b\x08",
		"JSON after all":      string(text),
	} {
		answer := script{response: sync.Response{Status: 200, Body: []byte(body), Header: map[string]string{"content-type": api.LinesType}}}
		var o *sync.RequestError
		page, err := (&Server{HTTP: answer}).Pull(t.Context(), "c", 5)
		if !errors.As(err, &o) || o.Kind != sync.NoAnswer || o.Error() == "" {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
		if unreadable := o.Problem.Code == sync.CodeIntercepted; unreadable != (name == "still coded" || name == "JSON after all") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// noted notes what media types a request asks for.
type noted struct {
	sync.HTTP
	asked *string
}

func (n noted) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	*n.asked = r.Header["Accept"]
	return n.HTTP.Do(ctx, r)
}

func pushes(ctx context.Context, batch []queue.Operation) func(*Server) error {
	return func(s *Server) error { _, err := s.Push(ctx, "c", batch); return err }
}

func pulls(ctx context.Context) func(*Server) error {
	return func(s *Server) error { _, err := s.Pull(ctx, "c", 5); return err }
}

func buckets(ctx context.Context) func(*Server) error {
	return func(s *Server) error { _, err := s.Bucket(ctx, sync.BucketQuery{Type: "user", Bucket: 1}); return err }
}

func fetches(ctx context.Context) func(*Server) error {
	return func(s *Server) error { _, err := s.Fetch(ctx, queue.Ref{Type: "user", ID: "1"}); return err }
}

func TestRemoteObservesTheServerClock(t *testing.T) {
	var seen time.Time
	s := &Server{HTTP: jsonAnswer(`{"changes":[],"cursor":"d"}`), Observe: func(at time.Time) { seen = at }}
	if err := pulls(context.Background())(s); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2006, 1, 2, 15, 4, 5, 5e8, time.UTC); !seen.Equal(want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
}
