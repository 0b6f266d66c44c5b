package rest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/listen"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
)

// filled is a store with n users of some 2 kB.
func filled(t testing.TB, n int) *memory.Store {
	t.Helper()
	s := memory.New(memory.Options{})
	var writes []store.Write
	for i := range n {
		name, email, bio := "N", fmt.Sprintf("n%d@example.org", i), strings.Repeat("b", 2000)
		id := newID()
		writes = append(writes, store.Write{ID: id, EntityID: id, Key: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email, Bio: &bio}})
	}
	if _, err := s.Apply(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	return s
}

// stalled is a response to a client that takes nothing until it is let.
type stalled struct {
	*httptest.ResponseRecorder
	stuck chan<- struct{}
	let   <-chan struct{}
}

func (s stalled) Write(b []byte) (int, error) {
	if s.Code == http.StatusOK {
		s.stuck <- struct{}{}
		<-s.let
	}
	return s.ResponseRecorder.Write(b)
}

func (s stalled) FlushError() error { return nil }

func (s stalled) SetReadDeadline(time.Time) error { return nil }

func (s stalled) SetWriteDeadline(time.Time) error { return nil }

// hoard sends requests from an address until one is refused, and returns how many hold
// something. They hold it until the test ends.
func hoard(t *testing.T, h http.Handler, from string, paths func(int) string) int {
	t.Helper()
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	let := make(chan struct{})
	t.Cleanup(func() { cancel(); close(let); group.Wait() })
	for n := 0; ; n++ {
		stuck, answered := make(chan struct{}, 100), make(chan int, 1)
		group.Go(func() {
			r := httptest.NewRequestWithContext(ctx, "GET", paths(n), http.NoBody)
			r.RemoteAddr = from
			w := stalled{httptest.NewRecorder(), stuck, let}
			h.ServeHTTP(w, r)
			answered <- w.Code
		})
		select {
		case <-stuck:
		case status := <-answered:
			if status != 503 {
				t.Fatalf("request %d of %s is answered %d", n, from, status)
			}
			return n
		}
	}
}

// TestOneNetworkHasAShare: whatever one network hoards, another is served.
func TestOneNetworkHasAShare(t *testing.T) {
	for what, test := range map[string]struct {
		limits rest.Limits
		path   func(int) string
		want   int
	}{
		// 7 of 8 parts of Bytes are for requests, a quarter of that for one network; a page
		// of 10 users has some 22 kB, and each request asks for another page.
		"bytes": {rest.Limits{Bytes: 800 << 10}, func(n int) string { return fmt.Sprint("/api/v1/changes?limit=10&n=", n) }, 8},
		"list":  {rest.Limits{Bytes: 800 << 10}, func(n int) string { return fmt.Sprint("/api/v1/users?limit=10&n=", n) }, 8},
		// The same page for all is held once, but counts for each who holds it.
		"shared pages": {rest.Limits{Bytes: 800 << 10}, func(int) string { return "/api/v1/changes?limit=10" }, 8},
		"streams":      {rest.Limits{Streams: 40}, func(int) string { return "/api/v1/events" }, 10},
	} {
		t.Run(what, func(t *testing.T) {
			hub := feed.NewHub()
			defer hub.Close()
			h := rest.New(rest.Config{Store: filled(t, 10), Hub: hub, Limits: test.limits})
			if n := hoard(t, h, "203.0.113.1:1", test.path); n < test.want-2 || n > test.want+2 {
				t.Errorf("one address holds %d, want about %d", n, test.want)
			}
			if n := hoard(t, h, "[2001:db8:1:2::1]:1", test.path); n < test.want-2 || n > test.want+2 {
				t.Errorf("one IPv6 network holds %d, want about %d", n, test.want)
			}
			if n := hoard(t, h, "[2001:db8:1:2:ffff::2]:1", test.path); n != 0 {
				t.Errorf("another address of that network holds %d more", n)
			}
			a := asker{t: t, handler: h}
			for _, path := range []string{"/api/v1/changes?limit=9", "/api/v1/users?limit=9", "/api/v1/users?q=n1"} {
				if status, _ := a.ask("203.0.113.2:1", path, ""); status != 200 {
					t.Errorf("beside it, %s is answered %d", path, status)
				}
			}
			if n := hoard(t, h, "203.0.113.3:1", test.path); n == 0 {
				t.Error("beside it, there is no room")
			}
		})
	}
}

// TestReadsHaveAShare: one network's waiting reads leave room for others.
func TestReadsHaveAShare(t *testing.T) {
	b := blocked{memory.New(memory.Options{}), make(chan struct{})}
	hub := feed.NewHub()
	defer hub.Close()
	h := rest.New(rest.Config{Store: b, Hub: hub, Limits: rest.Limits{Reads: 2, Waiting: 6}})
	a := asker{t: t, handler: h}
	var group sync.WaitGroup
	answers := make(chan int, 8)
	ask := func(from string, limit int) {
		group.Go(func() {
			status, _ := a.ask(from, fmt.Sprint("/api/v1/changes?limit=", limit), "")
			answers <- status
		})
	}
	for i := range 8 { // a share is a quarter of the eight
		ask("203.0.113.1:1", 1+i)
	}
	for range 6 {
		if status := <-answers; status != 503 {
			t.Errorf("one too many is answered %d", status)
		}
	}
	ask("203.0.113.2:1", 100)
	close(b.let)
	group.Wait()
	for range 3 {
		if status := <-answers; status != 200 {
			t.Errorf("one that waited is answered %d", status)
		}
	}
}

// TestOneAtItsShareFailsNobodyElse: a page is read once for all who ask for it. Whoever began
// the read may have no room for it.
func TestOneAtItsShareFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		c := &counted{Store: filled(t, 100), gate: gate}
		hub := feed.NewHub()
		defer hub.Close()
		a := asker{t: t, handler: rest.New(rest.Config{Store: c, Hub: hub, Limits: rest.Limits{Bytes: 800 << 10}})}
		ask := func(from string) <-chan int {
			answer := make(chan int, 1)
			go func() {
				status, _ := a.ask(from, "/api/v1/changes?limit=100", "") // larger than a share
				answer <- status
			}()
			synctest.Wait() // until it waits for the read
			return answer
		}
		first, second := ask("203.0.113.1:1"), ask("127.0.0.1:1") // who is exempt
		if n := c.reads.Load(); n != 1 {
			t.Errorf("%d reads are under way, want one for both", n)
		}
		close(gate)
		if status := <-first; status != 503 {
			t.Errorf("without room, it is answered %d", status)
		}
		if status := <-second; status != 200 {
			t.Errorf("one that has room is answered %d", status)
		}
	})
}

// slowSearch is a store in which a search takes until it is let.
type slowSearch struct {
	rest.Store
	let chan struct{}
}

func (s slowSearch) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	if q.Search != "" {
		select {
		case <-s.let:
		case <-ctx.Done():
		}
		return store.List{}, ctx.Err()
	}
	return s.Store.Users(ctx, q)
}

// TestSlowReadsLeaveTurns: one network has as many slow reads as it can get, and asks for what
// others want, too. It waits behind itself, the others don't.
func TestSlowReadsLeaveTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := feed.NewHub()
		defer hub.Close()
		slow := slowSearch{filled(t, 10), make(chan struct{})}
		a := asker{t: t, handler: rest.New(rest.Config{Store: slow, Hub: hub, Limits: rest.Limits{Reads: 4, Waiting: 100}})}
		var group sync.WaitGroup
		defer group.Wait()
		for i := range 20 {
			path := "/api/v1/users?q=n"
			if i == 3 { // what others want, while all its turns are taken
				path = "/api/v1/changes?limit=100"
			}
			group.Go(func() { a.ask("203.0.113.1:1", path, "") })
			synctest.Wait()
		}
		slow.let <- struct{}{} // it begins to read that, and waits again, behind all the others
		synctest.Wait()
		for path, most := range map[string]time.Duration{
			"/api/v1/users?limit=10": 0, "/api/v1/users/" + newID(): 0, "/api/v1/changes?limit=100": 50 * time.Millisecond,
		} {
			began := time.Now()
			status, _ := a.ask("203.0.113.2:1", path, "")
			if took := time.Since(began); status >= 500 || took > most {
				t.Errorf("beside it, %s is answered %d after %v", path, status, took)
			}
		}
	})
}

// TestExempt: who is exempt is a setting, so this machine may be a client like others.
func TestExempt(t *testing.T) {
	hub := feed.NewHub()
	defer hub.Close()
	h := rest.New(rest.Config{Store: filled(t, 10), Hub: hub, Limits: rest.Limits{Streams: 8, Exempt: rest.Proxies{}}})
	path := func(int) string { return "/api/v1/events" }
	if n := hoard(t, h, "127.0.0.2:1", path); n != 2 {
		t.Errorf("it holds %d streams, want 2", n)
	}
	if n := hoard(t, h, "127.0.0.3:1", path); n != 2 {
		t.Errorf("the other holds %d streams, want 2", n)
	}
}

// pipes is a listener whose connections have no buffers.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowReaders: a client that takes nothing is cut off soon, and one that takes a long
// answer at a slow but steady pace gets it whole, whether the answer is written in parts or
// the connection moves the deadline. The clock is synctest's.
func TestSlowReaders(t *testing.T) {
	for name, steady := range map[string]bool{"in parts": false, "whole": true} {
		t.Run(name, func(t *testing.T) { slowReaders(t, steady) })
	}
}

func slowReaders(t *testing.T, steady bool) {
	synctest.Test(t, func(t *testing.T) {
		hub := feed.NewHub()
		l := pipes{make(chan net.Conn)}
		ended := make(chan struct{}, 1)
		inner := rest.New(rest.Config{Store: filled(t, 500), Hub: hub, Steady: steady})
		server := &http.Server{WriteTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { ended <- struct{}{} }()
			inner.ServeHTTP(w, r)
		})}
		done := make(chan error, 1)
		go func() { done <- server.Serve(l) }()
		ask := func() net.Conn {
			client, conn := net.Pipe()
			if steady {
				conn = listen.Steady(conn)
			}
			l.conns <- conn
			if _, err := io.WriteString(client, "GET /api/v1/changes?limit=500 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return client
		}
		began := time.Now()
		client := ask()
		<-ended // with nothing else to do, the clock goes to the next deadline
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("a client that takes nothing holds its page for %v", took)
		}
		_ = client.Close()

		began, client = time.Now(), ask()
		resp, err := http.ReadResponse(bufio.NewReaderSize(slowReader{client}, 16), nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if took := time.Since(began); err != nil || n < 1<<20 || took < 2*time.Minute {
			t.Errorf("at a steady pace, a client gets %d bytes in %v (%v)", n, took, err)
		}
		<-ended
		_ = client.Close()
		hub.Close()
		close(l.conns)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// slowReader takes 8 kB in a second at most.
type slowReader struct{ net.Conn }

func (s slowReader) Read(b []byte) (int, error) {
	n, err := io.ReadAtLeast(s.Conn, b[:min(len(b), 8<<10)], 1)
	<-time.After(time.Duration(n) * time.Second / (8 << 10))
	return n, err
}

// timedWriter records what a stream does with deadlines.
type timedWriter struct {
	*httptest.ResponseRecorder
	calls chan string
}

func (w timedWriter) SetReadDeadline(time.Time) error { return nil }

func (w timedWriter) SetWriteDeadline(at time.Time) error {
	w.calls <- map[bool]string{true: "none", false: "deadline"}[at.IsZero()]
	return nil
}

func (w timedWriter) Write(b []byte) (int, error) {
	w.calls <- "write"
	return w.ResponseRecorder.Write(b)
}

func (w timedWriter) FlushError() error { w.calls <- "flush"; return nil }

// TestStreamHasNoDeadlineBetweenEvents: over HTTP/2, one that passes ends the stream.
func TestStreamHasNoDeadlineBetweenEvents(t *testing.T) {
	hub := feed.NewHub()
	h := rest.New(rest.Config{Store: filled(t, 1), Hub: hub})
	w := timedWriter{httptest.NewRecorder(), make(chan string, 100)}
	var group sync.WaitGroup
	group.Go(func() { h.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/events", http.NoBody)) })
	var got []string
	for range 4 {
		got = append(got, <-w.calls)
	}
	hub.Close()
	group.Wait()
	if text := strings.Join(got, " "); text != "deadline write flush none" {
		t.Errorf("an event is sent with %s", text)
	}
}

// blockedWrites is a store whose writes wait until they are let go.
type blockedWrites struct {
	*memory.Store
	waiting chan struct{}
	let     chan struct{}
}

func (b blockedWrites) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	b.waiting <- struct{}{}
	<-b.let
	return b.Store.Apply(ctx, writes)
}

// TestWritesHaveAShare: one network sends as much as it can, to a store that is slow.
func TestWritesHaveAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := blockedWrites{memory.New(memory.Options{}), make(chan struct{}, 100), make(chan struct{})}
		hub := feed.NewHub()
		defer hub.Close()
		a := asker{t: t, handler: rest.New(rest.Config{Store: b, Hub: hub})}
		send := func(from string, n int) <-chan int {
			var ops []string
			for i := range n {
				ops = append(ops, fmt.Sprintf(`{"id":%q,"entityType":"user","entityId":%q,"type":"create","baseVersion":0,"createdAt":"2026-01-31T12:00:00Z","data":{"name":"N","email":"%d-%s@example.org"}}`,
					newID(), newID(), i, newID()))
			}
			body := fmt.Sprintf(`{"clientId":%q,"operations":[%s]}`, newID(), strings.Join(ops, ","))
			answer := make(chan int, 1)
			go func() {
				status, _ := a.ask(from, "/api/v1/operations", body)
				answer <- status
			}()
			synctest.Wait()
			return answer
		}
		var answers []<-chan int
		for range 10 { // a quarter of what may wait
			answers = append(answers, send("203.0.113.1:1", 100))
		}
		if status := <-send("203.0.113.1:1", 100); status != 503 {
			t.Errorf("one batch too many is answered %d", status)
		}
		if n := len(b.waiting); n != 2 {
			t.Errorf("the store has %d batches of one network, want 2", n)
		}
		answers = append(answers, send("203.0.113.2:1", 100))
		if n := len(b.waiting); n != 3 {
			t.Errorf("another network's waits behind all of them: the store has %d", n)
		}
		// A batch of any size is there in parts, and leaves room for another of its network.
		answers = append(answers, send("203.0.113.3:1", api.MaxOperations), send("203.0.113.3:1", api.MaxOperations))
		if n := len(b.waiting); n != 4 {
			t.Errorf("the store has %d batches and parts, want 4", n)
		}
		close(b.let)
		for i, answer := range answers {
			if status := <-answer; status != 200 {
				t.Errorf("batch %d is answered %d", i, status)
			}
		}
	})
}

// TestAnswersThatNobodyTakes: over HTTP/2, a client has a hundred requests on a connection, and
// takes no answer. What is beyond its share is not even answered.
func TestAnswersThatNobodyTakes(t *testing.T) {
	hub := feed.NewHub()
	defer hub.Close()
	s := httptest.NewUnstartedServer(rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub,
		Limits: rest.Limits{Streams: 8, Exempt: rest.Proxies{}}})) // so 16 requests, and 4 of one network
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	c, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		ServerName: "example.com", NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	framer := http2.NewFramer(c, c)
	_, err = io.WriteString(c, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	const asked = 10
	for i := range asked {
		block.Reset()
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/healthz"}} {
			err = errors.Join(err, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
		}
		err = errors.Join(err, framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}))
	}
	if err != nil {
		t.Fatal(err)
	}
	answered, reset := 0, 0
	for answered+reset < asked {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame.(type) {
		case *http2.HeadersFrame:
			answered++
		case *http2.RSTStreamFrame:
			reset++
		}
	}
	if answered != 4 {
		t.Errorf("%d of %d requests were answered and hold that, want 4", answered, asked)
	}
}
