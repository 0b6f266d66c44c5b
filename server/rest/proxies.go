package rest

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/rollcall/rollcall/server/limit"
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

// network identifies the client by its limit.Network. It is empty for an exempt client that
// does not forward for another: it belongs to the operator. What is no address in
// X-Forwarded-For, or that of another machine itself, counts as the one that sent it.
func (l Limits) network(r *http.Request) string {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr
	}
	var forwarded []string
	if header := strings.Join(r.Header.Values("X-Forwarded-For"), ","); header != "" {
		forwarded = strings.Split(header, ",")
	}
	// From the right: each proxy appends its client's address. What precedes an unknown
	// proxy could be forged.
	for i := len(forwarded) - 1; i >= 0 && l.Proxies.Contains(peer); i-- {
		next, ok := parseAddr(strings.TrimSpace(forwarded[i]))
		if !ok || next.IsLoopback() && !peer.IsLoopback() { // a client among the proxies made it up
			return limit.Network(peer).String()
		}
		peer = next
	}
	if contains(l.exempt(), peer) {
		return ""
	}
	return limit.Network(peer).String()
}

// forwardedHost returns the host that a trusted proxy was asked for, "" for none. The last
// one is what the nearest proxy says.
func (p Proxies) forwardedHost(r *http.Request) string {
	given := r.Header.Values("X-Forwarded-Host")
	if len(given) == 0 || !p.sent(r) {
		return ""
	}
	all := strings.Split(strings.Join(given, ","), ",")
	return strings.TrimSpace(all[len(all)-1])
}

// sent reports whether a trusted proxy, or this machine, sent a request.
func (p Proxies) sent(r *http.Request) bool {
	peer, ok := parseAddr(r.RemoteAddr)
	return ok && p.Contains(peer)
}

// ThisMachine are the networks that are exempt from limits by default.
func ThisMachine() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func (l Limits) exempt() []netip.Prefix {
	if l.Exempt == nil {
		return ThisMachine()
	}
	return l.Exempt
}

// ManyClients reports whether one address may have the connections of many clients: it is
// exempt, or a proxy that was named.
func (l Limits) ManyClients(a netip.Addr) bool {
	return contains(l.exempt(), a) || contains(l.Proxies, a)
}

// Contains reports whether an address is a trusted proxy or this machine.
func (p Proxies) Contains(a netip.Addr) bool { return a.IsLoopback() || contains(p, a) }

func contains(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// parseAddr parses an address with or without a port.
func parseAddr(text string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}
