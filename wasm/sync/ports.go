package sync

import (
	"context"
	"errors"
	"time"
)

// HTTP sends one request and reads the whole answer. An error means that there
// was no (whole) answer: the server may have acted all the same. Bodies above
// the implementation's limit are an error.
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

// Locks are the browser's Web Locks, or in tests the locks of one process.
type Locks interface {
	// Hold runs f while it holds the named lock and returns f's error. It waits for
	// the lock until ctx ends; with Steal set it takes it from its holder
	// instead, whose f then finds its context ended with ErrStolen as the cause;
	// with NoWait set it returns ErrLocked at once when another holds it.
	Hold(ctx context.Context, name string, mode LockMode, f func(context.Context) error) error
}

// LockMode is how Hold gets the lock.
type LockMode int

const (
	Wait LockMode = iota
	NoWait
	Steal
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
