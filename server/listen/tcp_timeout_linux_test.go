package listen

import (
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDeadConnectionsEnd: an accepted connection has the settings that end it when the client is gone.
func TestDeadConnectionsEnd(t *testing.T) {
	l, err := TCP(t.Context(), "127.0.0.1:0", Limits{Total: 1, PerNetwork: 1, Exempt: netip.Addr.IsLoopback})
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
