package sync

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/queue"
)

func TestClassify(t *testing.T) {
	const problem = `{"title":"no","status":400,"code":"invalid"}`
	tests := []struct {
		name   string
		status int
		ctype  string
		body   string
		retry  string
		want   ErrorKind
		good   bool
	}{
		{"ok", 200, "application/json; charset=utf-8", `{}`, "", 0, true},
		{"captive portal", 200, "text/html", `<html>`, "", NoAnswer, false},
		{"redirect", 302, "text/html", ``, "", NoAnswer, false},
		{"refused", 422, "application/problem+json", problem, "", Refused, false},
		{"somebody else's 404", 404, "text/html", `not found`, "", NoAnswer, false},
		{"somebody else's 403", 403, "text/html", ``, "", NoAnswer, false},
		{"unauthorized", 401, "text/plain", ``, "", SignedOut, false},
		{"timeout", 408, "", ``, "", Unavailable, false},
		{"too early", 425, "", ``, "", Unavailable, false},
		{"slow down", 429, "", ``, "7", Unavailable, false},
		{"too large", 413, "", ``, "", TooLarge, false},
		{"gone", 410, "application/problem+json", `{"title":"old","code":"resync"}`, "", Resync, false},
		{"a proxy's gone", 410, "text/html", ``, "", NoAnswer, false},
		{"broken", 500, "", ``, "", ServerError, false},
		{"bad gateway", 502, "text/html", ``, "", Unavailable, false},
		{"unavailable", 503, "application/problem+json", problem, "120", Unavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Classify(Response{Status: tt.status, Body: []byte(tt.body),
				Header: map[string]string{"content-type": tt.ctype, "retry-after": tt.retry}})
			if (o == nil) != tt.good {
				t.Fatalf("error %v", o)
			}
			if o == nil {
				return
			}
			if o.Kind != tt.want {
				t.Errorf("kind %d, want %d (%v)", o.Kind, tt.want, o)
			}
			if o.Error() == "" {
				t.Error("no reason for a person")
			}
			if want := map[string]time.Duration{"": 0, "7": 7 * time.Second, "120": 2 * time.Minute}[tt.retry]; o.RetryAfter != want {
				t.Errorf("retry after %v, want %v", o.RetryAfter, want)
			}
		})
	}
}

// script is an HTTP that answers every request with the same.
type script struct {
	response Response
	err      error
}

func (s script) Do(context.Context, Request) (Response, error) { return s.response, s.err }

func jsonAnswer(body string) script {
	return script{response: Response{Status: 200, Body: []byte(body), Header: map[string]string{
		"content-type": "application/json", "date": "Mon, 02 Jan 2006 15:04:05 GMT"}}}
}

func TestRemoteRejectsAnswersThatDoNotFit(t *testing.T) {
	batch := []queue.Operation{{ID: "a"}}
	ctx := context.Background()
	tests := map[string]struct {
		answer string
		ask    func(*HTTPRemote) error
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
		"a digest of nothing": {`{"changes":[],"cursor":"d","digests":{"user":{"count":1,"buckets":""}}}`, pulls(ctx)},
		"another entity":      {`{"id":"2","version":3}`, fetches(ctx)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var o *RequestError
			err := tt.ask(&HTTPRemote{HTTP: jsonAnswer(tt.answer), Paths: map[string]string{"user": "/users"}})
			if !errors.As(err, &o) || o.Kind != NoAnswer {
				t.Errorf("got %v, want no answer", err)
			}
		})
	}
}

func pushes(ctx context.Context, batch []queue.Operation) func(*HTTPRemote) error {
	return func(s *HTTPRemote) error { _, err := s.Push(ctx, "c", batch); return err }
}

func pulls(ctx context.Context) func(*HTTPRemote) error {
	return func(s *HTTPRemote) error { _, err := s.Pull(ctx, "c", 5); return err }
}

func buckets(ctx context.Context) func(*HTTPRemote) error {
	return func(s *HTTPRemote) error { _, err := s.Bucket(ctx, BucketQuery{Type: "user", Bucket: 1}); return err }
}

func fetches(ctx context.Context) func(*HTTPRemote) error {
	return func(s *HTTPRemote) error { _, err := s.Fetch(ctx, queue.Ref{Type: "user", ID: "1"}); return err }
}

func TestRemoteObservesTheServerClock(t *testing.T) {
	var seen time.Time
	s := &HTTPRemote{HTTP: jsonAnswer(`{"changes":[],"cursor":"d"}`), Observe: func(at time.Time) { seen = at }}
	if err := pulls(context.Background())(s); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2006, 1, 2, 15, 4, 5, 5e8, time.UTC); !seen.Equal(want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for n := range 70 {
		for _, random := range []float64{0, 0.5, 0.999999} {
			if d := Backoff(n, random); d < MinBackoff || d > MaxBackoff {
				t.Fatalf("backoff %d is %v", n, d)
			}
		}
	}
	if a, b := Backoff(3, 0.9), Backoff(6, 0.9); a >= b {
		t.Errorf("backoff does not grow: %v, %v", a, b)
	}
}
