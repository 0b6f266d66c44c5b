package sync

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
)

// ErrorKind is what a request's failure means for what it carried.
type ErrorKind int

const (
	// NoAnswer: the server was not reached, or what answered was not it. Nothing
	// counts as an attempt.
	NoAnswer ErrorKind = iota
	// Unavailable: the server said that it can't serve anybody now. Wait; it is
	// no judgement of the operations.
	Unavailable
	// ServerError: the server failed on this request. If it carried one operation,
	// that is an answered failure of this operation.
	ServerError
	// Refused: the server understood and will not take this request as it is.
	Refused
	// TooLarge: the same in smaller portions may pass.
	TooLarge
	// SignedOut: the person must sign in; the queue pauses.
	SignedOut
	// Resync: the cursor is too old; rebuild.
	Resync
)

// RequestError is a failed request: what it means, why for a person, and how long the
// server asked to be left alone.
type RequestError struct {
	Kind       ErrorKind
	Status     int // the answer's, 0 for none
	Problem    api.Problem
	RetryAfter time.Duration
	Err        error // the cause of NoAnswer
}

// Error says why, for a person.
func (o *RequestError) Error() string { return o.Problem.Error() }

// Unwrap returns the cause.
func (o *RequestError) Unwrap() error { return o.Err }

// kinds is the one table of what an HTTP status means. A status that isn't
// here is Refused when it is a 4xx with a problem document, else NoAnswer.
var kinds = map[int]ErrorKind{
	401: SignedOut,
	408: Unavailable,
	410: Resync,
	413: TooLarge,
	425: Unavailable,
	429: Unavailable,
	500: ServerError,
	502: Unavailable,
	503: Unavailable,
	504: Unavailable,
}

// needsProblem are the statuses that mean what the table says only when the
// server itself says so with a problem document: a captive portal, a proxy or a wrong
// address answers with them too.
func needsProblem(status int) bool { return status == 410 || (status >= 400 && kinds[status] == 0) }

// Classify says what an answer means; nil for a good one. A 2xx that isn't JSON
// is a captive portal's, not ours.
func Classify(r Response) *RequestError {
	if r.Status >= 200 && r.Status < 300 {
		if isJSON(r.Header["content-type"]) {
			return nil
		}
		return noAnswer(fmt.Errorf("the answer is %q, not JSON: the network may want you to sign in", r.Header["content-type"]))
	}
	p, said := problemOf(r)
	kind, listed := kinds[r.Status]
	switch {
	case needsProblem(r.Status) && !said, r.Status < 400:
		o := noAnswer(fmt.Errorf("status %d from something that is not the server", r.Status))
		o.Status = r.Status
		return o
	case !listed && r.Status < 500:
		kind = Refused
	case !listed:
		kind = Unavailable
	}
	return &RequestError{Kind: kind, Status: r.Status, Problem: p, RetryAfter: retryAfter(r.Header["retry-after"])}
}

func problemOf(r Response) (api.Problem, bool) {
	var p api.Problem
	if isJSON(r.Header["content-type"]) && json.Unmarshal(r.Body, &p) == nil && p.Code != "" {
		if p.Title == "" {
			p.Title = "The server answered " + strconv.Itoa(r.Status)
		}
		return p, true
	}
	switch r.Status {
	case 401:
		return api.Problem{Title: "Sign in to sync", Status: 401, Code: api.CodeSignIn}, false
	case 413:
		return api.Problem{Title: "The server finds the request too large", Status: 413, Code: api.CodeTooLarge}, false
	case 429:
		return api.Problem{Title: "The server asks to slow down", Status: 429, Code: api.CodeRateLimited}, false
	}
	return api.Problem{Title: "The server has a problem (status " + strconv.Itoa(r.Status) + ")", Status: r.Status, Code: api.CodeUnavailable}, false
}

func noAnswer(err error) *RequestError {
	return &RequestError{Kind: NoAnswer, Err: err,
		Problem: api.Problem{Title: "The server can't be reached", Detail: err.Error(), Code: api.CodeUnavailable}}
}

// retryAfter reads the seconds form of Retry-After (RFC 9110, section 10.2.3),
// bounded; 0 for none.
func retryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}
