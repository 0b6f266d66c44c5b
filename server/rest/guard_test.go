package rest_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/origin"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/store/memory"
)

// guarded is the HTTP interface of a server with a name, behind a proxy at 10.0.0.1, and its
// log.
func guarded(t *testing.T) (http.Handler, *bytes.Buffer) {
	t.Helper()
	hosts, err := origin.ParseHosts("directory.example.org")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := origin.NewPolicy(hosts, "")
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := rest.ParseProxies("10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	hub, log := feed.NewHub(), new(bytes.Buffer)
	hub.Close() // so that event streams end
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the app")) })
	return rest.New(rest.Config{
		Store: memory.New(memory.Options{}), Hub: hub, Static: site, Policy: policy, Limits: rest.Limits{Proxies: proxies},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}), log
}

func TestGuard(t *testing.T) {
	h, _ := guarded(t)
	const body = `{"name":"A","email":"a@example.org"}`
	for _, test := range []struct {
		name           string
		method, target string // with the host
		from           string
		header         []string
		status         int
	}{
		{"a plain client", "GET", "http://localhost:8080/api/v1/users", "", nil, 200},
		{"a rebound name", "GET", "http://evil.example:8080/api/v1/users", "", []string{"Sec-Fetch-Site", "same-origin"}, 421},
		{"a rebound name, and its app", "GET", "http://evil.example:8080/", "", nil, 421},
		{"a rebound name, and its health", "GET", "http://evil.example:8080/healthz", "", nil, 421},
		{"a rebound name that poses as a proxy", "GET", "http://evil.example/api/v1/users", "127.0.0.1:1", []string{"X-Forwarded-Host", "localhost"}, 421},
		{"a rebound name that writes", "POST", "http://evil.example/api/v1/users", "", []string{"Origin", "http://evil.example"}, 421},
		{"an event stream for another site", "GET", "http://localhost/api/v1/events", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a link to the API from another site", "GET", "http://localhost/api/v1/users", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"a link to the app from another site", "GET", "http://localhost/users/1", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{"the app in another site's frame", "GET", "http://localhost/", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"what the proxy was asked for", "POST", "http://127.0.0.1:8080/api/v1/users", "10.0.0.1:1", []string{"Origin", "http://directory.example.org", "X-Forwarded-Host", "evil.example, directory.example.org"}, 201},
		{"what a stranger says it was asked for", "POST", "http://127.0.0.1:8080/api/v1/users", "10.0.0.2:1", []string{"Origin", "http://directory.example.org", "X-Forwarded-Host", "directory.example.org"}, 403},
		{"a rebound name through the proxy", "GET", "http://127.0.0.1:8080/api/v1/users", "10.0.0.1:1", []string{"X-Forwarded-Host", "evil.example"}, 421},
	} {
		r := httptest.NewRequest(test.method, test.target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(test.header); i += 2 {
			r.Header.Set(test.header[i], test.header[i+1])
		}
		if test.from != "" {
			r.RemoteAddr = test.from
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: %d %s", test.name, w.Code, w.Body)
		}
		if w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: other sites may embed the answer", test.name)
		}
	}
}

// TestRefusalsAreLoggedOnceInAWhile: the operator learns which flag to set, and a page that
// asks a thousand times does not fill the disk.
func TestRefusalsAreLoggedOnceInAWhile(t *testing.T) {
	h, log := guarded(t)
	for range 100 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://evil.example/", http.NoBody))
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "-hosts evil.example") {
		t.Errorf("%d warnings for 100 refusals:\n%.2000s", n, log)
	}
}

// TestAFloodIsLoggedOnce: what is over a rate is refused without an end.
func TestAFloodIsLoggedOnce(t *testing.T) {
	hub, log := feed.NewHub(), new(bytes.Buffer)
	defer hub.Close()
	h := rest.New(rest.Config{Store: memory.New(memory.Options{}), Hub: hub, Log: slog.New(slog.NewTextHandler(log, nil)),
		Limits: rest.Limits{Address: limit.Rate{PerSecond: 0.001, Burst: 3}}})
	for range 100 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v1/users", http.NoBody))
	}
	if n := strings.Count(log.String(), "\n"); n != 4 || strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), "192.0.2.1") {
		t.Errorf("%d lines for 3 requests and 97 refusals, want one for all refusals, with the network:\n%.2000s", n, log)
	}
}

// TestTheLogTakesNoMoreThanALine: whatever a client asks for.
func TestTheLogTakesNoMoreThanALine(t *testing.T) {
	h, log := guarded(t)
	for _, target := range []string{
		"/" + strings.Repeat("a", 30_000), "/%0a%1b[31m%e2%80%ae%00", "/api/" + strings.Repeat("%0a", 10_000), "/\u202e\u2028",
	} {
		for _, method := range []string{"GET", strings.Repeat("LONG", 5_000)} {
			log.Reset()
			r := httptest.NewRequest("GET", "http://localhost/", http.NoBody)
			u, err := r.URL.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			r.URL, r.Method = u, method
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			line := strings.TrimSuffix(log.String(), "\n")
			if len(line) > 800 || strings.Trim(line, visible) != "" {
				t.Errorf("the log of %.40q has %d bytes: %.900q", target, len(line), line)
			}
			if w.Body.Len() > 800 {
				t.Errorf("the answer to %.40q repeats it: %d bytes", target, w.Body.Len())
			}
		}
	}
}

// visible are the characters of ASCII that move no cursor, and the one in microseconds.
var visible = func() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String() + "µ"
}()

func TestOnlyHTTPSIsKept(t *testing.T) {
	h, _ := guarded(t)
	for target, want := range map[string]bool{
		"https://directory.example.org/": true, "https://directory.example.org/api/v1/users": true, "https://directory.example.org/healthz": true,
		"http://directory.example.org/": false,
		"https://localhost:8443/":       false, // it would hold for each program on the machine
	} {
		r := httptest.NewRequest("GET", target, http.NoBody)
		if strings.HasPrefix(target, "https:") {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); (got == "max-age=31536000") != want {
			t.Errorf("%s: Strict-Transport-Security %q", target, got)
		}
	}
}
