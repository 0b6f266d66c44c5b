package harness

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// turns let a few tests at a time keep a browser busy. A test has its turn from its first browser to its
// end; its subtests share it. go test runs more of them, for those that wait: see Patiently.
type turns struct {
	mu      sync.Mutex
	free    int
	holders map[string]bool // by the test's name
	back    []chan struct{} // of those that have waited patiently, who come first
	queue   []chan struct{} // of the others
}

var theTurns = turns{free: busyTests(), holders: map[string]bool{}}

// busyTests is how many have a turn at a time: a browser and its server keep one core busy.
func busyTests() int {
	if n, err := strconv.Atoi(os.Getenv("E2E_PARALLEL")); err == nil && n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// take waits for the test's turn, which ends with it.
func (s *turns) take(t testing.TB) {
	name := t.Name()
	s.mu.Lock()
	for at := len(name); at > 0; at = strings.LastIndex(name[:at], "/") {
		if s.holders[name[:at]] {
			s.mu.Unlock()
			return
		}
	}
	s.mu.Unlock()
	s.wait(name, &s.queue)
	t.Cleanup(func() { s.give(name) })
}

// wait takes a turn in a queue.
func (s *turns) wait(name string, queue *[]chan struct{}) {
	s.mu.Lock()
	s.holders[name] = true
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	*queue = append(*queue, turn)
	s.mu.Unlock()
	<-turn
}

// give gives the test's own turn to the next one, and reports whether it had one.
func (s *turns) give(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holders[name] {
		return false
	}
	delete(s.holders, name)
	for _, queue := range []*[]chan struct{}{&s.back, &s.queue} {
		if waiting := *queue; len(waiting) > 0 {
			*queue = waiting[1:]
			close(waiting[0])
			return true
		}
	}
	s.free++
	return true
}

// Patiently waits for what takes the product a time of its own, such as the next try or the end of a
// silence, while another test has the turn.
func Patiently(t testing.TB, wait func()) {
	t.Helper()
	if theTurns.give(t.Name()) {
		defer theTurns.wait(t.Name(), &theTurns.back)
	}
	wait()
}
