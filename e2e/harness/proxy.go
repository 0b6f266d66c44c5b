package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy stands between the browsers and the server, and can fail as networks do. It records
// the requests to the API.
type Proxy struct {
	t      testing.TB
	addr   string
	target *url.URL
	relay  *httputil.ReverseProxy

	mu         sync.Mutex
	server     *http.Server // nil while nobody listens
	requests   []Request
	cut        func(*http.Request) bool
	cuts       int // answers still to cut
	didCut     int
	apiRefused bool
	files      map[string]file                               // by path, in front of the server's
	portal     func(http.ResponseWriter, *http.Request) bool // nil for none
	hold       *hold
	intercept  func(Moment, *http.Request) bool // nil for none
	streams    []*stream                        // of events, as they were opened
	filter     Filter                           // nil for none
	codings    Codings
	spoilt     int // answers
}

// file is a file that the proxy serves itself.
type file struct {
	mediaType string
	content   []byte
}

// hold keeps answers back until it is released.
type hold struct {
	match    func(*http.Request) bool
	released chan struct{}
	arrived  chan struct{} // closed once the first answer is held
	once     sync.Once
}

// Request is a request to the API that reached the proxy.
type Request struct {
	Method, Path string
	Body         []byte
	Status       int // 0 when the answer did not reach the browser, or not yet
}

// StartProxy starts a proxy in front of a server.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, addr: freeAddr(t), target: u}
	p.relay = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host // the server must see the address the browser has
		},
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
		ModifyResponse: p.spoilCoding,
		FlushInterval:  -1, // the event stream must not wait for a full buffer
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	t.Cleanup(p.Refuse)
	p.Accept()
	return p
}

// URL is the address of the site as browsers see it, without a path.
func (p *Proxy) URL() string { return "http://" + p.addr }

// Accept makes the proxy listen, unless it does already.
func (p *Proxy) Accept() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatalf("proxy: %v", err)
	}
	srv := &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	p.server = srv
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.t.Errorf("proxy: %v", err)
		}
	}()
}

// Refuse cuts every connection and refuses new ones, as an absent server does.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	srv := p.server
	p.server = nil
	p.mu.Unlock()
	if srv != nil {
		_ = srv.Close() // it can only fail to close what is closed
	}
}

// CutAnswers passes on half of the answers to the next n matching requests, then cuts the
// connection. Had it passed on nothing, the browser itself would send the request again.
func (p *Proxy) CutAnswers(n int, match func(*http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts, p.cut, p.didCut = n, match, 0
}

// Cuts returns the number of answers cut since CutAnswers.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.didCut
}

// RefuseAPI makes requests to the API fail, but not those for the site's files, or ends that.
func (p *Proxy) RefuseAPI(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apiRefused = refuse
}

func (p *Proxy) refusesAPI() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.apiRefused
}

// Filter is something on the way that may answer a request itself: it returns whether it
// has. body is the request's.
type Filter func(w http.ResponseWriter, r *http.Request, body []byte) bool

// Filter passes every request through f first; Filter(nil) ends that. Open event streams
// stay open.
func (p *Proxy) Filter(f Filter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filter = f
}

// filtered reports whether the filter has answered a request.
func (p *Proxy) filtered(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	f := p.filter
	p.mu.Unlock()
	if f == nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !f(w, r, body) {
		return false
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		p.record(Request{Method: r.Method, Path: r.URL.Path, Body: body})
	}
	return true
}

// Serve makes the proxy answer a path itself. The service worker ignores paths below
// /debug/.
func (p *Proxy) Serve(path, mediaType string, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.files == nil {
		p.files = map[string]file{}
	}
	p.files[path] = file{mediaType, content}
}

// Portal has f answer requests for anything but the API in the server's place: it
// reports whether it did, as a sign-in page in front of a site does. nil ends it.
func (p *Proxy) Portal(f func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.portal = f
}

func (p *Proxy) catches(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	portal := p.portal
	p.mu.Unlock()
	return portal != nil && portal(w, r)
}

func (p *Proxy) served(path string) (file, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.files[path]
	return f, ok
}

// HoldAnswers passes matching requests on, and holds the answers until release is called.
// The channel is closed once the first one is held.
func (p *Proxy) HoldAnswers(match func(*http.Request) bool) (held <-chan struct{}, release func()) {
	h := &hold{match: match, released: make(chan struct{}), arrived: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = h
	return h.arrived, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.hold == h {
			p.hold = nil
			close(h.released)
		}
	}
}

// holds returns the hold on the answer to a request, nil for none.
func (p *Proxy) holds(r *http.Request) *hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold != nil && p.hold.match(r) {
		return p.hold
	}
	return nil
}

// SilenceStreams makes the open event streams pass nothing more, as a network does that
// drops a connection without closing it. It returns their number.
func (p *Proxy) SilenceStreams() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.streams {
		s.silent.Store(true)
	}
	return len(p.streams)
}

// trackStream records an event stream.
func (p *Proxy) trackStream(w http.ResponseWriter) http.ResponseWriter {
	s := &stream{ResponseWriter: w}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streams = append(p.streams, s)
	return s
}

// stream is an event stream that can be silenced.
type stream struct {
	http.ResponseWriter
	silent atomic.Bool
}

func (s *stream) Write(b []byte) (int, error) {
	if s.silent.Load() {
		return len(b), nil
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets the relay flush.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Requests returns those with this method and path since the last ResetRequests.
func (p *Proxy) Requests(method, path string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []Request
	for _, r := range p.requests {
		if r.Method == method && r.Path == path {
			found = append(found, r)
		}
	}
	return found
}

// ResetRequests forgets the requests so far.
func (p *Proxy) ResetRequests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// Sent counts how often each operation was sent, by id.
func (p *Proxy) Sent() map[string]int {
	sent := map[string]int{}
	for _, r := range p.Requests(http.MethodPost, "/api/v1/operations") {
		var batch struct{ Operations []struct{ ID string } }
		if err := json.Unmarshal(r.Body, &batch); err != nil {
			p.t.Errorf("a batch is not JSON: %v", err)
		}
		for _, o := range batch.Operations {
			sent[o.ID]++
		}
	}
	return sent
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.filtered(w, r) {
		return
	}
	if f, ok := p.served(r.URL.Path); ok {
		w.Header().Set("Content-Type", f.mediaType)
		_, _ = w.Write(f.content) // the browser may be gone
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		if p.catches(w, r) {
			return
		}
		p.relay.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || p.refusesAPI() {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	n := p.record(Request{Method: r.Method, Path: r.URL.Path, Body: body})
	if at := p.interceptor(r); at != nil {
		p.setStatus(n, p.relayIntercepted(w, r, at))
		return
	}
	if p.takeCut(r) {
		// The browser must not be able to cancel the request.
		r = r.WithContext(context.WithoutCancel(r.Context()))
		a := &answer{header: http.Header{}, status: http.StatusOK}
		p.relay.ServeHTTP(a, r)
		p.countCut()
		a.passHalf(w)
	}
	if h := p.holds(r); h != nil {
		p.holdAnswer(h, w, r, n)
		return
	}
	if r.URL.Path == "/api/v1/events" {
		w = p.trackStream(w)
	}
	p.relay.ServeHTTP(&statusRecorder{ResponseWriter: w, note: func(status int) { p.setStatus(n, status) }}, r)
}

// holdAnswer passes a request on at once, even if the browser cancels it, and its answer
// when the hold is released.
func (p *Proxy) holdAnswer(h *hold, w http.ResponseWriter, r *http.Request, n int) {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	p.relay.ServeHTTP(a, r.WithContext(context.WithoutCancel(r.Context())))
	h.once.Do(func() { close(h.arrived) })
	select {
	case <-h.released:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-p.t.Context().Done():
		panic(http.ErrAbortHandler)
	}
	p.setStatus(n, a.status)
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the browser may be gone
}

func (p *Proxy) record(r Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
	return len(p.requests) - 1
}

func (p *Proxy) setStatus(n, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < len(p.requests) { // else forgotten
		p.requests[n].Status = status
	}
}

func (p *Proxy) takeCut(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cuts == 0 || !p.cut(r) {
		return false
	}
	p.cuts--
	return true
}

func (p *Proxy) countCut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.didCut++
}

// answer buffers an answer.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// passHalf sends half of the answer and ends the connection.
func (a *answer) passHalf(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(max(a.body.Len(), 1)))
	w.WriteHeader(a.status)
	// Whether the half arrives does not matter.
	_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// statusRecorder reports the status of an answer that is passed on.
type statusRecorder struct {
	http.ResponseWriter
	note func(int)
}

func (s *statusRecorder) WriteHeader(status int) {
	s.note(status)
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the relay flush.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
