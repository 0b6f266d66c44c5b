package limit

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrFull says that too many callers wait, or too many bytes are reserved.
var ErrFull = errors.New("the server is at its limit")

// Semaphore bounds how many callers run at once and how many wait. Its methods may be called
// by many goroutines.
type Semaphore struct {
	slots      chan struct{}
	maxWaiting int64
	waiting    atomic.Int64
}

// NewSemaphore returns a semaphore with the given number of slots and of waiting callers.
func NewSemaphore(slots, maxWaiting int) *Semaphore {
	return &Semaphore{slots: make(chan struct{}, slots), maxWaiting: int64(maxWaiting)}
}

// Acquire waits for a slot. It fails with ErrFull at once if too many callers wait, or with
// the context's error.
func (s *Semaphore) Acquire(ctx context.Context) (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return s.release, nil
	default:
	}
	if s.waiting.Add(1) > s.maxWaiting {
		s.waiting.Add(-1)
		return nil, ErrFull
	}
	defer s.waiting.Add(-1)
	select {
	case s.slots <- struct{}{}:
		return s.release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Semaphore) release() { <-s.slots }

// Waiting returns how many callers wait.
func (s *Semaphore) Waiting() int { return int(s.waiting.Load()) }
