package sync

import "time"

const (
	// maxRoundTrip bounds the time between request and answer for the answer's date to
	// count.
	maxRoundTrip = 10 * time.Second
	// minSkew is the error below which a device's clock counts as right. The Date header
	// has whole seconds; correcting by its rounding would put two good clocks out of order.
	minSkew = 2 * time.Second
)

// ClockSkew is the server's clock minus the device's, and 0 when the two are as good as
// equal.
func ClockSkew(server, device time.Time) time.Duration {
	if skew := server.Sub(device); skew.Abs() >= minSkew {
		return skew
	}
	return 0
}

// serverClock is what a round learns about the server's clock.
type serverClock struct {
	sentAt time.Time // when the request under way was sent
	skew   time.Duration
	known  bool
}

// ObserveClock notes the server's time from an answer that has just arrived. It ignores a
// slow answer: a device that slept meanwhile, or whose clock was set, would be hours off.
func (e *Engine) ObserveClock(server time.Time) {
	now := e.cfg.Now()
	if took := now.Sub(e.clock.sentAt); took < 0 || took > maxRoundTrip {
		return
	}
	e.clock.skew, e.clock.known = ClockSkew(server, now), true
}
