package netip_test

import (
	real "net/netip"
	"testing"

	"github.com/rollcall/rollcall/web/build/standin/netip"
)

func TestHostsAreToldApart(t *testing.T) {
	for _, host := range []string{"::1", "fe80::1%eth0", "2001:db8::7", "::ffff:1.2.3.4", "127.0.0.1", "", "localhost", "a.b.c.d", "1.2.3"} {
		want, failed := real.ParseAddr(host)
		got, err := netip.ParseAddr(host)
		if (err == nil) != (failed == nil) || got.Is4() != want.Is4() {
			t.Errorf("%s: %v, %v; want %v, %v", host, got.Is4(), err, want.Is4(), failed)
		}
	}
}
