//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestDNSRebinding: a page whose name leads to this machine, after it has loaded, is of one
// origin with the server to the browser. It may do nothing at the server all the same.
func TestDNSRebinding(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	_, port, _ := strings.Cut(strings.TrimPrefix(site.URL(), "http://"), ":")
	// The attacker's own server has answered for this path; from then on the name leads here.
	site.Proxy.Serve("/debug/evil", "text/html", []byte("<!doctype html><title>Evil</title>"))
	before := site.Changes()
	page := harness.OpenBrowserAt(t, "evil.example").Open("http://evil.example:" + port + "/debug/evil")
	page.Allow(insecure)
	post := `method: "POST", headers: {"Content-Type": "application/json"}, body: `
	for name, request := range map[string]string{
		"read the list":     `fetch("/api/v1/users")`,
		"read the feed":     `fetch("/api/v1/changes")`,
		"read one":          `fetch("/api/v1/users/` + ann + `")`,
		"create":            `fetch("/api/v1/users", {` + post + `'{"name":"Eve","email":"eve@example.org"}'})`,
		"send a batch":      `fetch("/api/v1/operations", {` + post + `'{"clientId":"5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11","operations":[]}'})`,
		"change":            `fetch("/api/v1/users/` + ann + `", {method: "PATCH", headers: {"Content-Type": "application/json", "If-Match": "*"}, body: '{"name":"Eve"}'})`,
		"delete":            `fetch("/api/v1/users/` + ann + `", {method: "DELETE", headers: {"If-Match": "*"}})`,
		"pose as a proxy":   `fetch("/api/v1/users", {headers: {"X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1"}})`,
		"load the app":      `fetch("/")`,
		"hear from a probe": `fetch("/healthz")`,
	} {
		got := harness.Eval[string](page, request+`.then(async (r) => r.status + " " + await r.text())`)
		if !strings.HasPrefix(got, "421 ") || !strings.Contains(got, "unknown_host") || strings.Contains(got, "Ann") {
			t.Errorf("it may %s: %s", name, got)
		}
	}
	if got := harness.Eval[string](page, streamOf("/api/v1/events")); got != "closed" {
		t.Errorf("the event stream is %s", got)
	}
	if n := site.Changes() - before; n != 0 {
		t.Errorf("%d changes were made", n)
	}
}

// streamOf is a promise of what becomes of an event stream.
func streamOf(address string) string {
	return fmt.Sprintf(`new Promise((resolve) => {
		const stream = new EventSource(%q);
		stream.onopen = () => { stream.close(); resolve("open"); };
		stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) resolve("closed"); };
	})`, address)
}

// attacker is a site that attacks others from its pages.
func attacker(t *testing.T) (port string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Attacker</title><iframe name=sink></iframe>")) // the browser may be gone
	}))
	t.Cleanup(s.Close)
	_, port, _ = strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	return port
}

// attacks are scripts that a page of another site can run against TARGET, by the method and
// path that reach the server. Each is a promise of what the page learns: "" for nothing.
var attacks = []struct{ name, method, path, script string }{
	{"a form", "POST", "/api/v1/users", `(() => {
		const form = document.createElement("form");
		Object.assign(form, {action: "TARGET/api/v1/users", method: "post", enctype: "text/plain", target: "sink"});
		const field = document.createElement("input");
		field.name = '{"name":"Eve","email":"eve@example.org","bio":"'; field.value = '"}';
		form.append(field); document.body.append(form); form.submit();
		return "";
	})()`},
	{"a no-cors write", "POST", "/api/v1/users",
		`fetch("TARGET/api/v1/users", {method: "POST", mode: "no-cors", body: '{"name":"Eve","email":"eve@example.org"}'}).then((r) => r.text(), () => "")`},
	{"a beacon", "POST", "/api/v1/operations",
		`navigator.sendBeacon("TARGET/api/v1/operations", '{"operations":[]}') ? "" : "not sent"`},
	{"a write with a preflight", "OPTIONS", "/api/v1/users",
		`fetch("TARGET/api/v1/users", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"name":"Eve","email":"eve@example.org"}'}).then((r) => r.text(), () => "")`},
	{"a deletion", "OPTIONS", "/api/v1/users/ANN",
		`fetch("TARGET/api/v1/users/ANN", {method: "DELETE", headers: {"If-Match": "*"}}).then((r) => r.text(), () => "")`},
	{"a read", "GET", "/api/v1/users", `fetch("TARGET/api/v1/users").then((r) => r.text(), () => "")`},
	{"an event stream", "GET", "/api/v1/events", `STREAM.then((s) => s === "closed" ? "" : s)`},
}

// blind are those whose requests don't say in Origin that they come from a page.
var blind = []struct{ name, method, path, script string }{
	{"a no-cors read", "GET", "/api/v1/changes", `fetch("TARGET/api/v1/changes", {mode: "no-cors"}).then((r) => r.text(), () => "")`},
	{"an image", "GET", "/api/v1/users", element("img", "src", "/api/v1/users")},
	{"a script", "GET", "/api/v1/users", element("script", "src", "/api/v1/users")},
	{"a style", "GET", "/api/v1/users", `(() => { const l = document.createElement("link"); l.rel = "stylesheet"; l.href = "TARGET/api/v1/users";
		return new Promise((resolve) => { l.onload = () => resolve("loaded"); l.onerror = () => resolve(""); document.body.append(l); }); })()`},
	{"a frame", "GET", "/api/v1/users/ANN", `(() => { const f = document.createElement("iframe"); f.src = "TARGET/api/v1/users/ANN";
		return new Promise((resolve) => { f.onload = () => { try { resolve(f.contentDocument.body.innerText); } catch { resolve(""); } }; document.body.append(f); }); })()`},
}

func element(tag, attribute, path string) string {
	return fmt.Sprintf(`new Promise((resolve) => {
		const e = document.createElement(%q);
		e.onload = () => resolve("loaded"); e.onerror = () => resolve("");
		e[%q] = "TARGET%s"; document.body.append(e);
	})`, tag, attribute, path)
}

// TestCrossSiteRequests: what a page of another site may send, reads nothing and changes
// nothing; and the server refuses it, where it can be told.
func TestCrossSiteRequests(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{
		"where browsers say the site": true,
		"on plain HTTP":               false, // there they say an Origin at most
	} {
		t.Run(name, func(t *testing.T) {
			site := harness.NewSite(t, binary(t), "-hosts", publicName)
			ann, _, _ := addThree(site)
			target := site.URL()
			if !secure {
				target = strings.Replace(target, "127.0.0.1", publicName, 1)
			}
			before := site.Changes()
			b := harness.OpenBrowserAt(t, "attacker.example", publicName)
			page := b.Open("http://attacker.example:" + attacker(t) + "/")
			page.Allow("")
			fill := strings.NewReplacer("STREAM", streamOf(target+"/api/v1/events"), "TARGET", target, "ANN", ann)
			for i, a := range append(attacks[:len(attacks):len(attacks)], blind...) {
				site.Proxy.ResetRequests()
				if learned := harness.Eval[string](page, fill.Replace(a.script)); learned != "" {
					t.Errorf("%s learns %q", a.name, learned)
				}
				if i >= len(attacks) && !secure {
					continue // like a plain client's; the browser keeps the answer from the page
				}
				harness.Eventually(t, a.name+" is refused", func() error {
					for _, r := range site.Proxy.Requests(a.method, fill.Replace(a.path)) {
						if r.Status != 0 {
							return harness.Equal("its status", r.Status, http.StatusForbidden)
						}
					}
					return errors.New("it has no answer")
				})
			}
			if n := site.Changes() - before; n != 0 {
				t.Errorf("%d changes were made", n)
			}
			if secure {
				page.Close()
				linked(t, b, target)
			}
		})
	}
}

// linked follows a link from another site to the app.
func linked(t *testing.T, b *harness.Browser, target string) {
	t.Helper()
	page := b.Open("http://attacker.example:" + attacker(t) + "/")
	page.Allow("")
	harness.Eval[string](page, fmt.Sprintf(`(() => { const a = document.createElement("a"); a.href = %q; document.body.append(a); a.click(); return ""; })()`, target+"/"))
	page.SeeText("Ann Archer")
}
