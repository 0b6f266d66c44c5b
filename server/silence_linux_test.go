package main

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSilence: an accepted connection has the settings by which half-open ones end.
func TestSilence(t *testing.T) {
	l, err := listenOn(t.Context(), &serveOptions{addr: "127.0.0.1:0", connections: 1, perAddress: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c, err := l.Listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		for name, option := range map[string][2]int{
			"TCP_USER_TIMEOUT": {unix.TCP_USER_TIMEOUT, 60_000}, "TCP_KEEPIDLE": {unix.TCP_KEEPIDLE, 15}, "TCP_KEEPCNT": {unix.TCP_KEEPCNT, 4},
		} {
			if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option[0]); err != nil || got != option[1] {
				t.Errorf("%s is %d (%v), want %d", name, got, err, option[1])
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}
