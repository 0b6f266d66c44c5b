package main

import (
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	got := summarize([]sample{
		{operations: 100, wall: time.Second, cpu: 300 * time.Millisecond},
		{operations: 50, wall: 10 * time.Second, cpu: 150 * time.Millisecond}, // a slow moment of the machine
		{operations: 100, wall: 2 * time.Second, cpu: 50 * time.Millisecond},
	}, 4)
	if r := summarize([]sample{{operations: 1, wall: 1}, {gaveUp: true}}, 1); !r.gaveUp {
		t.Errorf("a round that the server gave up on became %v", r)
	}
	if want := (result{wall: 80 * time.Millisecond, cpu: 2 * time.Millisecond}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		first, last time.Duration
		ratio       float64
		flat        bool
	}{
		{100, 150, 1.5, true}, {100, 151, 1.51, false}, {100, 50, 0.5, true}, {0, 10, 0, true},
	} {
		if ratio, isFlat := verdict([]result{{cpu: test.first}, {gaveUp: true}}); ratio != 0 || isFlat {
			t.Errorf("what the server gave up on has the ratio %v, flat %v", ratio, isFlat)
		}
		ratio, isFlat := verdict([]result{{cpu: test.first}, {cpu: 1000}, {cpu: test.last}})
		if ratio != test.ratio || isFlat != test.flat {
			t.Errorf("from %v to %v: %v, flat %v", test.first, test.last, ratio, isFlat)
		}
	}
}
