package memory

import (
	"context"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Channel connects the buses of one browser. All other buses receive a message, in order,
// before Publish returns.
type Channel struct {
	mu   stdsync.Mutex
	next int
	subs map[int]subscriber
}

type subscriber struct {
	bus *Bus
	f   func(sync.Message)
}

// Bus is the end of a Channel that one tab or worker uses.
type Bus struct {
	sync.BusEnd
	channel *Channel
}

var _ sync.Bus = (*Bus)(nil)

// NewChannel returns a channel without buses.
func NewChannel() *Channel { return &Channel{subs: map[int]subscriber{}} }

// Bus returns a new end of the channel.
func (c *Channel) Bus() *Bus { return &Bus{channel: c} }

// Publish implements sync.Bus.
func (b *Bus) Publish(m sync.Message) {
	c := b.channel
	c.mu.Lock()
	var receivers []func(sync.Message)
	for id := range c.next {
		if s, ok := c.subs[id]; ok && s.bus != b {
			receivers = append(receivers, s.f)
		}
	}
	c.mu.Unlock()
	for _, f := range receivers {
		f(m)
	}
}

// Subscribe implements sync.Bus.
func (b *Bus) Subscribe(f func(sync.Message)) (stop func()) {
	c := b.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	c.subs[id] = subscriber{b, f}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subs, id)
	}
}

// Locks are the locks of one browser.
type Locks struct {
	mu   stdsync.Mutex
	held map[string]*hold
}

type hold struct {
	steal context.CancelCauseFunc
	free  chan struct{} // closed when the hold has ended or was stolen
}

var _ sync.Locks = (*Locks)(nil)

// NewLocks returns locks that nobody holds.
func NewLocks() *Locks { return &Locks{held: map[string]*hold{}} }

// Hold implements sync.Locks.
func (l *Locks) Hold(ctx context.Context, name string, mode sync.LockMode, f func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	mine := &hold{steal: cancel, free: make(chan struct{})}
	for {
		other := l.take(name, mine, mode == sync.Steal)
		if other == nil {
			break
		}
		if mode == sync.NoWait {
			return sync.ErrLocked
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-other.free:
		}
	}
	defer l.release(name, mine)
	return f(inner)
}

// take makes mine the holder and returns nil, or returns who holds the lock.
func (l *Locks) take(name string, mine *hold, steal bool) *hold {
	l.mu.Lock()
	defer l.mu.Unlock()
	other := l.held[name]
	if other != nil {
		if !steal {
			return other
		}
		other.steal(sync.ErrStolen)
		close(other.free)
	}
	l.held[name] = mine
	return nil
}

func (l *Locks) release(name string, mine *hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name] == mine {
		delete(l.held, name)
		close(mine.free)
	}
}
