//go:build e2e

package harness_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// fixture is a page with elements for the harness to find.
const fixture = `<!doctype html><title>Fixture</title>
<h1>Fixture</h1>
<button onclick="document.querySelector('dialog').showModal()">Open form</button>
<dialog aria-label="The form"><form method="dialog">
	<label>Name <input></label>
	<button onclick="document.querySelector('output').value = document.querySelector('input').value">Save</button>
</form></dialog>
<output></output>
<button disabled>Never</button>
<script>
	const worker = new Worker("/worker.js");
	const online = () => new Promise((done) => { worker.onmessage = (e) => done(e.data); worker.postMessage("online"); });
	const ask = () => new Promise((done) => { worker.onmessage = (e) => done(e.data); worker.postMessage(0); });
</script>`

const workerScript = `onmessage = async (e) => {
	if (e.data === "online") return postMessage(navigator.onLine);
	try {
		const r = await fetch("/api/ping", {method: "POST", body: "{}"});
		await r.text();
		postMessage(r.status);
	} catch { postMessage(0); }
}`

func site(t *testing.T) (*harness.Proxy, *int) {
	t.Helper()
	pings := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, workerScript)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			pings++
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, fixture)
		}
	}))
	t.Cleanup(srv.Close)
	return harness.StartProxy(t, srv.URL), &pings
}

func TestElementsAreFoundByRoleAndName(t *testing.T) {
	proxy, _ := site(t)
	p := harness.OpenBrowser(t).Open(proxy.URL() + "/")
	p.See("heading", "Fixture")
	if p.Has("textbox", "Name") {
		t.Error("a field in a closed dialog is found")
	}
	p.Click("button", "Open form")
	p.See("dialog", "The form")
	if p.Has("button", "Open form") {
		t.Error("a button behind a modal dialog is found")
	}
	p.Fill("textbox", "Name", "Ann")
	p.Fill("textbox", "Name", "Bob")
	p.Click("button", "Save")
	p.Gone("dialog", "The form")
	p.SeeText("Bob")
}

func TestNetworkFailsForPagesAndWorkers(t *testing.T) {
	proxy, pings := site(t)
	b := harness.OpenBrowser(t)
	p := b.Open(proxy.URL() + "/")
	answers := func(want int) {
		t.Helper()
		harness.Eventually(t, "the worker's request ends", func() error {
			return harness.Equal("the status", harness.Eval[int](p, `ask()`), want)
		})
	}
	answers(200)
	b.WaitWorkers(proxy.URL(), 1)
	b.Offline(proxy, true)
	answers(0)
	if harness.Eval[bool](p, `online()`) {
		t.Error("the worker believes to be online")
	}
	if harness.Eval[bool](p, `navigator.onLine`) {
		t.Error("the page believes to be online")
	}
	b.Offline(proxy, false)
	answers(200)

	before := *pings
	proxy.CutAnswers(1, func(r *http.Request) bool { return r.Method == http.MethodPost })
	answers(0)
	if proxy.Cuts() != 1 || *pings != before+1 {
		t.Errorf("%d answers were cut after %d requests", proxy.Cuts(), *pings-before)
	}
	answers(200)
	if n := len(proxy.Requests(http.MethodPost, "/api/ping")); n < 4 {
		t.Errorf("the proxy noted %d requests", n)
	}
}

func TestProfileOutlivesItsBrowser(t *testing.T) {
	proxy, _ := site(t)
	b := harness.OpenBrowser(t)
	p := b.Open(proxy.URL() + "/")
	write := `new Promise((done, fail) => {
		const open = indexedDB.open("rollcall", 1);
		open.onupgradeneeded = () => open.result.createObjectStore("operations", {autoIncrement: true});
		open.onerror = () => fail(open.error);
		open.onsuccess = () => {
			const tx = open.result.transaction("operations", "readwrite", {durability: "strict"});
			tx.objectStore("operations").put({id: %q});
			tx.oncomplete = () => { open.result.close(); done(true); };
		};
	})`
	harness.Eval[bool](p, fmt.Sprintf(write, "first"))
	if n := p.Queued(); n != 1 {
		t.Fatalf("%d records", n)
	}
	b = harness.OpenProfile(t, b.Kill())
	p = b.Open(proxy.URL() + "/")
	if n := p.Queued(); n != 1 {
		t.Errorf("%d records after SIGKILL", n)
	}
	harness.Eval[bool](p, fmt.Sprintf(write, "second"))
	b = b.Restart()
	if n := b.Open(proxy.URL() + "/").Queued(); n != 2 {
		t.Errorf("%d records after a restart", n)
	}
}
