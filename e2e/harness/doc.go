// Package harness runs Rollcall for the end-to-end tests: the real binary with its own
// database file, a proxy that fails as networks do, and real browsers.
//
// A failure of the harness or of a wait ends the test. Nothing sleeps: everything waits
// for a condition, with a deadline.
package harness

import (
	"fmt"
	"testing"
	"time"
)

// Timeout is how long a wait may take. It is generous, for busy machines: it costs time
// only when something is broken.
const Timeout = 2 * time.Minute

// A condition is checked again after the first of these, and then less and less often: some
// checks take a browser more than what it is to do meanwhile.
const (
	firstInterval = 25 * time.Millisecond
	lastInterval  = 200 * time.Millisecond
)

// Eventually waits until check returns nil. After Timeout it fails the test with check's
// last error.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	EventuallyWithin(t, Timeout, what, check)
}

// EventuallyWithin is Eventually with another timeout.
func EventuallyWithin(t testing.TB, timeout time.Duration, what string, check func() error) {
	t.Helper()
	start := time.Now()
	for interval := firstInterval; ; interval = min(interval*5/4, lastInterval) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(start) > timeout {
			t.Fatalf("%s: not within %v: %v", what, timeout, err)
		}
		select {
		case <-time.After(interval):
		case <-t.Context().Done():
			t.Fatalf("%s: the test ended: %v", what, err)
		}
	}
}

// Equal returns an error unless got is want.
func Equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}
