package main

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// silence is how long sent bytes may stay unacknowledged. A client whose network
// is gone takes nothing and says nothing; without this its connection would live
// on for a quarter of an hour, while pings to it fill the kernel's buffer.
const silence = time.Minute

// giveUpOnSilence sets that on the listening socket, from which connections have it.
func giveUpOnSilence(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	})
	return errors.Join(err, set)
}
