//go:build !unix && !js

package listen

import "math"

// MaxFiles is how many files and connections the process may have open.
func MaxFiles() uint64 { return math.MaxUint64 }
