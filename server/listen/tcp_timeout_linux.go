package listen

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// userTimeout is how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482).
// Without it, the connection to a client that lost its network lives on for a quarter of
// an hour, while pings to it fill the kernel's buffer.
const userTimeout = time.Minute

// setUserTimeout sets the timeout on the listening socket; connections inherit it.
func setUserTimeout(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	return errors.Join(err, set)
}
