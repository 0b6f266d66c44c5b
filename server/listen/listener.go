// Package listen accepts the server's connections: a bounded number of them, and with a
// certificate that is reloaded when its files change.
package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/rollcall/rollcall/server/limit"
)

// keepAlive finds dead clients: the kernel probes after 15 s of silence, and closes the
// connection after four unanswered probes.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}

// Limits bound the connections of a Listener.
type Limits struct {
	Total      int // more wait to be accepted
	PerNetwork int // more from one limit.Network are closed at once, so that no client can take all places
	// Rate is how many one limit.Network may open: a TLS handshake takes a processor for some
	// milliseconds, before any request has a rate. More are closed at once.
	Rate limit.Rate
	// Exempt reports whether an address has no share and no rate: it may take all places.
	Exempt func(netip.Addr) bool
}

// Listener is a TCP listener within Limits.
type Listener struct {
	net.Listener
	limited net.Listener // waits for a free place among Limits.Total
	limits  Limits
	rates   *limit.Buckets

	mu      sync.Mutex
	open    map[netip.Prefix]int
	total   atomic.Int64
	refused atomic.Int64
}

// TCP listens on an address.
func TCP(ctx context.Context, addr string, limits Limits) (*Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	b := newListener(l, limits)
	b.limited = netutil.LimitListener(acceptor{b}, limits.Total)
	return b, nil
}

// maxNetworks bounds the memory for rates.
const maxNetworks = 50_000

func newListener(l net.Listener, limits Limits) *Listener {
	return &Listener{Listener: l, limits: limits, rates: limit.NewBuckets(limits.Rate, maxNetworks), open: map[netip.Prefix]int{}}
}

// Accept waits for a free place and then for a connection.
func (l *Listener) Accept() (net.Conn, error) { return l.limited.Accept() }

// Close stops listening, and ends a wait for a free place.
func (l *Listener) Close() error { return l.limited.Close() }

// Open returns the number of open connections.
func (l *Listener) Open() int64 { return l.total.Load() }

// Refused returns how many connections were closed because their network had too many.
func (l *Listener) Refused() int64 { return l.refused.Load() }

// acceptor is the Listener without the limit on all connections together.
type acceptor struct{ *Listener }

func (a acceptor) Close() error { return a.Listener.Listener.Close() }

func (a acceptor) Accept() (net.Conn, error) {
	for {
		c, err := a.Listener.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := addressOf(c)
		network := limit.Network(addr)
		if !a.acquire(network, a.limits.Exempt(addr)) {
			a.refused.Add(1)
			// No answer: it would cost more than refusing saves.
			_ = c.Close()
			continue
		}
		a.total.Add(1)
		return &countedConn{Conn: Steady(c), closed: sync.OnceFunc(func() { a.release(network) })}, nil
	}
}

func addressOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *Listener) acquire(network netip.Prefix, exempt bool) bool {
	if !exempt {
		if _, ok := l.rates.Take(network.String(), time.Now()); !ok {
			return false
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[network] >= l.limits.PerNetwork && !exempt {
		return false
	}
	l.open[network]++
	return true
}

func (l *Listener) release(network netip.Prefix) {
	l.total.Add(-1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[network]--
	if l.open[network] == 0 {
		delete(l.open, network)
	}
}

// countedConn calls closed when it is closed.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
