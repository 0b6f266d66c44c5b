//go:build unix

package listen

import (
	"math"

	"golang.org/x/sys/unix"
)

// MaxFiles is how many files and connections the process may have open.
func MaxFiles() uint64 {
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil {
		return math.MaxUint64
	}
	return uint64(most.Cur) //nolint:unconvert // it is signed on FreeBSD
}
