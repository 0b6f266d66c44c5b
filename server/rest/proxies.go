package rest

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of reverse proxies whose X-Forwarded-For is trusted. This machine
// always is.
type Proxies []netip.Prefix

// ParseProxies parses comma-separated networks and addresses.
func ParseProxies(text string) (Proxies, error) {
	var all Proxies
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if a, err := netip.ParseAddr(part); err == nil {
			all = append(all, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", part)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// client identifies the client by its IPv4 address, or by the network of its IPv6 address,
// since one client has countless IPv6 addresses. limited is false for a program on this
// machine that does not forward for another: it belongs to the operator. What is no address
// in X-Forwarded-For counts as the one that sent it.
func (p Proxies) client(r *http.Request) (key string, limited bool) {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr, true
	}
	header := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	if header == "" {
		return network(peer), !peer.IsLoopback()
	}
	forwarded := strings.Split(header, ",")
	// From the right: each proxy appends its client's address. What precedes an unknown
	// proxy could be forged.
	for i := len(forwarded) - 1; i >= 0 && p.Contains(peer); i-- {
		next, ok := parseAddr(strings.TrimSpace(forwarded[i]))
		if !ok {
			return network(peer), true
		}
		peer = next
	}
	return network(peer), !peer.IsLoopback()
}

// network returns what stands for all addresses of one client.
func network(a netip.Addr) string {
	if a.Is6() {
		if prefix, err := a.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return a.String()
}

// forwardedHost returns the host that a trusted proxy was asked for, "" for none. The last
// one is what the nearest proxy says.
func (p Proxies) forwardedHost(r *http.Request) string {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok || !p.Contains(peer) {
		return ""
	}
	all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Host"), ","), ",")
	return strings.TrimSpace(all[len(all)-1])
}

// Contains reports whether an address is a trusted proxy or this machine.
func (p Proxies) Contains(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr parses an address with or without a port.
func parseAddr(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}
