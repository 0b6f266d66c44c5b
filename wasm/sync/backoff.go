package sync

import "time"

// Bounds of the delay before an operation is sent again.
const (
	MinBackoff = time.Second
	MaxBackoff = 5 * time.Minute
)

// Backoff is the delay after the n-th answered failure (n from 1): exponential with full
// jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015), never below MinBackoff.
// random is in [0,1).
func Backoff(n int, random float64) time.Duration {
	ceiling := MaxBackoff
	if n < 10 { // 2^9 s is above MaxBackoff
		ceiling = min(MaxBackoff, MinBackoff<<max(n, 0))
	}
	return max(MinBackoff, time.Duration(random*float64(ceiling)))
}
