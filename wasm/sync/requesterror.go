package sync

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// ErrorKind is what a request's failure means for what it carried.
type ErrorKind int

const (
	// NoAnswer: the server was not reached, or something else answered. It does not count
	// as an attempt.
	NoAnswer ErrorKind = iota
	// Unavailable: the server can't serve anybody now. It says nothing about the operations.
	Unavailable
	// ServerError: the server failed on this request. If the request carried one operation,
	// that is an answered failure of this operation.
	ServerError
	// Refused: the server understood the request and will not accept it unchanged.
	Refused
	// TooLarge: the server may accept the same in smaller batches.
	TooLarge
	// SignedOut: the person must sign in; the queue pauses.
	SignedOut
	// TooOld: the server no longer takes this version of the client; the queue pauses.
	TooOld
	// Resync: the cursor is too old; the feed must be read from its beginning.
	Resync
)

// RequestError is a failed request.
type RequestError struct {
	Kind       ErrorKind
	Status     int           // the answer's, 0 for none
	Foreign    bool          // the answer is not the server's own
	Problem    api.Problem   // why, for a person
	RetryAfter time.Duration // how long the server wants no request
	Err        error         // the cause of NoAnswer
}

// NeedsPerson reports whether nothing is sent before a person has signed in, or has loaded a newer
// version.
func NeedsPerson(err error) bool {
	var failed *RequestError
	return errors.As(err, &failed) && (failed.Kind == SignedOut || failed.Kind == TooOld)
}

// Error says why, for a person.
func (e *RequestError) Error() string { return e.Problem.Error() }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// kinds is the one table of what an HTTP status means. Any other 4xx is Refused if it has
// a problem document, else NoAnswer; so is any other 5xx Unavailable.
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

// needsProblem reports whether a status means what the table says only with a problem
// document. A captive portal, a proxy or a wrong address answers with such a status, too.
func needsProblem(status int) bool {
	_, listed := kinds[status]
	return status == 410 || (status >= 400 && !listed)
}

// Classify says what an answer means; nil for a good one. A 2xx that is neither JSON nor
// lines comes from a captive portal.
func Classify(r Response) *RequestError {
	if r.Status >= 200 && r.Status < 300 {
		switch {
		case !r.IsJSON() && !r.InLines():
			return foreignError(r)
		case r.Coded():
			return codedError(r)
		}
		return nil
	}
	p, documented := r.Problem()
	kind, listed := kinds[r.Status]
	switch {
	case needsProblem(r.Status) && !documented, r.Status < 400:
		return foreignError(r)
	case documented && p.Code == api.CodeClientTooOld:
		kind = TooOld
	case p.Code == api.CodeBadCursor:
		kind = Resync // of another version of the server
	case p.Code == api.CodeUnknownHost, p.Code == api.CodeCrossSite:
		kind = Unavailable // about the way to the server, whatever the operations
	case !listed && r.Status < 500:
		kind = Refused
	case !listed:
		kind = Unavailable
	}
	return &RequestError{Kind: kind, Status: r.Status, Foreign: !documented, Problem: p, RetryAfter: retryAfter(r)}
}

// codedError is the error of an answer that has lost its Content-Encoding.
func codedError(r Response) *RequestError {
	const title = "Something between this device and the server makes its answers unreadable"
	failed := NoAnswerError(errors.New("the answer is still compressed, and nothing says how"))
	failed.Status, failed.Foreign = r.Status, true
	failed.Problem = api.Problem{Title: title, Status: r.Status, Code: CodeIntercepted,
		Detail: "they arrive compressed, without the header that says how. It may be a proxy or a filter. Your changes wait on this device; try another network, or tell who runs this one"}
	return failed
}

// foreignError is the error of an answer by something between this device and the server.
// A page for people, and what leads to one, is that of a portal.
func foreignError(r Response) *RequestError {
	failed := NoAnswerError(fmt.Errorf("status %d from something that is not the server", r.Status))
	failed.Status, failed.Foreign = r.Status, true
	media, _, _ := strings.Cut(r.Header["content-type"], ";")
	page := strings.EqualFold(strings.TrimSpace(media), "text/html") && (r.Status < 300 || r.Status == 403)
	if page || (r.Status >= 300 && r.Status < 400) || r.Status == 511 {
		failed.Problem = api.Problem{Title: "Sign in to sync", Status: r.Status, Code: api.CodeSignIn,
			Detail: "the network answers with a page of its own"}
	}
	return failed
}

// Problem returns the answer's problem document, and true; or false and a problem that
// stands in for it.
func (r Response) Problem() (api.Problem, bool) {
	if r.IsJSON() {
		p, err := jsoncodec.Parse(r.Body, api.ReadProblem)
		if err == nil && p.Code != "" {
			if p.Title == "" {
				p.Title = "The server answered " + strconv.Itoa(r.Status)
			}
			return p, true
		}
	}
	switch r.Status {
	case 401:
		return api.Problem{Title: "Sign in to sync", Status: 401, Code: api.CodeSignIn}, false
	case 413:
		return api.Problem{Title: "The server, or something on the way to it, finds this too large", Status: 413, Code: api.CodeTooLarge}, false
	case 429:
		return api.Problem{Title: "The server asks to slow down", Status: 429, Code: api.CodeRateLimited}, false
	}
	return api.Problem{Title: "The server has a problem (status " + strconv.Itoa(r.Status) + ")", Status: r.Status, Code: api.CodeUnavailable}, false
}

// NoAnswerError is the error of a request that the server did not answer.
func NoAnswerError(err error) *RequestError {
	return &RequestError{Kind: NoAnswer, Err: err,
		Problem: api.Problem{Title: "The server can't be reached", Detail: err.Error(), Code: api.CodeUnavailable}}
}

// How long a Retry-After is believed. A longer one is no server's that hopes to be back,
// but a block page's or a mistake; DoubtfulRetry then keeps the requests rare.
const (
	MaxRetryAfter = 5 * time.Minute
	DoubtfulRetry = 50 * time.Second
)

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date, which counts
// from the answer's own. 0 for none.
func retryAfter(r Response) time.Duration {
	text := r.Header["retry-after"]
	if text == "" {
		return 0
	}
	wait := MaxRetryAfter + 1
	if n, err := strconv.ParseUint(text, 10, 16); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := time.Parse(httpDate, text); err == nil {
		if sent, err := time.Parse(httpDate, r.Header["date"]); err == nil {
			wait = max(0, at.Sub(sent))
		}
	}
	if wait > MaxRetryAfter {
		return DoubtfulRetry
	}
	return wait
}
