package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
)

// sample is one measurement of one work with one server.
type sample struct {
	Round     int           `json:"round"`
	Server    string        `json:"server"`
	Work      work          `json:"work"`
	Requests  int           `json:"requests"`
	Elapsed   time.Duration `json:"elapsed_ns"`
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	ServerCPU time.Duration `json:"server_cpu_ns"` // of the server and its database
	ClientCPU time.Duration `json:"client_cpu_ns"`
	Bytes     int64         `json:"bytes"` // of the answers' bodies
}

// settle is the time a server gets after each measurement for deferred work, which counts as
// its CPU time and does not disturb the next measurement.
const settle = 100 * time.Millisecond

// measure measures a work for some time. Every request that was started is completed and
// counts.
func measure(c *contender, w work, lasting time.Duration) (sample, error) {
	lanes, err := open(c, w)
	if err != nil {
		return sample{}, err
	}
	defer func() {
		for _, l := range lanes {
			_ = l.wire.close() // all answers are read
		}
	}()
	server, err := c.cpu()
	if err != nil {
		return sample{}, err
	}
	own, err := subject.OwnUsage()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	err = drive(lanes, began.Add(lasting))
	elapsed := time.Since(began)
	if err != nil {
		return sample{}, fmt.Errorf("%s, %s: %w", c.name, w, err)
	}
	ownAfter, err := subject.OwnUsage()
	if err != nil {
		return sample{}, err
	}
	time.Sleep(settle)
	serverAfter, err := c.cpu()
	if err != nil {
		return sample{}, err
	}
	s := sample{Server: c.name, Work: w, Elapsed: elapsed, ServerCPU: serverAfter - server, ClientCPU: ownAfter.CPU - own.CPU}
	var took []time.Duration
	for _, l := range lanes {
		took, s.Bytes = append(took, l.took...), s.Bytes+l.bytes
	}
	s.Requests = len(took)
	s.P50, s.P99 = figures.Percentile(took, 50), figures.Percentile(took, 99)
	return s, nil
}

// lane is a connection under load.
type lane struct {
	wire    *wire
	session session
	took    []time.Duration // by each request
	bytes   int64
	err     error
}

func open(c *contender, w work) ([]*lane, error) {
	var lanes []*lane
	for range w.Connections {
		conn, err := c.dial()
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, &lane{wire: conn, session: w.session(c.dialect, preloaded), took: make([]time.Duration, 0, 1<<14)})
	}
	return lanes, nil
}

// drive runs all lanes until the deadline.
func drive(lanes []*lane, deadline time.Time) error {
	var all sync.WaitGroup
	for _, l := range lanes {
		all.Go(func() { l.err = l.run(deadline) })
	}
	all.Wait()
	var errs []error
	for _, l := range lanes {
		errs = append(errs, l.err)
	}
	return errors.Join(errs...)
}

func (l *lane) run(deadline time.Time) error {
	var r request
	for begin := time.Now(); begin.Before(deadline); {
		l.session.next(&r)
		a, err := l.wire.do(&r)
		if err != nil {
			return err
		}
		if err := l.session.check(a); err != nil {
			return err
		}
		now := time.Now()
		l.took, l.bytes, begin = append(l.took, now.Sub(begin)), l.bytes+int64(len(a.body)), now
	}
	return nil
}

// load saves n people in batches of 100 over one connection.
func load(c *contender, n int) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.close() }()
	var r request
	for s := (work{createBatch, 1, 100}).session(c.dialect, 0); n > 0; n -= 100 {
		s.next(&r)
		a, err := conn.do(&r)
		if err == nil {
			err = s.check(a)
		}
		if err != nil {
			return fmt.Errorf("load %s: %w", c.name, err)
		}
	}
	return nil
}

// audit checks that a server holds as many people as it has acknowledged.
func audit(c *contender, acknowledged int) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.close() }()
	n, err := c.dialect.count(conn)
	if err != nil {
		return fmt.Errorf("count what %s holds: %w", c.name, err)
	}
	if n != acknowledged {
		return fmt.Errorf("%s holds %d people but acknowledged %d", c.name, n, acknowledged)
	}
	return nil
}
