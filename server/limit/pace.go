package limit

import "time"

// A client has to take PaceBytes of an answer within PaceTime, some 3 kB a second. One that is
// slower, or takes nothing at all, is cut off: it holds memory that others wait for. The bytes
// that the kernel buffers for the connection come before that.
const (
	PaceBytes = 32 << 10
	PaceTime  = 10 * time.Second
)
