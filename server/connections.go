package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/rollcall/rollcall/server/rest"
)

// keepAlive finds clients that went without a word: after 15 s of silence the
// kernel asks, and after four unanswered questions it ends the connection.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}

// listenOn listens for connections, of which it lets so many exist at once.
func listenOn(ctx context.Context, o *serveOptions) (*bounded, error) {
	proxies, err := rest.ParseProxies(o.proxies)
	if err != nil {
		return nil, err
	}
	config := net.ListenConfig{KeepAliveConfig: keepAlive, Control: giveUpOnSilence}
	l, err := config.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", o.addr, err)
	}
	b := &bounded{Listener: l, most: o.perAddress, exempt: proxies.Contains, open: map[netip.Addr]int{}}
	b.limited = netutil.LimitListener(acceptor{b}, o.connections)
	return b, nil
}

// bounded is a listener that bounds its connections: all together, of which more
// wait to be accepted, and from one address, of which more are closed at once, so
// that no single client can take all places.
type bounded struct {
	net.Listener
	limited net.Listener // counts all together
	most    int
	exempt  func(netip.Addr) bool

	mu      sync.Mutex
	open    map[netip.Addr]int
	all     atomic.Int64
	refused atomic.Int64
}

// Accept waits for a place and then for a connection.
func (b *bounded) Accept() (net.Conn, error) { return b.limited.Accept() }

// Close ends listening, also for who waits for a place.
func (b *bounded) Close() error { return b.limited.Close() }

// acceptor is the bounded listener below the bound of all together.
type acceptor struct{ *bounded }

func (a acceptor) Close() error { return a.Listener.Close() }

func (a acceptor) Accept() (net.Conn, error) {
	for {
		c, err := a.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := addressOf(c)
		if !a.take(addr) {
			a.refused.Add(1)
			// Without a word: an answer would cost more than the refusal saves.
			_ = c.Close()
			continue
		}
		a.all.Add(1)
		return &countedConn{Conn: c, ended: sync.OnceFunc(func() { a.release(addr) })}, nil
	}
}

func addressOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (b *bounded) take(addr netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[addr] >= b.most && !b.exempt(addr) {
		return false
	}
	b.open[addr]++
	return true
}

func (b *bounded) release(addr netip.Addr) {
	b.all.Add(-1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[addr]--
	if b.open[addr] == 0 {
		delete(b.open, addr)
	}
}

// countedConn tells when it is closed.
type countedConn struct {
	net.Conn
	ended func()
}

func (c *countedConn) Close() error {
	defer c.ended()
	return c.Conn.Close()
}
