package sim

import (
	"iter"
	"sync"
)

// pausePoint is where an actor pauses.
type pausePoint uint8

const (
	nowhere pausePoint = iota
	reading
	writing
	locking
	sending
	answering
	applying // writing an answer's results; see pausedAt
	ended    // not paused: it has finished
	pausePoints
)

var pausePointNames = [pausePoints]string{"nowhere", "reading", "writing", "locking", "sending", "answering", "applying", "ended"}

// actor is a coroutine that runs to its next pause each time it is resumed.
type actor struct {
	*coroutine
	at    pausePoint
	fault Fault // injected at the current pause
	dead  bool
}

// coroutine runs one body after the other. It is reused across histories, so that its
// stack grows only once.
type coroutine struct {
	body  func()
	next  func() (pausePoint, bool)
	yield func(pausePoint) bool
}

// idle holds the coroutines without a body.
var idle struct {
	sync.Mutex
	list []*coroutine
}

func idleCoroutine() *coroutine {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.list); n > 0 {
		c := idle.list[n-1]
		idle.list = idle.list[:n-1]
		return c
	}
	c := &coroutine{}
	c.next, _ = iter.Pull(func(yield func(pausePoint) bool) {
		c.yield = yield
		for {
			c.body()
			if !yield(ended) {
				return
			}
		}
	})
	return c
}

func (c *coroutine) release() {
	c.body = nil
	idle.Lock()
	defer idle.Unlock()
	idle.list = append(idle.list, c)
}

// killed is the panic that unwinds a killed actor.
type killed struct{}

// start runs body to its first pause. It returns nil if the body finished without one.
func start(body func(*actor)) *actor {
	a := &actor{coroutine: idleCoroutine()}
	a.body = func() {
		defer func() {
			v := recover()
			if _, ended := v.(killed); v != nil && !ended {
				panic(v)
			}
		}()
		body(a)
	}
	if !a.resume(NoFault) {
		return nil
	}
	return a
}

// resume runs the actor to its next pause. It reports false once the actor has finished.
func (a *actor) resume(f Fault) bool {
	a.fault = f
	a.at, _ = a.next()
	if a.at != ended {
		return true
	}
	a.release()
	return false
}

// kill ends the actor at its pause. Unlike in a real process, its deferred functions
// run; one that reaches a pause dies there, too.
func (a *actor) kill() {
	a.dead = true
	a.resume(NoFault)
}

// pause yields to the scheduler and returns the fault to inject here.
func (a *actor) pause(at pausePoint) Fault {
	if !a.dead {
		a.yield(at)
	}
	if a.dead {
		panic(killed{})
	}
	return a.fault
}
