package harness

import (
	"context"
	"maps"
	"net/http"
)

// Moment is a point of a request to the API at which a test can intercept it.
type Moment string

// The moments of a request, in their order.
const (
	Arrived Moment = "arrived" // at the proxy, but not at the server
	Decided Moment = "decided" // the server has answered, but the browser has received nothing
	Passed  Moment = "passed"  // the whole answer was passed on
)

// Intercept calls f at every moment of every request to the API, except event streams;
// Intercept(nil) ends that. The request waits until f returns, and is lost if f returns
// false. A browser that goes away meanwhile does not cancel its request.
func (p *Proxy) Intercept(f func(Moment, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intercept = f
}

func (p *Proxy) interceptor(r *http.Request) func(Moment, *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == "/api/v1/events" {
		return nil
	}
	return p.intercept
}

// relayIntercepted relays a request from moment to moment, and returns the answer's status.
func (p *Proxy) relayIntercepted(w http.ResponseWriter, r *http.Request, at func(Moment, *http.Request) bool) int {
	r = r.WithContext(context.WithoutCancel(r.Context()))
	stop := func(m Moment) {
		if !at(m, r) {
			panic(http.ErrAbortHandler)
		}
	}
	stop(Arrived)
	cut := p.takeCut(r)
	a := &answer{header: http.Header{}, status: http.StatusOK}
	p.relay.ServeHTTP(a, r)
	stop(Decided)
	if cut {
		p.countCut()
		a.passHalf(w)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	// The browser may be gone.
	_, _ = w.Write(a.body.Bytes())
	_ = http.NewResponseController(w).Flush()
	stop(Passed)
	return a.status
}
