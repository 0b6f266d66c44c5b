package sim

import "iter"

// place is the kind of pause an actor stands at.
type place uint8

const (
	nowhere place = iota
	reading
	writing
	locking
	sending
	answering
	settling // writing what was heard; see stands
	places
)

var placeNames = [places]string{"nowhere", "reading", "writing", "locking", "sending", "answering", "settling"}

// actor is a coroutine that runs until its next pause each time it is resumed.
type actor struct {
	at    place
	fault Fault // what befalls it where it stands
	dead  bool
	yield func(place) bool
	next  func() (place, bool)
	stop  func()
}

// killed is what an actor panics with to end.
type killed struct{}

// start runs body until its first pause. It returns nil when there is none.
func start(body func(*actor)) *actor {
	a := &actor{}
	a.next, a.stop = iter.Pull(func(yield func(place) bool) {
		defer func() {
			v := recover()
			if _, ended := v.(killed); v != nil && !ended {
				panic(v)
			}
		}()
		a.yield = yield
		body(a)
	})
	if !a.resume(NoFault) {
		return nil
	}
	return a
}

// resume lets the actor go on to its next pause; false when it has ended.
func (a *actor) resume(f Fault) bool {
	a.fault = f
	at, alive := a.next()
	a.at = at
	return alive
}

// kill ends the actor where it stands. What it deferred runs, as nothing in a
// real process would; deferred code that reaches a pause dies there, too.
func (a *actor) kill() {
	a.dead = true
	a.stop()
}

// pause hands over to the scheduler, and returns what befalls the actor here.
func (a *actor) pause(at place) Fault {
	if a.dead || !a.yield(at) {
		a.dead = true
		panic(killed{})
	}
	return a.fault
}
