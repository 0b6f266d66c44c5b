//go:build race

package sim

// One actor of a history runs at a time, so the race detector can only find what histories
// share: these are enough for that, and the others are played without it, ten times as fast.
func init() { *histories = 200 }
