package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// network is a client with an address of its own; Linux has all of 127.0.0.0/8.
type network struct {
	t    *testing.T
	from net.IP
	to   string
}

// send sends text on a connection of its own, which stays open to the test's end.
func (n network) send(text string) (net.Conn, error) {
	n.t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: n.from}}).Dial("tcp", n.to)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, text)
	return c, err
}

// status sends text and returns the answer's status, or 0 if the connection is closed.
func (n network) status(text string) int {
	n.t.Helper()
	c, err := n.send(text)
	if err != nil {
		return 0
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		n.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// work does what an app does, and returns how long each request took.
func (n network) work(rounds int) (took []time.Duration) {
	n.t.Helper()
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: n.from}}).DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for range rounds {
		for _, body := range []string{"", fmt.Sprintf(`{"name":"N","email":"%s@example.org"}`, uuid.NewString())} {
			began := time.Now()
			var resp *http.Response
			var err error
			if body == "" {
				resp, err = client.Get("http://" + n.to + "/api/v1/changes?limit=50")
			} else {
				resp, err = client.Post("http://"+n.to+"/api/v1/users", "application/json", strings.NewReader(body))
			}
			if err != nil {
				n.t.Fatalf("the other network is not served: %v", err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode >= 300 {
				n.t.Errorf("the other network is answered %d (%v)", resp.StatusCode, err)
			}
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	return took
}

// TestANetworkHasAShare: one address takes all that it can get of streams, bytes, connections
// and requests. Another is served all the while.
func TestANetworkHasAShare(t *testing.T) {
	s := start(t, "-db", filepath.Join(t.TempDir(), "r.db"), "-exempt", "none", "-max-streams", "8", "-max-memory", "2",
		"-max-connections", "100", "-max-connections-per-address", "20", "-address-rate", "20", "-metrics", "127.0.0.1:0")
	to := strings.TrimPrefix(s.url, "http://")
	greedy, other := network{t, net.IPv4(127, 0, 0, 2), to}, network{t, net.IPv4(127, 0, 0, 3), to}
	const stream = "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	for i, want := range []int{200, 200, 503} { // a quarter of eight
		if got := greedy.status(stream); got != want {
			t.Errorf("its stream %d is answered %d, want %d", i, got, want)
		}
	}
	// A quarter of seven eighths of 2 MB: its third body of 200 kB has no room.
	body := "POST /api/v1/operations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat(" ", 200<<10)
	for range 2 {
		if _, err := greedy.send(body); err != nil {
			t.Fatal(err)
		}
	}
	held := func() error {
		_, metrics := get(t, operator(t, &s.log)+"/metrics")
		if !bytes.Contains(metrics, []byte("rollcall_held_bytes 409600\n")) {
			return fmt.Errorf("%s", metrics)
		}
		return nil
	}
	eventually(t, "its bodies are held", held)
	if got := greedy.status(body); got != 503 {
		t.Errorf("its third body is answered %d", got)
	}
	refused := 0
	for range 40 { // with 5 connections that it has already
		if greedy.status("GET /api/v1/users HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == 0 {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("%d of its connections were refused, want more", refused)
	}
	if err := held(); err != nil {
		t.Errorf("it holds no longer what it held: %v", err)
	}
	took := other.work(20)
	t.Logf("beside it, another network is served in %v (median), %v at most", took[len(took)/2], took[len(took)-1])
	if got := other.status(stream); got != 200 {
		t.Errorf("the other's stream is answered %d", got)
	}
}

// TestOperatorConnectionsAreBounded: where the operator is served, too, one address can't hold
// what others need.
func TestOperatorConnectionsAreBounded(t *testing.T) {
	s := start(t, "-db", filepath.Join(t.TempDir(), "r.db"), "-metrics", "127.0.0.1:0")
	to := strings.TrimPrefix(operator(t, &s.log), "http://")
	greedy, other := network{t, net.IPv4(127, 0, 0, 2), to}, network{t, net.IPv4(127, 0, 0, 3), to}
	const scrape = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	for i := range 20 {
		want := 200
		if i >= 16 {
			want = 0
		}
		if got := greedy.status(scrape); got != want {
			t.Errorf("its connection %d is answered %d, want %d", i, got, want)
		}
	}
	if got := other.status(scrape); got != 200 {
		t.Errorf("beside it, another network is answered %d", got)
	}
}

// TestAsteriskForm: "OPTIONS *" is answered by us, as any other request.
func TestAsteriskForm(t *testing.T) {
	s := start(t, "-db", filepath.Join(t.TempDir(), "r.db"), "-metrics", "127.0.0.1:0")
	for _, url := range []string{s.url, operator(t, &s.log)} {
		n := network{t, net.IPv4(127, 0, 0, 2), strings.TrimPrefix(url, "http://")}
		if got := n.status("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n"); got != 421 {
			t.Errorf("%s answers for another name: %d", url, got)
		}
	}
}

// TestConnectionsFitFiles: what a connection needs is left for the database.
func TestConnectionsFitFiles(t *testing.T) {
	for _, test := range []struct {
		files                   uint64
		connections, perAddress int
		fewer                   bool
	}{{1 << 20, 16000, 1000, false}, {21336, 16000, 1000, false}, {1024, 768, 192, true}, {4, 3, 1, true}, {0, 1, 1, true}} {
		o := serveOptions{connections: 16000, perAddress: 1000}
		if fewer := o.fitFiles(test.files); fewer != test.fewer || o.connections != test.connections || o.perAddress != test.perAddress {
			t.Errorf("of %d files: %v, %d connections, %d per address", test.files, fewer, o.connections, o.perAddress)
		}
	}
}
