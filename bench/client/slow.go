package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/time/rate"
)

// A slow link, as of a phone on a bad day: what Chromium's developer tools call slow 4G. It is
// between the browser and the server, so that workers have it, too.
const (
	linkLatency = 150 * time.Millisecond // of each request
	linkRate    = 1_600_000 / 8          // bytes per second of all answers together
	linkPiece   = 4 << 10
)

// slowLink forwards connections to a server.
type slowLink struct {
	listener net.Listener
	backend  string
	answers  *rate.Limiter
}

// linkTo returns a link to the server at an address.
func linkTo(ctx context.Context, backend string) (*slowLink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a slow link: %w", err)
	}
	l := &slowLink{listener, backend, rate.NewLimiter(linkRate, linkPiece)}
	go l.serve(ctx)
	return l, nil
}

func (l *slowLink) origin() string { return "http://" + l.listener.Addr().String() }

func (l *slowLink) close() error { return l.listener.Close() }

func (l *slowLink) serve(ctx context.Context) {
	for {
		browser, err := l.listener.Accept()
		if err != nil {
			return // it is closed
		}
		server, err := net.Dial("tcp", l.backend)
		if err != nil {
			_ = browser.Close() // the page sees that
			continue
		}
		end := func() { _ = errors.Join(browser.Close(), server.Close()) } // the other direction has ended it
		go func() { defer end(); l.ask(server, browser) }()
		go func() { defer end(); l.answer(ctx, browser, server) }()
	}
}

// ask forwards requests after the latency, which does not keep up those behind.
func (l *slowLink) ask(to io.Writer, from io.Reader) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			data := make([]byte, linkPiece)
			n, err := from.Read(data)
			if n > 0 {
				pieces <- piece{data[:n], time.Now().Add(linkLatency)}
			}
			if err != nil {
				return
			}
		}
	}()
	failed := false
	for p := range pieces { // to its end, so that the reader ends
		time.Sleep(time.Until(p.due))
		if !failed {
			_, err := to.Write(p.data)
			failed = err != nil
		}
	}
}

// answer forwards answers at the link's rate.
func (l *slowLink) answer(ctx context.Context, to io.Writer, from io.Reader) {
	data := make([]byte, linkPiece)
	for {
		n, err := from.Read(data)
		if n > 0 {
			if l.answers.WaitN(ctx, n) != nil {
				return
			}
			if _, err := to.Write(data[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
