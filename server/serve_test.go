package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/listen"
)

// program is the real program in a process of its own.
type program struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	log lockedBuffer
}

// lockedBuffer is a buffer that a process may still be writing to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	checkAnswers(t)
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.CommandContext(t.Context(), path, append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)...)}
	p.cmd.Env = append(os.Environ(), "ROLLCALL_TEST_MAIN=1")
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the server said %q (%v)\n%s", line, err, &p.log)
	}
	p.url = url
	return p
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the server ended with %v\n%s", err, &p.log)
	}
}

// eventually waits until f returns nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	var err error
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); <-pause.C {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// TestDrainUnderLoad: the real program gets a SIGTERM in the middle of writes from
// many sides. Whatever took effect was answered, and it ends well.
func TestDrainUnderLoad(t *testing.T) {
	db := filepath.Join(t.TempDir(), "r.db")
	p := startProgram(t, "-db", db, "-log-level", "warn")
	contract := contracttest.Load(t)
	created := make(chan string, 100_000)
	var clients sync.WaitGroup
	for c := range 16 {
		clients.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: contract.Transport(transport), Timeout: 20 * time.Second}
			for n := 0; ; n++ {
				email := fmt.Sprintf("p%d-%d@example.org", c, n)
				resp, err := client.Post(p.url+"/api/v1/users", "application/json",
					strings.NewReader(`{"name":"P","email":"`+email+`"}`))
				if err != nil {
					return // it was refused; the database shows whether that is true
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusCreated {
					t.Errorf("answered %s", resp.Status)
					return
				}
				created <- email
			}
		})
	}
	for range 200 {
		<-created
	}
	p.stop()
	clients.Wait()
	close(created)
	answered := 200
	for range created {
		answered++
	}
	var stored int
	d, err := sql.Open("sqlite", db)
	if err != nil {
		t.Fatal(err)
	}
	err = d.QueryRowContext(t.Context(), `SELECT count(*) FROM users`).Scan(&stored)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	if stored != answered {
		t.Errorf("%d users are stored, %d requests were answered", stored, answered)
	}
}

// pair writes a self-signed certificate with a serial number.
func pair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"named.example.org"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}

// TestTLS: HTTPS with HTTP/2, streams too, and a new certificate after SIGHUP; one
// that can't be read leaves the last in use.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair(t, cert, key, 1)
	p := startProgram(t, "-db", filepath.Join(dir, "r.db"), "-tls-cert", cert, "-tls-key", key)
	serial := func() (int64, string, error) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(p.url + "/api/v1/events")
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "retry:") {
			return 0, "", fmt.Errorf("the stream begins with %q: %w", line, err)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), resp.Proto, nil
	}
	if got := strictTransport(t, p.url); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	if got, proto, err := serial(); err != nil || got != 1 || proto != "HTTP/2.0" || !strings.HasPrefix(p.url, "https://") {
		t.Fatalf("certificate %d over %s at %s (%v)", got, proto, p.url, err)
	}
	write(t, key, "no key")
	p.signal(syscall.SIGHUP)
	eventually(t, "the log says that the pair is bad", func() error {
		if !strings.Contains(p.log.String(), "still using the previous one") {
			return errors.New(p.log.String())
		}
		return nil
	})
	if got, _, err := serial(); err != nil || got != 1 {
		t.Errorf("with a bad pair: certificate %d (%v)", got, err)
	}
	pair(t, cert, key, 2)
	p.signal(syscall.SIGHUP)
	eventually(t, "the new certificate is in use", func() error {
		got, _, err := serial()
		if err == nil && got != 2 {
			err = fmt.Errorf("certificate %d", got)
		}
		return err
	})
	p.stop()
	if c := runCommand(t, "serve", "-tls-cert", cert, "-tls-key", dir, "-addr", "127.0.0.1:0", "-db", filepath.Join(dir, "s.db")); c.err == nil || !strings.Contains(c.out, "read the certificate") {
		t.Errorf("a bad key: %s", c.out)
	}
}

// strictTransport returns how long browsers are told to keep to HTTPS.
func strictTransport(t *testing.T, url string) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Strict-Transport-Security")
}

// TestNamesOfTheProgram: the certificate's names are known without a flag, those of -hosts
// with one, and no others, wherever it listens.
func TestNamesOfTheProgram(t *testing.T) {
	checkAnswers(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair(t, cert, key, 1)
	p := startProgram(t, "-db", filepath.Join(dir, "r.db"), "-tls-cert", cert, "-tls-key", key,
		"-hosts", "directory.example.org", "-metrics", "127.0.0.1:0", "-pprof", "127.0.0.1:0")
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	status := func(url, host, site string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	aside := operator(t, &p.log)
	for _, url := range []string{p.url + "/api/v1/users", p.url + "/healthz", aside + "/metrics", aside + "/debug/pprof/cmdline"} {
		for host, want := range map[string]int{
			"localhost": 200, "127.0.0.1:1": 200, "[::1]": 200, "directory.example.org": 200, "named.example.org": 200,
			"evil.example": 421, "localhost.evil.example": 421,
		} {
			if got := status(url, host, ""); got != want {
				t.Errorf("%s as %s: %d, want %d", url, host, got, want)
			}
		}
		if got := status(url, "localhost", "cross-site"); got != 403 {
			t.Errorf("%s from another site: %d", url, got)
		}
	}
	p.stop()
}

// TestCertificateFilesChange: without a signal, changed files are noticed.
func TestCertificateFilesChange(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair(t, cert, key, 1)
	c, err := listen.LoadCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if c.Changed() {
		t.Error("unchanged files look changed")
	}
	pair(t, cert, key, 2)
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if !c.Changed() {
		t.Fatal("changed files look unchanged")
	}
	c.Reload(slog.New(slog.DiscardHandler))
	if got, err := c.Config().GetCertificate(nil); err != nil || got.Leaf.SerialNumber.Int64() != 2 || c.Changed() {
		t.Errorf("certificate %v (%v)", got.Leaf.SerialNumber, err)
	}
}

// TestLogAndProfiles: the log is JSON with request ids, and profiles are served on
// their own address, not on the server's.
func TestLogAndProfiles(t *testing.T) {
	p := startProgram(t, "-db", filepath.Join(t.TempDir(), "r.db"), "-log-format", "json", "-log-level", "debug", "-pprof", "localhost:0")
	if status, _ := get(t, p.url+"/debug/pprof/cmdline"); status == 200 {
		t.Error("profiles are served to everybody")
	}
	r, err := http.NewRequest("GET", p.url+"/api/v1/users", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "mine-7")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	get(t, p.url+"/healthz")
	profiles := ""
	eventually(t, "the log has it", func() error {
		var mine, health bool
		for line := range strings.Lines(p.log.String()) {
			var entry struct{ Time, Level, Msg, Request, Method, Path, URL string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				return fmt.Errorf("%q: %w", line, err)
			}
			mine = mine || entry.Request == "mine-7" && entry.Path == "/api/v1/users" && entry.Level == "INFO" && entry.Method == "GET"
			health = health || entry.Path == "/healthz" && entry.Level == "DEBUG"
			if entry.Msg == "serving the operator" {
				profiles = entry.URL + "/debug/pprof/"
			}
		}
		if !mine || !health || profiles == "" {
			return errors.New(p.log.String())
		}
		return nil
	})
	if status, body := get(t, profiles+"cmdline"); status != 200 || !bytes.Contains(body, []byte("serve")) {
		t.Errorf("%scmdline: %d %s", profiles, status, body)
	}
	p.stop()
}

// deadlines are those by which a server's connections must have sent something. They pass
// when a test says so, so that no machine is too slow for it.
type deadlines struct {
	net.Listener
	mu     sync.Mutex
	passed bool
	conns  []*awaited
}

// awaited is a connection whose deadline is no time.
type awaited struct {
	net.Conn
	of       *deadlines
	deadline time.Time
}

func (d *deadlines) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &awaited{Conn: c, of: d}
	d.conns = append(d.conns, a)
	return a, nil
}

// pass lets the deadlines pass, and those that are set from then on.
func (d *deadlines) pass() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed = true
	for _, c := range d.conns {
		if err := c.apply(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}

// SetReadDeadline keeps a deadline in the future; one in the past ends a read at once.
func (c *awaited) SetReadDeadline(at time.Time) error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.deadline = at
	return c.apply()
}

func (c *awaited) apply() error {
	switch {
	case c.deadline.IsZero() || c.deadline.Before(time.Now()):
		return c.Conn.SetReadDeadline(c.deadline)
	case c.of.passed:
		return c.Conn.SetReadDeadline(time.Now())
	default:
		return c.Conn.SetReadDeadline(time.Time{})
	}
}

// occupy opens connections that send part of a request, or nothing at all.
func occupy(t *testing.T, address string, n int) []net.Conn {
	t.Helper()
	var slow []net.Conn
	for i := range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		text := []string{"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf a body"}[i%3]
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	return slow
}

// TestSlowClients: clients that send their header byte by byte, or nothing at all,
// are ended after a while; meanwhile and with all places of their address taken,
// others are served.
func TestSlowClients(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, err := listen.TCP(ctx, "127.0.0.1:0", listen.Limits{Total: 100, PerNetwork: 8, Exempt: func(a netip.Addr) bool {
		return a != netip.MustParseAddr("127.0.0.1") // the others come from 127.0.0.2
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), slog.New(slog.DiscardHandler))
	due := &deadlines{Listener: l}
	done := make(chan error, 1)
	go func() { done <- serve(ctx, due, server, slog.New(slog.DiscardHandler)) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	slow := occupy(t, l.Addr().String(), 8)
	eventually(t, "all places of the address are taken", func() error {
		if n := l.Open(); n != 8 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
	ninth, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ninth.Close() }()
	if n, err := ninth.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("one connection too many was served")
	}
	if l.Refused() != 1 {
		t.Errorf("%d refused, want 1", l.Refused())
	}
	other := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext}
	defer other.CloseIdleConnections()
	resp, err := (&http.Client{Transport: other, Timeout: time.Minute}).Post("http://"+l.Addr().String(), "text/plain", strings.NewReader("echo"))
	if err != nil {
		t.Fatalf("another client is not served: %v", err)
	}
	_ = resp.Body.Close()
	if err := due.pass(); err != nil {
		t.Fatal(err)
	}
	for i, c := range slow {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("slow client %d was never ended", i)
		}
	}
	eventually(t, "their places are free", func() error {
		if n := l.Open(); n > 1 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
}

// TestConnectionsAreBounded: more connections than may exist wait, and are served
// when others end.
func TestConnectionsAreBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, err := listen.TCP(ctx, "127.0.0.1:0", listen.Limits{Total: 3, PerNetwork: 1, Exempt: netip.Addr.IsLoopback})
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l, server, slog.New(slog.DiscardHandler)) }()
	var held []net.Conn
	for range 3 { // this machine's own don't count by address
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	eventually(t, "all places are taken", func() error {
		if n := l.Open(); n != 3 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
	answer := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Errorf("a fourth connection was served (%v)", err)
	case <-time.After(200 * time.Millisecond):
	}
	for _, c := range held {
		_ = c.Close()
	}
	if err := <-answer; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestHeaders: a header that is too long is refused before anybody reads it.
func TestHeaders(t *testing.T) {
	s := start(t, "-db", filepath.Join(t.TempDir(), "r.db"))
	plain := &http.Client{Transport: http.DefaultTransport} // nobody of ours sees such a request, so the contract has no say
	for size, want := range map[int]int{20 << 10: 200, 64 << 10: 431} {
		r, err := http.NewRequest("GET", s.url+"/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", size))
		resp, err := plain.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a header of %d bytes: %d, want %d", size, resp.StatusCode, want)
		}
	}
}

// TestChangesOfOtherProcesses: streams are notified of what another process writes.
func TestChangesOfOtherProcesses(t *testing.T) {
	db := filepath.Join(t.TempDir(), "r.db")
	s := start(t, "-db", db)
	resp, err := http.Get(s.url + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				return id
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	first := next()
	runCommand(t, "seed", "-db", db, "-n", "3").says("added 3")
	if second := next(); second == first {
		t.Error("notified without a change")
	}
	_, body := get(t, s.url+"/api/v1/users")
	if n := strings.Count(string(body), `"id"`); n != 3 {
		t.Errorf("%d users are listed", n)
	}
}

// TestMetricsOfTheProgram: the operator's metrics are there, and move.
func TestMetricsOfTheProgram(t *testing.T) {
	s := start(t, "-db", filepath.Join(t.TempDir(), "r.db"), "-metrics", "127.0.0.1:0")
	if got := post(s.url+"/api/v1/users", strings.NewReader(`{"name":"A","email":"a@example.org"}`)); got != "201 Created" {
		t.Fatal(got)
	}
	_, body := get(t, operator(t, &s.log)+"/metrics")
	for name, least := range map[string]float64{
		`rollcall_group_size_count{of="requests"}`: 1, `rollcall_group_size_sum{of="writes"}`: 1, "rollcall_commit_seconds_count": 1,
		"rollcall_feed_lag_seconds_count": 0, "rollcall_streams": 0, `rollcall_queue_depth{queue="writes"}`: 0, `rollcall_queue_depth{queue="reads"}`: 0,
		"rollcall_connections": 1, "rollcall_connections_refused": 0, "rollcall_held_bytes": 0, `rollcall_rate_limited_total{by="client"}`: 0,
		"process_open_fds": 1, "go_goroutines": 1,
	} {
		_, rest, there := strings.Cut("\n"+string(body), "\n"+name+" ")
		text, _, _ := strings.Cut(rest, "\n")
		if v, err := strconv.ParseFloat(text, 64); !there || err != nil || v < least {
			t.Errorf("%s is %q, want at least %v", name, text, least)
		}
	}
	if !strings.Contains(string(body), `rollcall_build_info{version="`) {
		t.Error("the build is missing")
	}
}
