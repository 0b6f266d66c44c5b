package sim

import (
	"iter"
	"sync"
)

// pausePoint is the kind of pause an actor stands at.
type pausePoint uint8

const (
	nowhere pausePoint = iota
	reading
	writing
	locking
	sending
	answering
	applying // writing what was heard; see stands
	ended    // and where it is no more
	pausePoints
)

var pausePointNames = [pausePoints]string{"nowhere", "reading", "writing", "locking", "sending", "answering", "applying", "ended"}

// actor is something that runs until its next pause each time it is resumed.
type actor struct {
	*coroutine
	at    pausePoint
	fault Fault // what befalls it where it stands
	dead  bool
}

// coroutine runs one body after the other. It is kept between them, and between
// histories, for its stack has grown to what bodies need.
type coroutine struct {
	body  func()
	next  func() (pausePoint, bool)
	yield func(pausePoint) bool
}

// idle are coroutines without a body.
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

// killed is what an actor panics with to end.
type killed struct{}

// start runs body until its first pause. It returns nil when there is none.
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

// resume lets the actor go on to its next pause; false when it has ended.
func (a *actor) resume(f Fault) bool {
	a.fault = f
	a.at, _ = a.next()
	if a.at != ended {
		return true
	}
	a.release()
	return false
}

// kill ends the actor where it stands. What it deferred runs, as nothing in a
// real process would; deferred code that reaches a pause dies there, too.
func (a *actor) kill() {
	a.dead = true
	a.resume(NoFault)
}

// pause hands over to the scheduler, and returns what befalls the actor here.
func (a *actor) pause(at pausePoint) Fault {
	if !a.dead {
		a.yield(at)
	}
	if a.dead {
		panic(killed{})
	}
	return a.fault
}
