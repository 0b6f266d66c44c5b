//go:build !race

package sim

import (
	"bytes"
	"testing"

	"github.com/rollcall/rollcall/wasm/sync"
)

// What plays many histories is left out where the race detector is on: see raced_test.go.

// TestWrongClocksDecideNoConflict: three devices write the same field of the same users
// while offline, and sync in random order. One clock is right, one a year ahead, one a
// year behind. The last writer wins, and each device wins its share.
func TestWrongClocksDecideNoConflict(t *testing.T) {
	for _, strategy := range []sync.StrategyName{sync.LastWriteWins, sync.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			s, err := clocksOff(strategy)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("of %d contests %d did not go to the last writer; last were %v, won have %v", contests, s.wrong, s.last, s.won)
			if !s.fair() {
				t.Error("the clocks decided")
			}
		})
	}
}

// TestSameSeedSameHistory: a seed always makes the same history, and so does its script
// after it was written and read.
func TestSameSeedSameHistory(t *testing.T) {
	for seed := uint64(1); seed <= 60; seed++ {
		first, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := first.Script.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		script, err := ReadScript(&text)
		if err != nil {
			t.Fatal(err)
		}
		replayed, err := Play(script, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first.Trace != again.Trace || first.Trace != replayed.Trace {
			t.Fatalf("seed %d: traces %x, again %x, replayed %x", seed, first.Trace, again.Trace, replayed.Trace)
		}
	}
}
