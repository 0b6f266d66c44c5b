package static_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/static"
)

func site() fstest.MapFS {
	f := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"assets.json": f(`{"version":"v1","files":{
			"/": {"type":"text/html; charset=utf-8","size":6,"immutable":false,"encodings":["br","gzip"]},
			"/sw.js": {"type":"text/javascript; charset=utf-8","size":2,"immutable":false,"encodings":[]},
			"/assets/app.0a.wasm": {"type":"application/wasm","size":9,"immutable":true,"encodings":["br","gzip"]}}}`),
		"index.html": f("<html>"), "index.html.br": f("hb"), "index.html.gz": f("hg"),
		"sw.js":              f("sw"),
		"assets/app.0a.wasm": f("wasm-wasm"), "assets/app.0a.wasm.br": f("wb"), "assets/app.0a.wasm.gz": f("wgz"),
		"secret.txt": f("not in the manifest"),
	}
}

func newHandler(t *testing.T) *static.Handler {
	t.Helper()
	h, err := static.New(site())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	return body
}

func TestNegotiation(t *testing.T) {
	h := newHandler(t)
	for _, test := range []struct{ accept, coding, body string }{
		{"br", "br", "wb"},
		{"gzip, deflate, br, zstd", "br", "wb"},
		{"gzip", "gzip", "wgz"},
		{"x-gzip", "gzip", "wgz"},
		{"GZIP;q=0.5", "gzip", "wgz"},
		{"br;q=0.5, gzip;q=0.9", "gzip", "wgz"},
		{"br; q=0, gzip", "gzip", "wgz"},
		{"identity, br;q=0.5", "", "wasm-wasm"},
		{"*", "br", "wb"},
		{"*;q=0.1, gzip;q=0.2", "gzip", "wgz"},
		{"br;q=oops", "", "wasm-wasm"},
		{"deflate", "", "wasm-wasm"},
		{"", "", "wasm-wasm"},
	} {
		r := ask(h, "GET", "/assets/app.0a.wasm", "Accept-Encoding", test.accept)
		if got := r.Header.Get("Content-Encoding"); r.StatusCode != 200 || got != test.coding || bodyOf(t, r) != test.body {
			t.Errorf("Accept-Encoding %q: %d %q", test.accept, r.StatusCode, got)
		}
		if r.Header.Get("Vary") != "Accept-Encoding" || r.Header.Get("X-Uncompressed-Length") != "9" {
			t.Errorf("Accept-Encoding %q: header %v", test.accept, r.Header)
		}
	}
	if r := ask(h, "GET", "/assets/app.0a.wasm?coding=identity", "Accept-Encoding", "br"); r.Header.Get("Content-Encoding") != "" || bodyOf(t, r) != "wasm-wasm" {
		t.Errorf("asked for the plain file: header %v", r.Header)
	}
	if r := ask(h, "GET", "/assets/app.0a.wasm"); bodyOf(t, r) != "wasm-wasm" {
		t.Error("a client without Accept-Encoding gets an encoded file")
	}
	for _, refuses := range []string{"identity;q=0", "*;q=0", "zstd, identity;q=0"} {
		if r := ask(h, "GET", "/assets/app.0a.wasm", "Accept-Encoding", refuses); r.StatusCode != 406 {
			t.Errorf("Accept-Encoding %q: %d, want 406", refuses, r.StatusCode)
		}
	}
}

func TestCaching(t *testing.T) {
	h := newHandler(t)
	tags := map[string]string{}
	for _, test := range []struct{ path, accept, cache string }{
		{"/assets/app.0a.wasm", "br", "public, max-age=31536000, immutable, no-transform"},
		{"/assets/app.0a.wasm", "", "public, max-age=31536000, immutable, no-transform"},
		{"/sw.js", "br", "no-cache, no-transform"},
		{"/", "br", "no-cache, no-transform"},
		{"/", "", "no-cache, no-transform"},
	} {
		r := ask(h, "GET", test.path, "Accept-Encoding", test.accept)
		tag := r.Header.Get("ETag")
		if got := r.Header.Get("Cache-Control"); got != test.cache || tag == "" {
			t.Errorf("%s: Cache-Control %q, ETag %q", test.path, got, tag)
		}
		if other, taken := tags[tag]; taken {
			t.Errorf("%s %s has the tag of %s", test.path, test.accept, other)
		}
		tags[tag] = test.path + " " + test.accept
		r = ask(h, "GET", test.path, "Accept-Encoding", test.accept, "If-None-Match", `"x", W/`+tag)
		if r.StatusCode != 304 || r.ContentLength > 0 || r.Header.Get("ETag") != tag || r.Header.Get("Cache-Control") != test.cache {
			t.Errorf("%s again: %d %v", test.path, r.StatusCode, r.Header)
		}
	}
}

// TestAPatchOfTheProgram: who has an earlier version gets the patch from it, and anybody
// else the whole file.
func TestAPatchOfTheProgram(t *testing.T) {
	h := newHandler(t)
	programs, err := h.Programs()
	if err != nil || len(programs) != 1 || string(programs["app.0a.wasm"]) != "wgz" {
		t.Errorf("the programs are %q (%v)", programs, err)
	}
	const url = "/assets/app.0a.wasm?from="
	if r := ask(h, "GET", url+"0b", "Accept-Encoding", "br"); bodyOf(t, r) != "wb" {
		t.Error("there is a patch before any was offered")
	}
	change := strings.Repeat("change ", 100)
	if err := h.Offer(map[string][]byte{"0b": []byte(change)}); err != nil {
		t.Fatal(err)
	}
	for accept, coding := range map[string]string{"": "", "gzip, deflate": "gzip", "gzip, deflate, br, zstd": "zstd"} {
		r := ask(h, "GET", url+"0b", "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding"); got != coding || r.Header.Get("Content-Type") != api.MediaPatch ||
			r.Header.Get("Cache-Control") != "public, max-age=31536000, immutable, no-transform" || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accepting %q: %v", accept, r.Header)
		}
		if body := bodyOf(t, r); coding == "" && body != change || coding != "" && len(body) > len(change)/2 {
			t.Errorf("accepting %q: %s", accept, body)
		}
		if r := ask(h, "GET", url+"0b", "Accept-Encoding", accept, "If-None-Match", r.Header.Get("ETag")); r.StatusCode != 304 {
			t.Errorf("accepting %q again: %d", accept, r.StatusCode)
		}
	}
	for _, other := range []string{url + "0c", url, "/assets/app.0a.wasm"} {
		if r := ask(h, "GET", other, "Accept-Encoding", "br"); bodyOf(t, r) != "wb" || r.Header.Get("Content-Type") != "application/wasm" {
			t.Errorf("%s: %v", other, r.Header)
		}
	}
	if r := ask(h, "GET", "/sw.js?from=0b"); bodyOf(t, r) != "sw" {
		t.Error("another file is patched")
	}
}

// TestBrowsersDecodeALongPatch: they take no larger window than RFC 9659 allows.
func TestBrowsersDecodeALongPatch(t *testing.T) {
	h := newHandler(t)
	if err := h.Offer(map[string][]byte{"0b": make([]byte, 40<<20)}); err != nil {
		t.Fatal(err)
	}
	var header zstd.Header
	body := bodyOf(t, ask(h, "GET", "/assets/app.0a.wasm?from=0b", "Accept-Encoding", "zstd"))
	if err := header.Decode([]byte(body)); err != nil || header.WindowSize > 8<<20 {
		t.Errorf("the window has %d bytes (%v)", header.WindowSize, err)
	}
}

// TestAShareWithoutAServiceWorker: the page says that it did not arrive.
func TestAShareWithoutAServiceWorker(t *testing.T) {
	if r := ask(newHandler(t), "POST", "/import"); r.StatusCode != 303 || r.Header.Get("Location") != "/import?shared" {
		t.Errorf("POST: %d %v", r.StatusCode, r.Header)
	}
}

func TestHead(t *testing.T) {
	r := ask(newHandler(t), "HEAD", "/sw.js")
	if r.StatusCode != 200 || r.Header.Get("Content-Length") != "2" || r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("HEAD: %d %v", r.StatusCode, r.Header)
	}
	if r := ask(newHandler(t), "POST", "/"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", r.StatusCode, r.Header)
	}
}

func TestNavigation(t *testing.T) {
	h := newHandler(t)
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, test := range []struct {
		path, accept string
		status       int
	}{
		{"/", html, 200},
		{"/", "*/*", 200},
		{"/?x=1", html, 200},
		{"/sync", html, 200},
		{"/users/5b0a3c1e-6f52-4d53-9a53-0d2a4c8f7f11?tab=1", html, 200},
		{"/sync", "application/json", 404},
		{"/assets/gone", html, 404},
		{"/assets/app.1b.wasm", html, 404},
		{"/missing.js", html, 404},
		{"/secret.txt", html, 404},
		{"/assets.json", html, 404},
		{"/index.html.br", html, 404},
		{"/api/v1/nothing", html, 404},
	} {
		r := ask(h, "GET", test.path, "Accept", test.accept)
		if r.StatusCode != test.status {
			t.Errorf("%s: %d, want %d", test.path, r.StatusCode, test.status)
		}
		if r.StatusCode == 200 && bodyOf(t, r) != "<html>" {
			t.Errorf("%s is not the page", test.path)
		}
	}
}

// The worker keeps the page with its headers, and a browser with people of its own reads those.
func TestAFirstVisitAsksForPeopleAtOnce(t *testing.T) {
	h := newHandler(t)
	for _, test := range []struct {
		path, mode, cookie string
		asks               bool
	}{
		{"/", "navigate", "", true},
		{"/", "navigate", "other=1", true},
		{"/", "navigate", api.SyncedCookie + "=1", false},
		{"/?q=ann", "navigate", "", false},
		{"/sync", "navigate", "", false},
		{"/", "cors", "", false},
		{"/", "", "", false},
	} {
		link := ask(h, "GET", test.path, "Accept", "text/html", "Sec-Fetch-Mode", test.mode, "Cookie", test.cookie).Header.Get("Link")
		if (link != "") != test.asks || link != "" && !strings.HasPrefix(link, "<"+api.PathUsers) {
			t.Errorf("%+v: Link is %q", test, link)
		}
	}
}

func TestBadBuilds(t *testing.T) {
	if _, err := static.New(fstest.MapFS{".gitkeep": &fstest.MapFile{}}); !errors.Is(err, static.ErrNotBuilt) {
		t.Errorf("no manifest: %v", err)
	}
	for name, change := range map[string]func(fstest.MapFS){
		"no JSON":        func(m fstest.MapFS) { m["assets.json"] = &fstest.MapFile{Data: []byte("{")} },
		"a file missing": func(m fstest.MapFS) { delete(m, "sw.js") },
		"a variant lost": func(m fstest.MapFS) { delete(m, "index.html.br") },
		"a strange coding": func(m fstest.MapFS) {
			m["assets.json"] = &fstest.MapFile{Data: []byte(`{"files":{"/sw.js":{"encodings":["lzma"]}}}`)}
		},
	} {
		m := site()
		change(m)
		if _, err := static.New(m); err == nil || errors.Is(err, static.ErrNotBuilt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := ask(static.NotBuilt(), "GET", "/")
	if body := bodyOf(t, r); r.StatusCode != 503 || !strings.Contains(body, "make build") {
		t.Errorf("not built: %d %s", r.StatusCode, body)
	}
}

func TestSigningInLeadsBackToTheApp(t *testing.T) {
	r := ask(newHandler(t), "GET", api.PathSignIn, "Accept", "text/html")
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answered %d %v", r.StatusCode, r.Header)
	}
}

// TestAddressesAreNotRepeated: what a client made up is not shown to whoever reads the answer.
func TestAddressesAreNotRepeated(t *testing.T) {
	h := newHandler(t)
	for _, path := range []string{"/%1b%5b2J", "/%0d%0aSet-Cookie:x", "/%e2%80%ae", "/<b>", "/" + strings.Repeat("a", 10_000)} {
		r := ask(h, "GET", path)
		if body := bodyOf(t, r); r.StatusCode != 404 || body != "There is nothing at this address.\n" {
			t.Errorf("%.30s is answered %d %.300q", path, r.StatusCode, body)
		}
	}
}
