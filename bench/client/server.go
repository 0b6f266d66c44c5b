package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcall/rollcall/bench/site"
)

// server serves the pages, the people, and the protocols of the contenders from its memory.
// Rollcall's own server and express-pouchdb stand behind it, so that all have one origin.
type server struct {
	http.Server
	origin   string
	dist     string // directory of the bundles
	rollcall proxy  // under /api/
	couch    proxy  // under /couch/

	mu   sync.Mutex
	made map[string][]byte // people as JSON, by query
	directory
}

// proxy forwards to a server that may be replaced.
type proxy struct {
	mu     sync.Mutex
	target *url.URL
}

func (p *proxy) to(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = &url.URL{Scheme: "http", Host: addr}
}

func (p *proxy) addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target.Host
}

func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.SetURL(p.target)
	r.Out.Host = r.In.Host // the page's origin must be the server's own
}

// serve starts the server on a free port.
func serve(dist string) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the pages: %w", err)
	}
	s := &server{origin: "http://" + listener.Addr().String(), dist: dist, made: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{script}", s.page)
	mux.HandleFunc("GET /start/{script}", s.page)
	mux.HandleFunc("GET /dist/{file}", s.file)
	mux.HandleFunc("GET /people", s.people)
	mux.Handle("/api/", &httputil.ReverseProxy{Rewrite: s.rollcall.rewrite})
	mux.Handle("/couch/", http.StripPrefix("/couch", &httputil.ReverseProxy{Rewrite: s.couch.rewrite}))
	s.directory.handle(mux)
	s.Handler = isolated(mux)
	go func() { _ = s.Serve(listener) }() // until it is closed
	return s, nil
}

// isolated gives the pages precise clocks, and SQLite the memory that it shares with its
// workers.
func isolated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// pageTemplate is a page of a contender: one that waits for workloads, or one that shows the
// list at once. Rollcall's glue is loaded as scripts of their own, as its site does.
var pageTemplate = template.Must(template.New("").Parse(`<!doctype html>
<meta charset="utf-8"><title>{{.Script}}</title><link rel="icon" href="data:,">
<h1>Users</h1><button disabled>Add user</button><ul></ul>
<script>globalThis.options = {{.Options}}</script>
{{if eq .Script "rollcall"}}<script src="/dist/wasm_exec.js"></script><script src="/dist/helper.js"></script>{{end}}
<script type="module" src="/dist/{{.Script}}.js"></script>
<script type="module" src="/dist/{{.Runner}}.js"></script>
`))

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	runner := "driver"
	if strings.HasPrefix(r.URL.Path, "/start/") {
		runner = "start"
	}
	options := map[string]string{}
	for name, values := range r.URL.Query() {
		options[name] = values[0]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// What can't be written, the page sees.
	_ = pageTemplate.Execute(w, map[string]any{"Script": r.PathValue("script"), "Runner": runner, "Options": options})
}

// contentTypes are those of the bundles.
var contentTypes = map[string]string{".js": "text/javascript", ".wasm": "application/wasm"}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.PathValue("file"))
	data, err := os.ReadFile(filepath.Join(s.dist, name+".br"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentTypes[filepath.Ext(name)])
	w.Header().Set("Content-Encoding", "br")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // as sites have it, and browsers keep compiled code with it
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the page sees it
}

// people answers with the people of a seed, whose names may begin with a letter that sorts
// them first.
func (s *server) people(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get("n"))
	seed, err2 := strconv.ParseUint(q.Get("seed"), 10, 64)
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.made[r.URL.RawQuery]
	if !ok {
		people := site.People(n, seed)
		for i := range people {
			people[i].Name = q.Get("first") + people[i].Name
		}
		if text, err = json.Marshal(people); err == nil {
			s.made[r.URL.RawQuery] = text
		}
	}
	reply(w, text, err)
}

// reply answers with a text, or with the error that kept it from being made.
func reply(w http.ResponseWriter, text []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, text)
}

func answer(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // the page sees it
}

// end closes the server.
func (s *server) end() error { return s.Shutdown(context.Background()) }
