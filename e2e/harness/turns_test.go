package harness

import (
	"testing"
	"time"
)

// TestATurnIsGivenAwayMeanwhile: whoever waits patiently has it again before those who have not had one.
func TestATurnIsGivenAwayMeanwhile(t *testing.T) {
	s := turns{free: 1, holders: map[string]bool{}}
	had := make(chan string)
	want := func(name string) {
		t.Helper()
		select {
		case got := <-had:
			if got != name {
				t.Fatalf("%s has the turn, and not %s", got, name)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s has no turn", name)
		}
	}
	waits := func(name string, queue *[]chan struct{}) {
		s.mu.Lock()
		before := len(*queue)
		s.mu.Unlock()
		go func() {
			s.wait(name, queue)
			had <- name
		}()
		Eventually(t, name+" waits", func() error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return Equal("the queue", len(*queue), before+1)
		})
	}
	s.wait("patient", &s.queue)
	waits("second", &s.queue)
	waits("third", &s.queue)
	s.give("patient")
	want("second")
	waits("patient", &s.back)
	s.give("second")
	want("patient")
	s.give("patient")
	want("third")
	if !s.give("third") || s.give("third") || s.free != 1 {
		t.Errorf("%d turns are free", s.free)
	}
}

func TestSubtestsShareATurn(t *testing.T) {
	s := turns{free: 1, holders: map[string]bool{}}
	t.Run("test", func(t *testing.T) {
		s.take(t)
		s.take(t)
		t.Run("one", func(t *testing.T) {
			s.take(t)
			t.Run("of one", func(t *testing.T) { s.take(t) })
		})
		if s.free != 0 {
			t.Errorf("%d turns are free", s.free)
		}
	})
	if s.free != 1 {
		t.Errorf("after its end, %d turns are free", s.free)
	}
}
