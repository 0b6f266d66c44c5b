package sync

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Remote is the server as the engine sees it. Its errors are *RequestError.
type Remote interface {
	// Push sends a client's operations and returns one result for each, in order. With an
	// error, the results that have a Status still count. A result without one, or missing
	// at the end, says nothing about its operation. Without operations it asks whether the
	// server receives batches; an error also means that it has none.
	Push(ctx context.Context, clientID string, operations []queue.Operation) ([]api.Result, error)
	// Pull returns the feed's page after the cursor, "" for its beginning.
	Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
	// Fetch returns one entity as the server has it now; a change with Deleted set when it
	// has none.
	Fetch(ctx context.Context, ref queue.Ref) (api.Change, error)
	// Bucket returns a page of a bucket. The engine calls it only if the feed has digests.
	Bucket(ctx context.Context, q BucketQuery) (api.BucketPage, error)
}

// BucketQuery asks for a page of the live entities of a bucket, by id: those after After
// ("" for all), at most Limit. Cursor is how far the feed was read; the answer is not older
// than that.
type BucketQuery struct {
	Type   string
	Bucket int
	Cursor string
	After  string
	Limit  int
}

// HTTP sends one request and reads the whole answer. An error means that there was no
// complete answer; the server may have acted all the same. With it comes a Status if an
// answer had begun, and its body could not be read or decoded. A body above the
// implementation's limit is an error.
type HTTP interface {
	Do(ctx context.Context, r Request) (Response, error)
}

// Request is an HTTP request to a path of the server, such as "/api/v1/changes?limit=5".
type Request struct {
	Method string
	Path   string
	Header map[string]string
	Body   []byte // JSON; nil for none
}

// Response is an HTTP answer. Header has lower-case names.
type Response struct {
	Status int
	Header map[string]string
	Body   []byte
}

// IsJSON reports whether the body claims to be JSON.
func (r Response) IsJSON() bool {
	t, _, _ := strings.Cut(r.Header["content-type"], ";")
	t = strings.TrimSpace(strings.ToLower(t))
	return t == "application/json" || t == "application/problem+json"
}

// InLines reports whether the body claims to be a page of changes in lines.
func (r Response) InLines() bool {
	t, _, _ := strings.Cut(r.Header["content-type"], ";")
	return strings.EqualFold(strings.TrimSpace(t), api.LinesType)
}

// Coded reports whether the body is still in a content coding, of which the browser knew
// nothing: what claims to be JSON or lines does not begin like it.
func (r Response) Coded() bool {
	text := bytes.TrimLeft(r.Body, " \t\r\n")
	if r.InLines() {
		return len(text) > 0 && text[0] != api.LinesBegin[0]
	}
	return r.IsJSON() && len(text) > 0 && !bytes.ContainsRune([]byte(`{["-0123456789tfn`), rune(text[0]))
}

// httpDate is the layout of dates in headers.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// ServerTime returns the Date header (RFC 9110, section 6.6.1). It has whole seconds, so
// half a second is added, which it is late on average.
func (r Response) ServerTime() (time.Time, bool) {
	t, err := time.Parse(httpDate, r.Header["date"])
	cached := r.Header["age"] != "" // a cache's copy has an old date
	return t.Add(500 * time.Millisecond), err == nil && !cached
}

// Locks are the browser's Web Locks, or in tests the locks of one process.
type Locks interface {
	// Hold runs f while it holds the named lock, and returns f's error. How it gets the
	// lock depends on the mode.
	Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error
}

// LockMode is how Hold gets the lock.
type LockMode int

const (
	Wait   LockMode = iota // until ctx ends
	NoWait                 // return ErrLocked at once when another holds the lock
	Steal                  // from its holder, whose context ends with ErrStolen as the cause
)

// Errors of Locks.
var (
	ErrLocked = errors.New("another holder has the lock")
	ErrStolen = errors.New("another holder took the lock over")
)

// Clock is time as the engine sees it. The simulator has its own.
type Clock interface {
	Now() time.Time
	// After is time.After.
	After(d time.Duration) <-chan time.Time
}
