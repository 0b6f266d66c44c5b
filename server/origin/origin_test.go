package origin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/origin"
)

func certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"cert.example.org", "*.wild.example.org"},
		IPAddresses: []net.IP{net.IPv4(198, 51, 100, 9)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hosts(t *testing.T, text string) *origin.Hosts {
	t.Helper()
	h, err := origin.ParseHosts(text)
	if err != nil {
		t.Fatal(err)
	}
	h.Own = func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.20") }
	return h
}

func TestKnownHosts(t *testing.T) {
	h := hosts(t, " Directory.example.org, 203.0.113.5,[2001:db8::5] ,*.sub.example.org,")
	cert := certificate(t)
	h.Certificate = func() *x509.Certificate { return cert }
	local := netip.MustParseAddr("192.0.2.10")
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST:1": true, "localhost.": true, "app.localhost:8080": true,
		"127.0.0.1": true, "127.0.0.1:8080": true, "127.9.9.9": true, "[::1]": true, "[::1]:8080": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:8080": true, "[::]:8080": true, // as the server says where it listens
		"192.0.2.10:8080": true, "192.0.2.20": true,
		"directory.example.org": true, "directory.example.org:8443": true, "DIRECTORY.example.org.": true,
		"203.0.113.5:80": true, "[2001:db8::5]": true, "[2001:DB8:0::5]:80": true,
		"a.sub.example.org": true, "a.b.sub.example.org": true,
		"cert.example.org": true, "one.wild.example.org": true, "198.51.100.9": true,

		"": false, ":8080": false, ".": false, "evil.example": false, "evil.example:8080": false,
		"localhost.evil.example": false, "notlocalhost": false, "127.0.0.1.evil.example": false, "evil.example#localhost": false,
		"127.1": false, "2130706433": false, "0x7f000001": false, "192.0.2.11": false, "[2001:db8::6]": false,
		"sub.example.org": false, ".sub.example.org": false, "evilsub.example.org": false, "a b.sub.example.org": false,
		"two.one.wild.example.org": false, "wild.example.org": false, "localhost:8080:1": false, "localhost@evil.example": false,
		"a:b:.localhost": false, "a:b:x.sub.example.org": false,
		strings.Repeat("a", 300) + ".sub.example.org": false,
	} {
		if got := h.Known(host, local); got != want {
			t.Errorf("Host %q is known: %v", host, got)
		}
	}
}

func TestWithoutNames(t *testing.T) {
	h := hosts(t, "")
	if h.Given() || h.Known("directory.example.org", netip.Addr{}) || h.Known("", netip.Addr{}) || !h.Known("localhost", netip.Addr{}) {
		t.Error("a server without names answers to others than its own")
	}
	for _, bad := range []string{"https://a.example", "a.example:8080", "a.example/x", "[::1]:80", "*", "*.", "*a.example", "a,b c", "a.*.example", "ä.example"} {
		if _, err := origin.ParseHosts(bad); err == nil {
			t.Errorf("-hosts %q is accepted", bad)
		}
	}
	for _, bad := range []string{"a.example", "*", "https://", "https://a.example/", "null"} {
		if _, err := origin.NewPolicy(nil, bad); err == nil {
			t.Errorf("-origins %q is accepted", bad)
		}
	}
}

func request(method, host string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/", http.NoBody)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func policy(t *testing.T, names, origins string) *origin.Policy {
	t.Helper()
	p, err := origin.NewPolicy(hosts(t, names), origins)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHost(t *testing.T) {
	for _, test := range []struct {
		names, host, forwarded string
		says                   string // of the problem, "" for none
	}{
		{"", "localhost:8080", "", ""},
		{"", "localhost:8080", "directory.example.org", ""}, // nobody has said what the names are
		{"", "evil.example:8080", "", "-hosts evil.example "},
		{"", "evil.example:8080", "localhost", "-hosts evil.example "},
		{"directory.example.org", "127.0.0.1:8080", "directory.example.org", ""},
		{"directory.example.org", "127.0.0.1:8080", "evil.example", "-hosts evil.example "},
		{"directory.example.org", "evil.example", "directory.example.org", "-hosts evil.example "},
		{"", "evil'; rm -rf", "", "does not say"},
		{"", "", "", "does not say"},
	} {
		p := policy(t, test.names, "").Host(request("GET", test.host), test.forwarded)
		switch {
		case (p == nil) != (test.says == ""):
			t.Errorf("%+v: %v", test, p)
		case p != nil && (p.Code != api.CodeUnknownHost || p.Status != 421 || !strings.Contains(p.Detail, test.says) || strings.Contains(p.Detail, "rm")):
			t.Errorf("%+v: %+v", test, p)
		}
	}
}

// TestTheAddressThatARequestCameTo: it needs no list of the machine's addresses.
func TestTheAddressThatARequestCameTo(t *testing.T) {
	r := request("GET", "192.0.2.30:8080")
	if policy(t, "", "").Host(r, "") == nil {
		t.Error("a foreign address is known")
	}
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 30), Port: 8080}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, at))
	if p := policy(t, "", "").Host(r, ""); p != nil {
		t.Errorf("the address of the connection: %v", p)
	}
	if !origin.OwnAddress(netip.MustParseAddr("127.0.0.1")) || origin.OwnAddress(netip.MustParseAddr("203.0.113.200")) {
		t.Error("this machine's addresses are others")
	}
}

func TestSite(t *testing.T) {
	const host = "directory.example.org"
	for _, test := range []struct {
		name      string
		site      string
		origin    string
		host      string
		forwarded string
		ok        bool
	}{
		{"a plain client", "", "", host, "", true},
		{"its own page", "same-origin", "", host, "", true},
		{"its own page, whatever the proxy did to Host", "same-origin", "https://" + host, "127.0.0.1:8080", "", true},
		{"the address bar", "none", "", host, "", true},
		{"another site", "cross-site", "", host, "", false},
		{"another site that poses", "cross-site", "https://" + host, host, host, false},
		{"another site among the origins", "cross-site", "https://portal.example.org", host, "", false},
		{"a sibling", "same-site", "", host, "", false},
		{"a value of tomorrow", "same-galaxy", "", host, "", false},
		{"own origin", "", "http://" + host, host, "", true},
		{"own origin, spelled out", "", "https://" + host, host + ":443", "", true},
		{"own origin, spelled out on HTTP", "", "http://" + host, host + ":80", "", true},
		{"own origin in other letters", "", "http://" + host, "Directory.Example.org", "", true},
		{"another port", "", "http://" + host + ":81", host, "", false},
		{"the port of another scheme", "", "http://" + host, host + ":443", "", false},
		{"another origin", "", "http://evil.example", host, "", false},
		{"an origin that begins alike", "", "http://" + host + ".evil.example", host, "", false},
		{"nobody's origin", "", "null", host, "", false},
		{"nobody's origin without a host", "", "null", "", "", false},
		{"a file", "", "file://", host, "", false},
		{"a proxy that changes Host", "", "http://" + host, "127.0.0.1:8080", "", false},
		{"a proxy that says what it was", "", "http://" + host, "127.0.0.1:8080", host, true},
		{"an origin that was given", "", "https://portal.example.org", "127.0.0.1:8080", "", true},
		{"its scheme counts", "", "http://portal.example.org", "127.0.0.1:8080", "", false},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"} {
			r := request(method, test.host)
			for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Origin": test.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			p := policy(t, "", "https://portal.example.org").Site(r, test.forwarded)
			if ok := p == nil; ok != test.ok || p != nil && (p.Code != api.CodeCrossSite || p.Status != 403) {
				t.Errorf("%s, %s: %v", test.name, method, p)
			}
		}
	}
}

func TestAForeignOriginIsToldWhichFlagToSet(t *testing.T) {
	for from, want := range map[string]string{
		"http://directory.example.org": "of http://directory.example.org may", "http://[fd00::1]:80": "of http://[fd00::1]:80 may",
		"http://a.example' ; rm": "of another site may", "null": "of another site may",
	} {
		p := policy(t, "", "").Site(request("POST", "127.0.0.1:8080", "Origin", from), "")
		if p == nil || !strings.Contains(p.Detail, want) || !strings.Contains(p.Detail, "-origins") || strings.Contains(p.Detail, "rm") {
			t.Errorf("from %s: %v", from, p)
		}
	}
}

func TestPages(t *testing.T) {
	for _, test := range []struct {
		site, mode, dest string
		ok               bool
	}{
		{"", "", "", true},
		{"same-origin", "no-cors", "script", true},
		{"none", "navigate", "document", true},
		{"cross-site", "navigate", "document", true},
		{"same-site", "navigate", "document", true},
		{"cross-site", "navigate", "iframe", false},
		{"cross-site", "navigate", "object", false},
		{"cross-site", "no-cors", "image", false},
		{"cross-site", "no-cors", "empty", false},
		{"cross-site", "cors", "document", false},
	} {
		for _, method := range []string{"GET", "POST"} { // a sign-in may come back with a form
			r := request(method, "localhost", "Origin", "https://idp.example")
			for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Sec-Fetch-Mode": test.mode, "Sec-Fetch-Dest": test.dest} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if p := policy(t, "", "").Page(r); (p == nil) != test.ok {
				t.Errorf("%s %+v: %v", method, test, p)
			}
		}
	}
}
