// Package origin decides under which names a server answers, and which pages may ask it.
//
// The name in Host is what DNS rebinding can't hide: a page whose name is made to lead to
// this server still sends that name. Sec-Fetch-Site and Origin tell the server's own pages
// from others. See docs/decisions/031.
package origin

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Hosts are the names that a server answers to: localhost and all below it, its own
// addresses, the names of its certificate, and those that the operator gave.
type Hosts struct {
	names    map[string]bool
	suffixes []string // of names with a wildcard, from the dot on

	// Own reports whether an address is this machine's; nil for none but loopback and the one
	// that the request came to.
	Own func(netip.Addr) bool
	// Certificate returns the certificate in use; nil for none.
	Certificate func() *x509.Certificate
}

// ParseHosts parses comma-separated names and addresses. "*.example.org" is every name
// below example.org.
func ParseHosts(text string) (*Hosts, error) {
	h := &Hosts{names: map[string]bool{}}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name := hostname(part)
		suffix, wildcard := strings.CutPrefix(name, "*")
		_, ip := parseIP(part)
		switch {
		case !ip && strings.Contains(part, ":"), strings.Contains(part, "/"):
			return nil, fmt.Errorf("%q must be a name without scheme, port or path, such as directory.example.org", part)
		case wildcard && len(suffix) > 1 && suffix[0] == '.' && plain(suffix[1:]):
			h.suffixes = append(h.suffixes, suffix)
		case !plain(name):
			return nil, fmt.Errorf("%q is not the name of a host, such as directory.example.org", part)
		default:
			h.names[name] = true
		}
	}
	return h, nil
}

// Given reports whether the operator gave any name.
func (h *Hosts) Given() bool { return len(h.names)+len(h.suffixes) > 0 }

// Known reports whether the server answers to a Host, with or without a port. local is the
// address that the request came to.
func (h *Hosts) Known(host string, local netip.Addr) bool {
	if ip, ok := parseIP(withoutPort(host)); ok {
		// What the kernel connects to this machine for an address without a name.
		return ip.IsLoopback() || ip.IsUnspecified() || ip == local || h.names[ip.String()] || h.Own != nil && h.Own(ip) || h.certified(ip.String())
	}
	name := hostname(host)
	if h.names[name] {
		return true
	}
	if !plain(name) || strings.Contains(name, ":") { // which only addresses have
		return false
	}
	for _, suffix := range h.suffixes {
		if len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return IsLocalhost(name) || h.certified(name)
}

func (h *Hosts) certified(name string) bool {
	if h.Certificate == nil {
		return false
	}
	c := h.Certificate()
	return c != nil && c.VerifyHostname(name) == nil
}

// IsLocalhost reports whether browsers and resolvers lead the name in a Host to this machine
// without asking anybody (RFC 6761).
func IsLocalhost(host string) bool {
	name := hostname(host)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// hostname returns the name or address in a Host, without its port, in the one way that it
// is compared.
func hostname(host string) string {
	host = withoutPort(host)
	if ip, ok := parseIP(host); ok {
		return ip.String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func parseIP(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

// maxName is the longest name in DNS.
const maxName = 253

// plain reports whether a name has only what names of hosts, and addresses, are made of.
func plain(name string) bool {
	return name != "" && len(name) <= maxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.:") == ""
}

// local returns the address that a request came to.
func local(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// OwnAddress reports whether an address is one of this machine's at this time.
func OwnAddress(a netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, own := range all {
		if p, err := netip.ParsePrefix(own.String()); err == nil && p.Addr().Unmap().WithZone("") == a {
			return true
		}
	}
	return false
}
