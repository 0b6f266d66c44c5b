package rest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
)

func TestOperationsAndFeed(t *testing.T) {
	w := newWorld(t)
	ada, bo := uuid.NewString(), uuid.NewString()
	results := w.push(
		operation(ada, api.Create, 0, fields{"name": "Ada", "email": "ada@example.org", "bio": "<b>\u2028"}),
		operation(bo, api.Create, 0, fields{"name": "Bo", "email": "bo@example.org"}),
		operation(ada, api.Update, 1, fields{"name": "Ada L"}),
		operation(bo, api.Delete, 1, nil),
		operation(ada, api.Update, 1, fields{"name": "Other"}),
		operation(uuid.NewString(), api.Update, 1, fields{"name": "Nobody"}),
	)
	want := []string{"applied 1 true", "applied 1 true", "applied 2 true", "applied 2 false", "conflict 2 true", "conflict 0 false"}
	for i, r := range results {
		if got := fmt.Sprint(r.Status, " ", r.Version, " ", string(r.Document) != "null"); got != want[i] {
			t.Errorf("result %d: %s, want %s", i, got, want[i])
		}
	}
	begin := feed.Cursor{Epoch: mustParse(t, w.head()).Epoch}.String()
	first := decode[api.ChangePage](w.do("GET", "/api/v1/changes?limit=1&cursor="+begin, nil).status(200))
	if len(first.Changes) != 1 || !first.HasMore || first.Changes[0].EntityID != ada || first.Changes[0].Version != 2 {
		t.Fatalf("first page %+v", first)
	}
	listed := decode[api.ChangePage](w.do("GET", "/api/v1/changes", nil).status(200))
	if len(listed.Changes) != 1 || listed.HasMore || listed.Changes[0].EntityID != ada || listed.Cursor != w.head() || listed.Digests == nil {
		t.Fatalf("without a cursor %+v", listed)
	}
	rest := decode[api.ChangePage](w.do("GET", "/api/v1/changes?cursor="+url.QueryEscape(first.Cursor), nil).status(200))
	if len(rest.Changes) != 1 || rest.HasMore || !rest.Changes[0].Deleted || string(rest.Changes[0].Document) != "null" {
		t.Fatalf("last page %+v", rest)
	}
	body := string(w.do("GET", "/api/v1/changes?cursor="+rest.Cursor, nil).status(200).Body)
	if !strings.HasPrefix(body, `{"changes":[],"cursor":"`+rest.Cursor+`","hasMore":false,"contentDigests":{"user":{"count":1,"buckets":"`) {
		t.Errorf("behind the end: %s", body)
	}
	var digest api.Digest
	digest.Add(ada, 2, api.ContentHash(first.Changes[0].Document))
	if first.Digests != nil || rest.Digests["user"] != digest {
		t.Errorf("digests %v and %v, want one of Ada alone, on the last page alone", first.Digests, rest.Digests)
	}
	if rest.Cursor != w.head() {
		t.Errorf("the last page's cursor %s is not the head %s", rest.Cursor, w.head())
	}
}

// TestChangesInLines: a client that prefers lines gets what others get in JSON, and shares its
// pages with those who ask likewise only.
func TestChangesInLines(t *testing.T) {
	w := newWorld(t)
	ada, bo := uuid.NewString(), uuid.NewString()
	w.push(
		operation(ada, api.Create, 0, fields{"name": "Ada", "email": "ada@example.org", "bio": "<b>\u2028\ttab\nline \"{"}),
		operation(bo, api.Create, 0, fields{"name": "Bo", "email": "bo@example.org"}),
		operation(bo, api.Delete, 1, nil),
	)
	for range 2 { // the second time from the cache
		for _, query := range []string{"?limit=1", "", "?cursor=" + w.head()} {
			want := decode[api.ChangePage](w.do("GET", "/api/v1/changes"+query, nil).status(200))
			a := w.do("GET", "/api/v1/changes"+query, nil, "Accept", api.LinesType+", application/json;q=0.9").status(200)
			got, err := api.ParseLines(a.Body)
			for i := range want.Changes {
				if want.Changes[i].Deleted {
					want.Changes[i].Document = nil
				}
			}
			if err != nil || a.Header.Get("Content-Type") != api.LinesType || !reflect.DeepEqual(got, want) {
				t.Errorf("%s in lines: %v, %v\n%s\nwant %+v", query, err, a.Header, a.Body, want)
			}
		}
	}
	for _, accept := range []string{"", "*/*", "application/json", "application/*", api.LinesType + ";q=0", api.LinesType + ";q=0.5, application/json", "text/html"} {
		if a := w.do("GET", "/api/v1/changes", nil, "Accept", accept).status(200); a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept %q is answered %s", accept, a.Header.Get("Content-Type"))
		}
	}
	w.do("GET", "/api/v1/changes?cursor=x", nil, "Accept", api.LinesType).problem(400, api.CodeBadCursor)
}

func TestBucket(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"40000000-0000-4000-8000-000000000001", "40000000-0000-4000-8000-000000000002", "44000000-0000-4000-8000-000000000003"} {
		w.push(operation(id, api.Create, 0, fields{"name": "P", "email": id + "@example.org"}))
	}
	path := "/api/v1/buckets/16?entityType=user&cursor=" + w.head()
	first := decode[api.BucketPage](w.do("GET", path+"&limit=1", nil).status(200))
	if len(first.Changes) != 1 || !first.HasMore || first.Changes[0].EntityID[35] != '1' || first.Changes[0].Version != 1 || first.Changes[0].Stamp == "" {
		t.Fatalf("first page %+v", first)
	}
	last := decode[api.BucketPage](w.do("GET", path+"&after="+first.Changes[0].EntityID, nil).status(200))
	if len(last.Changes) != 1 || last.HasMore || last.Changes[0].EntityID[35] != '2' {
		t.Fatalf("last page %+v", last)
	}
	if u := decode[api.User](answer{t: t, Body: last.Changes[0].Document}); u.ID != last.Changes[0].EntityID || u.Version != 1 {
		t.Errorf("its document is of %+v", u)
	}
	// What others wrote since is in it; a server behind the client says so.
	later := w.head()
	w.push(operation(first.Changes[0].EntityID, api.Delete, 1, nil))
	if page := decode[api.BucketPage](w.do("GET", path, nil).status(200)); len(page.Changes) != 1 {
		t.Errorf("after a delete: %+v", page)
	}
	head, err := feed.ParseCursor(w.head())
	if err != nil || later == w.head() {
		t.Fatal(later, err)
	}
	head.Change++
	w.do("GET", "/api/v1/buckets/16?entityType=user&cursor="+head.String(), nil).problem(410, api.CodeResync)
}

// events opens the stream; each line is sent to the channel, which ends with it.
func (w *world) events(header ...string) <-chan string {
	w.t.Helper()
	return w.stream("/api/v1/events", header...)
}

func (w *world) stream(path string, header ...string) <-chan string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		w.t.Fatalf("stream answered %d %q", resp.StatusCode, got)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		defer func() { _ = resp.Body.Close() }()
		scanner := bufio.NewScanner(resp.Body)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// await reads lines until one starts with prefix; ended reports that none came.
func await(t *testing.T, lines <-chan string, prefix string) (line string, ended bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return "", true
			}
			if strings.HasPrefix(line, prefix) {
				return line, false
			}
		case <-deadline:
			t.Fatalf("no line %q within 10 s", prefix)
		}
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.create("Ada", "ada@example.org")
	lines := w.events()
	for _, want := range []string{"retry:", "event: change", "id: " + w.head(), `data: {"cursor":"` + w.head() + `"}`} {
		if _, ended := await(t, lines, want); ended {
			t.Fatalf("the stream ended before %q", want)
		}
	}
	if _, ended := await(t, lines, "event: ping"); ended {
		t.Fatal("the stream ended instead of a ping")
	}
	w.create("Bo", "bo@example.org")
	if line, ended := await(t, lines, "id: "); ended || line != "id: "+w.head() {
		t.Fatalf("after a change came %q, want the head %s", line, w.head())
	}

	informed := w.events("Last-Event-ID", w.head())
	if _, ended := await(t, informed, ": connected"); ended {
		t.Fatal("the second stream ended")
	}
	w.create("Cy", "cy@example.org")
	if line, ended := await(t, informed, "id: "); ended || line != "id: "+w.head() {
		t.Fatalf("a client that has the newest cursor received %q first, want %s", line, w.head())
	}

	w.hub.Close()
	for _, stream := range []<-chan string{lines, informed} {
		if line, ended := await(t, stream, "never"); !ended {
			t.Errorf("the stream went on with %q", line)
		}
	}
	w.do("GET", "/readyz", nil).problem(503, api.CodeUnavailable)
	w.do("GET", "/healthz", nil).status(200)
}

// TestEventsBringChanges: to a client that reads them, an event has the changes since the one
// before, while they are few. All such clients share one read.
func TestEventsBringChanges(t *testing.T) {
	w := newWorld(t)
	ada := w.create("Ada", "ada@example.org").ID
	after := w.head()
	streams := []<-chan string{w.stream("/api/v1/events?protocol=2"), w.stream("/api/v1/events?protocol=2"), w.events()}
	for _, lines := range streams {
		if line, _ := await(t, lines, "data: "); line != `data: {"cursor":"`+after+`"}` {
			t.Errorf("a stream begins with %q", line)
		}
	}
	next := func(lines <-chan string) (data string) {
		_, _ = await(t, lines, "id: ") // of a change; a ping has none
		for line := <-lines; strings.HasPrefix(line, "data: "); line = <-lines {
			data += strings.TrimPrefix(line, "data: ") + "\n"
		}
		return data
	}
	w.create("Bo", "bo@example.org")
	want := decode[api.ChangePage](w.do("GET", "/api/v1/changes?cursor="+after, nil).status(200))
	want.After, want.Digests, want.Epoch = after, nil, ""
	for _, lines := range streams[:2] {
		if got, err := api.ParseLines([]byte(next(lines))); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("an event brought %+v (%v), want %+v", got, err, want)
		}
	}
	if data := next(streams[2]); data != `{"cursor":"`+want.Cursor+`"}`+"\n" {
		t.Errorf("a client that reads no changes was sent %q", data)
	}
	// Many, and few that are long.
	var many, long []any
	for i := range 21 {
		many = append(many, operation(uuid.NewString(), api.Create, 0, fields{"name": "N", "email": fmt.Sprintf("n%d@example.org", i)}))
	}
	for i := range 9 {
		long = append(long, operation(uuid.NewString(), api.Create, 0, fields{"name": "N", "email": fmt.Sprintf("l%d@example.org", i), "bio": strings.Repeat("x", 2000)}))
	}
	for _, ops := range [][]any{many, long} {
		w.push(ops...)
		if data := next(streams[0]); data != `{"cursor":"`+w.head()+`"}`+"\n" {
			t.Errorf("%d changes came in an event: %.100q", len(ops), data)
		}
	}
	after = w.head()
	w.push(operation(ada, api.Delete, 1, nil))
	got, err := api.ParseLines([]byte(next(streams[0])))
	if err != nil || got.After != after || got.Cursor != w.head() || len(got.Changes) != 1 || !got.Changes[0].Deleted {
		t.Errorf("then an event brought %+v (%v)", got, err)
	}
}

func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/users", "/api/nothing", "/healthz", "/readyz", "/nothing"} {
		a := w.do("GET", path, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy":      "script-src 'self' 'wasm-unsafe-eval';",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Permissions-Policy":           "camera=()",
			"Cross-Origin-Resource-Policy": "same-origin",
			"X-Request-Id":                 "-",
		} {
			if got := a.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q in it", path, name, got, want)
			}
		}
		if got := a.Header.Get("Cache-Control"); strings.HasPrefix(path, "/api/") && got != "no-store, no-transform" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	if got := w.do("GET", "/healthz", nil, "X-Request-Id", "mine-1").Header.Get("X-Request-Id"); got != "mine-1" {
		t.Errorf("a proxy's request id became %q", got)
	}
	if got := w.do("GET", "/healthz", nil, "X-Request-Id", "two words").Header.Get("X-Request-Id"); got == "two words" {
		t.Error("a request id that could break the log was taken over")
	}
}

func TestHead(t *testing.T) {
	w := newWorld(t)
	u := w.create("Ada", "ada@example.org")
	a := w.do("HEAD", "/api/v1/users/"+u.ID, nil).status(200)
	if len(a.Body) > 0 || a.Header.Get("ETag") != `"1"` {
		t.Errorf("HEAD answered %v %s", a.Header, a.Body)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.create("Ada", "ada@example.org")
	w.push(operation(uuid.NewString(), api.Delete, 0, nil))
	w.do("GET", "/api/v1/users/"+uuid.NewString(), nil).status(404)
	body := scrape(w.metrics)
	w.do("GET", "/metrics", nil).status(404) // it is not for everybody
	for _, want := range []string{
		`rollcall_requests_total{method="POST",route="/api/v1/users",status="201"} 1`,
		`rollcall_requests_total{method="GET",route="/api/v1/users/{id}",status="404"} 1`,
		`rollcall_operations_total{status="duplicate"} 1`,
		`rollcall_streams 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// faulty is a store that fails with err; the HTTP interface must survive that.
type faulty struct {
	*memory.Store
	err   error
	panic bool
}

func (f faulty) Apply(context.Context, []store.Write) ([]store.Outcome, error) {
	if f.panic {
		panic("kaput")
	}
	return nil, f.err
}

func TestFailingStore(t *testing.T) {
	tests := []struct {
		name   string
		store  faulty
		status int
		code   string
	}{
		{"busy", faulty{err: fmt.Errorf("queue: %w", store.ErrBusy)}, 503, "unavailable"},
		{"unavailable", faulty{err: fmt.Errorf("disk: %w", store.ErrUnavailable)}, 503, "unavailable"},
		{"a defect", faulty{err: io.ErrUnexpectedEOF}, 500, "internal"},
		{"a panic", faulty{panic: true}, 500, "internal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.store.Store = memory.New(memory.Options{})
			h := contracttest.Load(t).Handler(t, rest.New(rest.Config{Store: test.store, Hub: feed.NewHub()}))
			r := httptest.NewRequest("POST", "/api/v1/users", strings.NewReader(`{"name":"A","email":"a@example.org"}`))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"code":"`+test.code+`"`) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if retry := w.Header().Get("Retry-After"); (retry != "") != (test.status == 503) {
				t.Errorf("Retry-After %q with status %d", retry, w.Code)
			}
			if strings.Contains(w.Body.String(), "unexpected EOF") || strings.Contains(w.Body.String(), "kaput") {
				t.Errorf("the response reveals internals: %s", w.Body)
			}
		})
	}
}
