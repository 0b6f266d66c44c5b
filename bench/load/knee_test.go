package main

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSearchFindsTheKnee: the search finds a sharp knee to a tenth, in few steps, and never
// tries more than most.
func TestSearchFindsTheKnee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		knee := rapid.IntRange(0, 20000).Draw(t, "knee")
		s := search{first: rapid.IntRange(1, 500).Draw(t, "first"), most: rapid.IntRange(500, 10000).Draw(t, "most")}
		for steps := 0; ; steps++ {
			n, done := s.next()
			if done {
				break
			}
			if n < 1 || n > s.most || steps > 40 {
				t.Fatalf("step %d tries %d: %+v", steps, n, s)
			}
			s.note(n, n <= knee)
		}
		want := min(knee, s.most)
		if s.held > want || (knee < s.most && float64(want-s.held) > precision*float64(s.held)+1) || (knee >= s.most && s.held != s.most) {
			t.Fatalf("found %d, it is %d: %+v", s.held, want, s)
		}
	})
}

func TestSearchSteps(t *testing.T) {
	s := search{first: 100, most: 4000}
	var tried []int
	for {
		n, done := s.next()
		if done {
			break
		}
		tried = append(tried, n)
		s.note(n, n <= 700)
	}
	want := []int{100, 200, 400, 800, 600, 700, 750}
	if len(tried) != len(want) {
		t.Fatalf("tried %v, want %v", tried, want)
	}
	for i := range want {
		if tried[i] != want[i] {
			t.Fatalf("tried %v, want %v", tried, want)
		}
	}
	if s.held != 700 {
		t.Errorf("the knee is %d", s.held)
	}
}

// TestKneeIsNotOverstated: a search that ended early claims no more than it has seen.
func TestKneeIsNotOverstated(t *testing.T) {
	for want, s := range map[string]search{
		"not measured":                {},
		"fewer than 100 clients":      {broke: 100},
		"at least 800 clients":        {held: 800},
		"400 clients, fewer than 800": {held: 400, broke: 800},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}
