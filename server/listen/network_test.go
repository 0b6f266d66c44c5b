package listen

import (
	"net/netip"
	"testing"

	"github.com/rollcall/rollcall/server/limit"
)

// TestConnectionsPerNetwork: an IPv6 client has countless addresses, and one share.
func TestConnectionsPerNetwork(t *testing.T) {
	l := newListener(nil, Limits{PerNetwork: 2})
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

// TestConnectionsHaveARate: one network opens and closes connections as fast as it can.
func TestConnectionsHaveARate(t *testing.T) {
	l := newListener(nil, Limits{PerNetwork: 2, Rate: limit.Rate{PerSecond: 0.001, Burst: 3}})
	open := func(text string, exempt bool) bool {
		network := limit.Network(netip.MustParseAddr(text))
		ok := l.acquire(network, exempt)
		if ok {
			l.release(network)
		}
		return ok
	}
	for i := range 5 {
		if got, want := open("203.0.113.1", false), i < 3; got != want {
			t.Errorf("connection %d is accepted: %v", i, got)
		}
		if !open("127.0.0.1", true) {
			t.Error("an exempt network has a rate")
		}
	}
	if !open("203.0.113.2", false) {
		t.Error("another network has none left")
	}
}
