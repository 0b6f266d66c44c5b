//go:build e2e

package e2e_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// publicName is what people call the site behind nginx, here and in OPERATIONS.
const publicName = "directory.example.org"

// insecure is what browsers say of a page on plain HTTP.
const insecure = "Cross-Origin-Opener-Policy header has been ignored"

// asItComes is nginx with proxy_pass alone.
const asItComes = `server {
	listen 443 ssl http2;
	ssl_certificate /etc/ssl/directory.pem;
	ssl_certificate_key /etc/ssl/directory.key;
	location / { proxy_pass http://127.0.0.1:8080; }
}`

// documented returns the configuration that OPERATIONS shows.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("OPERATIONS shows no configuration of nginx")
	}
	return string(block[1])
}

// startNginx starts nginx in front of a site, with or without TLS.
func startNginx(t *testing.T, site *harness.Site, config string, tls bool) *harness.Nginx {
	t.Helper()
	replace := []string{
		"http://127.0.0.1:8080", site.Server.URL(), "listen 443 ", "listen ADDRESS ",
		"/etc/ssl/directory.pem", "CERTIFICATE", "/etc/ssl/directory.key", "KEY",
	}
	if !tls {
		config = regexp.MustCompile(`(?m)^\s*ssl_.*\n`).ReplaceAllString(config, "")
		replace = append(replace[:2:2], "listen 443 ssl http2", "listen ADDRESS")
	}
	return harness.StartNginx(t, strings.NewReplacer(replace...).Replace(config))
}

// TestBehindNginx: what a person does, news over the event stream, and background sync.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	for _, config := range []struct {
		name, text string
		flags      []string
	}{
		{"as it comes", asItComes, nil},
		{"as documented", documented(t), []string{"-hosts", publicName}},
	} {
		for _, at := range []struct {
			name, origin string
			tls          bool
		}{
			{"HTTP", "http://localhost:", false},
			{"TLS", "https://" + publicName + ":", true},
		} {
			t.Run(config.name+" over "+at.name, func(t *testing.T) {
				site := harness.NewSite(t, binary(t), config.flags...)
				nginx := startNginx(t, site, config.text, at.tls)
				behindNginx(t, site, nginx, at.origin+nginx.Port())
			})
		}
	}
}

func behindNginx(t *testing.T, site *harness.Site, nginx *harness.Nginx, origin string) {
	addThree(site)
	b := harness.OpenBrowserAt(t, publicName)
	users := openUsers(t, b, origin)
	users.hasState("Ann Archer", "")
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org"})
	users.hasState("Dora Dent", "")
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	users.remove("Carl Cole")
	users.WaitQueueEmpty()
	users.matchesServer(site)

	// The stream says that it is open, and then what others do.
	harness.Eval[bool](users.Page, `new Promise((resolve, reject) => {
		window.heard = 0;
		const stream = new EventSource("/api/v1/events");
		stream.onerror = () => reject(new Error("the stream broke"));
		stream.addEventListener("change", () => { window.heard++; resolve(true); });
	})`)
	heard := harness.Eval[int](users.Page, `window.heard`)
	site.Add(harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"})
	users.hasState("Zed Zimmer", "")
	harness.Eventually(t, "the stream tells it", func() error {
		if got := harness.Eval[int](users.Page, `window.heard`); got <= heard {
			return harness.Equal("events", got, heard+1)
		}
		return nil
	})

	// With all tabs closed, the service worker sends what waited for nginx.
	before := site.Changes()
	nginx.Stop()
	users.edit("Ann Archer", harness.Person{Bio: "Draws"})
	users.hasState("Ann Archer", "Pending")
	registered(t, users)
	users.Close()
	nginx.Start()
	harness.EventuallyWithin(t, retries, "the service worker delivers the work", func() error {
		return harness.Equal("changes", site.Changes()-before, 1)
	})
}

// TestPlainHTTPBehindNginx: without HTTPS, browsers don't say where a request comes from.
// With proxy_pass alone, the server does not learn its name either, and refuses writes in
// words that name the flag.
func TestPlainHTTPBehindNginx(t *testing.T) {
	t.Parallel()
	write := `fetch("/api/v1/users", {method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({name: "Ann", email: crypto.getRandomValues(new Uint32Array(1))[0] + "@example.org"}),
	}).then(async (r) => r.status + " " + await r.text())`
	for _, test := range []struct {
		name, config string
		flags        func(origin string) []string
		status, says string
	}{
		{"as it comes", asItComes, func(string) []string { return nil }, "403", "-origins"},
		{"as it comes, with its origin", asItComes, func(origin string) []string { return []string{"-origins", origin} }, "201", ""},
		{"as documented", documented(t), func(string) []string { return []string{"-hosts", publicName} }, "201", ""},
		{"as documented, without its name", documented(t), func(string) []string { return nil }, "421", "-hosts " + publicName},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			nginx := startNginx(t, site, test.config, false)
			origin := "http://" + publicName + ":" + nginx.Port()
			site.Restart(test.flags(origin)...)
			page := harness.OpenBrowserAt(t, publicName).Open(origin + "/healthz")
			page.Allow(insecure)
			got := harness.Eval[string](page, write)
			if !strings.HasPrefix(got, test.status+" ") || !strings.Contains(got, test.says) {
				t.Errorf("a write is answered %q", got)
			}
		})
	}
}
