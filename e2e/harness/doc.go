// Package harness runs Rollcall as people do, for the end-to-end tests: the real
// binary on a database file of its own, behind a proxy that can fail like a
// network, and real browsers in front of it.
//
// A failure of the harness itself or of a wait ends the test. Nothing sleeps:
// everything waits for a condition with a deadline.
package harness

import (
	"fmt"
	"testing"
	"time"
)

// Patience is how long a wait lasts before the test fails. It is generous, for
// busy machines: it only costs time when something is broken.
const Patience = time.Minute

// interval is how often a condition is looked at.
const interval = 25 * time.Millisecond

// Eventually waits until check returns nil, and fails the test with its last
// error when it does not within Patience.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	EventuallyIn(t, Patience, what, check)
}

// EventuallyIn is Eventually with another deadline.
func EventuallyIn(t testing.TB, patience time.Duration, what string, check func() error) {
	t.Helper()
	start := time.Now()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatalf("%s: the test ended: %v", what, err)
		}
	}
}

// Holds checks that a condition stays true for a while: for what must not happen.
func Holds(t testing.TB, d time.Duration, what string, check func() error) {
	t.Helper()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-ticker.C {
		if err := check(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// Equal is an error unless got is want.
func Equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}
