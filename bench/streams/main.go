// Command streams opens thousands of idle event streams against a server of its
// own, makes one change, and prints what a stream costs the server and how long it
// took until all clients had heard of the change.
//
//	make build && go run ./bench/streams -n 5000
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall/rollcall/bench/subject"
)

func main() {
	n := flag.Int("n", 5000, "streams")
	binary := flag.String("server", "bin/rollcall", "the server's binary")
	hold := flag.Duration("hold", 30*time.Second, "how long they stay idle, pings and all")
	flag.Parse()
	if err := run(context.Background(), *binary, *n, *hold); err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, n int, hold time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "rollcall-streams-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	served, err := subject.Serve(ctx, binary, filepath.Join(dir, "r.db"))
	if err != nil {
		return err
	}
	s := &server{Server: served}
	defer func() { err = errors.Join(err, s.Stop()) }()
	before, err := s.Metrics(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	heard, closeAll, err := s.openAll(n)
	defer closeAll()
	if err != nil {
		return err
	}
	opened := time.Since(began)
	time.Sleep(hold)
	after, err := s.Metrics(ctx)
	if err != nil {
		return err
	}
	if got := int(after["rollcall_streams"]); got != n {
		return fmt.Errorf("%d of %d streams are open after %v", got, n, hold)
	}
	delays, err := s.change(ctx, heard, n)
	if err != nil {
		return err
	}
	each := func(name string) float64 { return (after[name] - before[name]) / float64(n) / 1024 }
	fmt.Printf("%d streams, opened in %.1f s, idle for %v\n", n, opened.Seconds(), hold)
	fmt.Printf("server: %.1f kB resident each (%.0f MB in all), of which %.1f kB stacks and %.1f kB heap; %.0f file descriptors; %.2f s CPU a minute while idle\n",
		each("process_resident_memory_bytes"), after["process_resident_memory_bytes"]/(1<<20), each("go_memstats_stack_inuse_bytes"),
		each("go_memstats_heap_inuse_bytes"), after["process_open_fds"],
		(after["process_cpu_seconds_total"]-s.opened)/hold.Minutes())
	fmt.Printf("one change was heard by half of them after %v, by all after %v\n",
		delays[n/2].Round(time.Millisecond), delays[n-1].Round(time.Millisecond))
	return nil
}

// server is what is measured, with its CPU seconds when all streams were open.
type server struct {
	*subject.Server
	opened float64
}

// openAll opens the streams and waits until each has heard its first event. heard
// gets the time of every later one.
func (s *server) openAll(n int) (heard chan time.Time, closeAll func(), err error) {
	heard = make(chan time.Time, n)
	first := make(chan error, n)
	var mu sync.Mutex
	var conns []net.Conn
	closeAll = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for range n {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return nil, closeAll, fmt.Errorf("open stream %d (ulimit -n?): %w", len(conns)+1, err)
		}
		mu.Lock()
		conns = append(conns, c)
		mu.Unlock()
		if _, err := io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: "+s.Addr+"\r\n\r\n"); err != nil {
			return nil, closeAll, err
		}
		go listen(c, first, heard)
	}
	for range n {
		if err := <-first; err != nil {
			return nil, closeAll, err
		}
	}
	m, err := s.Metrics(context.Background())
	s.opened = m["process_cpu_seconds_total"]
	return heard, closeAll, err
}

func listen(c net.Conn, first chan<- error, heard chan<- time.Time) {
	lines := bufio.NewReaderSize(c, 512)
	for events := 0; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			if events == 0 {
				first <- fmt.Errorf("a stream ended before its first event: %w", err)
			}
			return
		}
		if !strings.HasPrefix(line, "id: ") {
			continue
		}
		events++
		if events == 1 {
			first <- nil
		} else {
			heard <- time.Now()
		}
	}
}

// change makes one, and returns after what times it was heard of.
func (s *server) change(ctx context.Context, heard <-chan time.Time, n int) ([]time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr+"/api/v1/users", strings.NewReader(`{"name":"A","email":"a@example.org"}`))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	delays := make([]time.Duration, 0, n)
	for deadline := time.After(time.Minute); len(delays) < n; {
		select {
		case at := <-heard:
			delays = append(delays, at.Sub(began))
		case <-deadline:
			return nil, fmt.Errorf("only %d of %d heard of the change within a minute", len(delays), n)
		}
	}
	slices.Sort(delays)
	return delays, nil
}
