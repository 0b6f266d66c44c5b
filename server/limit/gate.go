package limit

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrFull says that too many wait, or too much is held, already.
var ErrFull = errors.New("too much is waiting already")

// Gate lets so many through at once and so many more wait. Its methods may be
// called by many goroutines.
type Gate struct {
	slots   chan struct{}
	most    int64
	waiting atomic.Int64
}

// NewGate makes a gate for at most inside at once, with at most waiting more.
func NewGate(inside, waiting int) *Gate {
	return &Gate{slots: make(chan struct{}, inside), most: int64(waiting)}
}

// Enter waits for a place; leave gives it back. It fails with ErrFull at once
// when too many wait, or with the context's error.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	if g.waiting.Add(1) > g.most {
		g.waiting.Add(-1)
		return nil, ErrFull
	}
	defer g.waiting.Add(-1)
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *Gate) leave() { <-g.slots }

// Waiting is how many wait.
func (g *Gate) Waiting() int { return int(g.waiting.Load()) }

// Budget is a number of bytes that may be held at once. Its methods may be called
// by many goroutines.
type Budget struct {
	most int64
	held atomic.Int64
}

// NewBudget makes a budget of so many bytes.
func NewBudget(most int64) *Budget { return &Budget{most: most} }

// Hold takes n bytes of the budget, or fails with ErrFull and takes none.
func (b *Budget) Hold(n int64) error {
	if b.held.Add(n) > b.most {
		b.held.Add(-n)
		return ErrFull
	}
	return nil
}

// Free gives n bytes back.
func (b *Budget) Free(n int64) { b.held.Add(-n) }

// Held is how many bytes are held.
func (b *Budget) Held() int64 { return b.held.Load() }
