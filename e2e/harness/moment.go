package harness

import (
	"context"
	"maps"
	"net/http"
)

// Moment is a point in the life of a request to the API at which a test can step in.
type Moment string

// The moments of a request, in their order.
const (
	Arrived Moment = "arrived" // it has reached the proxy, and not the server
	Decided Moment = "decided" // the server has answered, and the browser has nothing of it
	Passed  Moment = "passed"  // the whole answer was passed on
)

// At has f called at every moment of every request to the API, apart from the
// event stream; At(nil) ends that. The request waits until f returns, and is lost
// there when f returns false. A browser that goes away meanwhile does not take
// its request back: it is on its way.
func (p *Proxy) At(f func(Moment, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = f
}

func (p *Proxy) steps(r *http.Request) func(Moment, *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == "/api/v1/events" {
		return nil
	}
	return p.at
}

// stepwise relays a request from one moment to the next. It returns the status
// of the answer.
func (p *Proxy) stepwise(w http.ResponseWriter, r *http.Request, at func(Moment, *http.Request) bool) int {
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
	// Whether it arrives is the browser's affair, which may have gone.
	_, _ = w.Write(a.body.Bytes())
	_ = http.NewResponseController(w).Flush()
	stop(Passed)
	return a.status
}
