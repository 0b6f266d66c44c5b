package rest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

func newID() string { return uuid.NewString() }

// asker asks a handler as from any address.
type asker struct {
	t       *testing.T
	handler http.Handler
	metrics *rest.Metrics
}

func newAsker(t *testing.T, s rest.Store, limits rest.Limits) asker {
	t.Helper()
	hub := feed.NewHub()
	t.Cleanup(hub.Close)
	metrics := rest.NewMetrics()
	return asker{t, contracttest.Load(t).Handler(t, rest.New(rest.Config{Store: s, Hub: hub, Limits: limits, Metrics: metrics})), metrics}
}

// ask returns the status and Retry-After.
func (a asker) ask(from, path, body string, header ...string) (status int, retryAfter string) {
	method := "GET"
	if body != "" {
		method = "POST"
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = from
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w.Code, w.Header().Get("Retry-After")
}

func TestRateByAddress(t *testing.T) {
	proxies, err := rest.ParseProxies(" 10.0.0.0/8, 192.0.2.7 ,fd00::/8,")
	if err != nil {
		t.Fatal(err)
	}
	a := newAsker(t, memory.New(memory.Options{}), rest.Limits{Address: limit.Rate{PerSecond: 0.2, Burst: 2}, Proxies: proxies})
	exhaust := func(from string, header ...string) {
		t.Helper()
		for i := range 3 {
			status, retry := a.ask(from, "/api/v1/users", "", header...)
			if want := map[bool]int{true: 429, false: 200}[i == 2]; status != want {
				t.Fatalf("%s %v: request %d is answered %d, want %d", from, header, i, status, want)
			}
			if n, err := strconv.Atoi(retry); status == 429 && (err != nil || n < 1 || n > 5) {
				t.Errorf("Retry-After %q of 429, want at most 5 s", retry)
			}
		}
	}
	free := func(from string, header ...string) {
		t.Helper()
		for i := range 5 {
			if status, _ := a.ask(from, "/api/v1/users", "", header...); status != 200 {
				t.Errorf("%s %v: request %d is answered %d", from, header, i, status)
			}
		}
	}
	exhaust("203.0.113.1:1000")
	exhaust("203.0.113.2:1000")
	if status, _ := a.ask("203.0.113.1:2000", "/api/v1/changes", ""); status != 429 {
		t.Errorf("another port and path are another client: %d", status)
	}
	// Whatever is not the API counts as well, by itself: the app loads while its data wait.
	for i, path := range []string{"/healthz", "/", "/nothing"} {
		status, _ := a.ask("203.0.113.1:1", path, "")
		if limited := status == 429; limited != (i == 2) {
			t.Errorf("request %d outside the API is answered %d", i, status)
		}
	}
	exhaust("[2001:db8:1:2::1]:1000")
	if status, _ := a.ask("[2001:db8:1:2:ffff::9]:1", "/api/v1/users", ""); status != 429 {
		t.Errorf("another address of the same network is another client: %d", status)
	}
	free("127.0.0.1:1000") // the operator's own programs
	free("[::1]:1000")
	// Through a trusted proxy, the client counts.
	exhaust("127.0.0.1:1000", "X-Forwarded-For", "203.0.113.3")
	exhaust("10.1.2.3:1000", "X-Forwarded-For", "203.0.113.4:5678")
	exhaust("[fd00::1]:1000", "X-Forwarded-For", "203.0.113.9, 203.0.113.5, 192.0.2.7", "X-Forwarded-For", "10.9.9.9")
	if status, _ := a.ask("198.51.100.1:1", "/api/v1/users", "", "X-Forwarded-For", "203.0.113.3"); status != 200 {
		t.Errorf("a stranger is believed about whom it asks for: %d", status)
	}
	exhaust("198.51.100.2:1", "X-Forwarded-For", "127.0.0.1") // and can't pose as the operator
	exhaust("127.0.0.1:1000", "X-Forwarded-For", "127.0.0.1, 198.51.100.3")
	exhaust("10.0.0.1:1", "X-Forwarded-For", "nonsense")
	exhaust("10.0.0.2:1", "X-Forwarded-For", "127.0.0.1, 10.7.7.7") // nor can a client among the proxies
	// What is no address counts as the one that sent it, though that is this machine.
	exhaust("127.0.0.2:1", "X-Forwarded-For", "unknown")
	exhaust("127.0.0.3:1", "X-Forwarded-For", "203.0.113.77, _hidden")
	exhaust("127.0.0.4:1", "X-Forwarded-For", "203.0.113.77, ")
	if status, _ := a.ask("203.0.113.77:1", "/api/v1/users", ""); status != 200 {
		t.Errorf("what stands before nonsense was believed: %d", status)
	}
	if _, err := rest.ParseProxies("10.0.0.0/8,proxy"); err == nil || !strings.Contains(err.Error(), `"proxy"`) {
		t.Errorf("a bad network: %v", err)
	}
}

func TestRateByClient(t *testing.T) {
	a := newAsker(t, memory.New(memory.Options{}), rest.Limits{Client: limit.Rate{PerSecond: 0.1, Burst: 2}})
	batch := func(from, client string) int {
		status, _ := a.ask(from, "/api/v1/operations", fmt.Sprintf(`{"clientId":%q,"operations":[]}`, client))
		return status
	}
	busy, other := newID(), newID()
	for i, want := range []int{200, 200, 429} {
		// A device that moves between networks stays the same client.
		if got := batch(fmt.Sprintf("203.0.113.%d:1", i), busy); got != want {
			t.Errorf("batch %d: %d, want %d", i, got, want)
		}
	}
	if got := batch("203.0.113.1:1", other); got != 200 {
		t.Errorf("another client behind the same address: %d", got)
	}
	for range 5 {
		if got := batch("127.0.0.1:1", busy); got != 200 {
			t.Errorf("from this machine: %d", got)
		}
	}
}

// blocked is a store whose reads wait until they are let go.
type blocked struct {
	*memory.Store
	let chan struct{}
}

func (b blocked) Changes(ctx context.Context, cursor string, most int) (api.ChangePage, error) {
	select {
	case <-b.let:
	case <-ctx.Done():
		return api.ChangePage{}, ctx.Err()
	}
	return b.Store.Changes(ctx, cursor, most)
}

// TestReadsAreBounded: beyond what may wait, a read is answered 503 at once, and
// those that wait are answered when their turn comes.
func TestReadsAreBounded(t *testing.T) {
	b := blocked{memory.New(memory.Options{}), make(chan struct{})}
	a := newAsker(t, b, rest.Limits{Reads: 2, Waiting: 3})
	var group sync.WaitGroup
	for i := range 5 {
		group.Go(func() {
			// Each asks for another page: the same one is read once for all.
			if status, _ := a.ask("127.0.0.1:1", fmt.Sprint("/api/v1/changes?limit=", 1+i), ""); status != 200 {
				t.Errorf("one that waited was answered %d", status)
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if strings.Contains(scrape(a.metrics), `rollcall_queue_depth{queue="reads"} 3`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the reads never waited")
		}
	}
	if status, retry := a.ask("127.0.0.1:1", "/api/v1/changes", ""); status != 503 || retry == "" {
		t.Errorf("one too many is answered %d, Retry-After %q", status, retry)
	}
	if status, _ := a.ask("127.0.0.1:1", "/api/v1/users/"+newID(), ""); status != 503 {
		t.Errorf("one too many for another address is answered %d", status)
	}
	close(b.let)
	group.Wait()
}

// TestBytesAreBounded: bodies count as they come in, not as they are announced,
// and what doesn't fit is answered 503.
func TestBytesAreBounded(t *testing.T) {
	w := newLimitedWorld(t, rest.Limits{Bytes: 100 << 10})
	body := func(n int) string {
		return `{"clientId":"` + newID() + `","operations":[]` + strings.Repeat(" ", n) + `}`
	}
	w.do("POST", "/api/v1/operations", body(50<<10)).status(200)
	w.do("POST", "/api/v1/operations", body(200<<10)).problem(503, api.CodeUnavailable)
	w.do("POST", "/api/v1/operations", body(50<<10)).status(200) // all is given back

	// One that sends a little of a long body takes a little.
	slow, rest := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		resp, err := w.server.Client().Post(w.server.URL+"/api/v1/operations", "application/json", slow)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	whole := body(80 << 10)
	if _, err := io.WriteString(rest, whole[:60<<10]); err != nil {
		t.Fatal(err)
	}
	w.await(func(metrics string) bool { return heldBytes(metrics) >= 50<<10 })
	w.do("POST", "/api/v1/operations", body(60<<10)).problem(503, api.CodeUnavailable)
	w.do("POST", "/api/v1/operations", body(10<<10)).status(200)
	if _, err := io.WriteString(rest, whole[60<<10:]); err != nil {
		t.Fatal(err)
	}
	if err := rest.Close(); err != nil {
		t.Fatal(err)
	}
	if status := <-answered; status != 200 {
		t.Errorf("the slow one is answered %d", status)
	}

	// A page of the feed counts, too.
	for i := range 60 {
		w.do("POST", "/api/v1/users", fields{"name": "N", "email": fmt.Sprintf("n%d@example.org", i), "bio": strings.Repeat("b", 2000)}).status(201)
	}
	w.do("GET", "/api/v1/changes", nil).problem(503, api.CodeUnavailable)
	w.do("GET", "/api/v1/users?limit=100", nil).problem(503, api.CodeUnavailable)
	w.do("GET", "/api/v1/changes?limit=20", nil).status(200)
	w.await(func(metrics string) bool { return heldBytes(metrics) == 0 })
}

// await asks for the metrics until they are as wanted.
func (w *world) await(f func(metrics string) bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		metrics := scrape(w.metrics)
		if f(metrics) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("it never came to that:\n%s", metrics)
		}
	}
}

func heldBytes(metrics string) int {
	_, rest, _ := strings.Cut(metrics, "\nrollcall_held_bytes ")
	text, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	return int(n)
}

func TestStreamsAreBounded(t *testing.T) {
	w := newLimitedWorld(t, rest.Limits{Streams: 2})
	for range 2 {
		if _, ended := await(t, w.events(), "event: change"); ended {
			t.Fatal("a stream ended")
		}
	}
	w.do("GET", "/api/v1/events", nil).problem(503, api.CodeUnavailable)
}

// TestHeadIsReadOnce: however many streams there are, a notification reads the head once, and
// every stream gets the latest.
func TestHeadIsReadOnce(t *testing.T) {
	counted := &countedHeads{Store: memory.New(memory.Options{})}
	hub := feed.NewHub()
	server := httptest.NewServer(rest.New(rest.Config{Store: counted, Hub: hub}))
	defer server.Close()
	defer hub.Close()
	w := &world{t: t, server: server}
	var streams []<-chan string
	for range 50 {
		streams = append(streams, w.events())
		if _, ended := await(t, streams[len(streams)-1], "data: "); ended {
			t.Fatal("a stream ended")
		}
	}
	counted.head.Store("AQAAAAAAAAABAQ")
	before := counted.reads.Load()
	hub.Notify()
	for _, lines := range streams {
		if line, ended := await(t, lines, "id: "); ended || line != "id: AQAAAAAAAAABAQ" {
			t.Errorf("received %q", line)
		}
	}
	if reads := counted.reads.Load() - before; reads != 1 {
		t.Errorf("%d reads for 50 streams, want 1", reads)
	}
}

// countedHeads is a store that counts the reads of its head.
type countedHeads struct {
	*memory.Store
	reads atomic.Int64
	head  atomic.Value // string; unset for the store's own
}

func (c *countedHeads) Head(ctx context.Context) (string, error) {
	c.reads.Add(1)
	if head, ok := c.head.Load().(string); ok {
		return head, nil
	}
	return c.Store.Head(ctx)
}

func TestBodiesOfTheLimit(t *testing.T) {
	w := newWorld(t)
	pad := func(body string, size int) string { return body + strings.Repeat(" ", size-len(body)) }
	user := `{"name":"A","email":"a@example.org"}`
	batch := `{"clientId":"` + newID() + `","operations":[]}`
	w.do("POST", "/api/v1/users", pad(user, api.MaxUserBody)).status(201)
	w.do("POST", "/api/v1/users", pad(user, api.MaxUserBody+1)).problem(413, api.CodeTooLarge)
	w.do("POST", "/api/v1/operations", pad(batch, api.MaxBody)).status(200)
	w.do("POST", "/api/v1/operations", pad(batch, api.MaxBody+1)).problem(413, api.CodeTooLarge)
	for _, q := range []string{"users?limit=500", "changes?limit=1000", "users?q=" + strings.Repeat("x", api.MaxQuery)} {
		w.do("GET", "/api/v1/"+q, nil).status(200)
	}
	// Without a length, the bytes count all the same.
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+"/api/v1/users",
		io.MultiReader(bytes.NewReader([]byte(`{"name":"`)), strings.NewReader(strings.Repeat("x", api.MaxUserBody))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != 413 {
		t.Errorf("without a length: %d (%v)", resp.StatusCode, err)
	}
}
