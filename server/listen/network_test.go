package listen

import (
	"net/netip"
	"testing"

	"github.com/rollcall/rollcall/server/limit"
)

// TestConnectionsPerNetwork: an IPv6 client has countless addresses, and one share.
func TestConnectionsPerNetwork(t *testing.T) {
	l := &Listener{limits: Limits{PerNetwork: 2}, open: map[netip.Prefix]int{}}
	acquire := func(text string) bool { return l.acquire(limit.Network(netip.MustParseAddr(text)), false) }
	for _, test := range []struct {
		from string
		want bool
	}{
		{"2001:db8:1:2::1", true}, {"2001:db8:1:2::2", true}, {"2001:db8:1:2:ffff::3", false}, {"2001:db8:1:3::1", true},
		{"203.0.113.1", true}, {"::ffff:203.0.113.1", true}, {"203.0.113.1", false}, {"203.0.113.2", true},
	} {
		if got := acquire(test.from); got != test.want {
			t.Errorf("a connection from %s is accepted: %v", test.from, got)
		}
	}
	l.release(limit.Network(netip.MustParseAddr("2001:db8:1:2::2")))
	if !acquire("2001:db8:1:2::4") {
		t.Error("a place that was freed is not given again")
	}
}
