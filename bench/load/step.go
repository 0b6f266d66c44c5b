package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall/rollcall/bench/figures"
	"github.com/rollcall/rollcall/bench/subject"
)

// Times of a step besides the measurement, and the streams opened at once.
const (
	warmUp     = 4 * time.Second
	settleTime = 20 * time.Second // until everything has arrived everywhere
	openers    = 64
)

// figure is the result of a step, for all servers together. Rates are per second.
type figure struct {
	clients              int
	writes, ops, pulls   float64
	events               float64
	push50, push99       time.Duration
	pull50, pull99       time.Duration
	reach50, reach99     time.Duration
	cpu, database, loads float64 // processors in use: servers, PostgreSQL, this program
	memory               int64   // bytes of the servers
	errors               int64
	first                error
}

// holds reports whether the server can carry the clients. A step without pushes or pulls
// proves nothing.
func (f *figure) holds(limit time.Duration) bool {
	return f.errors == 0 && f.writes > 0 && f.pulls > 0 && f.push99 < limit && f.pull99 < limit
}

// site is the servers under load.
type site struct {
	servers []*subject.Server
	usage   func() (servers, database subject.Usage, err error)
}

// step runs n clients, and measures for a time.
func (s *site) step(ctx context.Context, n int, every, measure time.Duration) (f figure, err error) {
	shared := newShared()
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = newClient(i, s.servers[i%len(s.servers)].Addr, every, shared)
	}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	if err := openAll(ctx, clients); err != nil {
		return f, err
	}
	living, stop := context.WithCancel(ctx)
	writing := make(chan struct{})
	var lives sync.WaitGroup
	for _, c := range clients {
		lives.Go(func() { c.live(living, writing) })
	}
	f = figure{clients: n}
	if err = sleep(ctx, warmUp); err == nil {
		err = s.measure(ctx, shared, &f, measure)
	}
	close(writing)
	if err == nil {
		settled(ctx, clients, shared)
	}
	f.errors, f.first = shared.faults() // later errors come from the shutdown
	stop()
	for _, c := range clients {
		c.close() // ends pending requests
	}
	lives.Wait()
	f.count(clients, measure)
	return f, err
}

func openAll(ctx context.Context, clients []*client) error {
	queue := make(chan *client, len(clients))
	for _, c := range clients {
		queue <- c
	}
	close(queue)
	failed := make(chan error, openers)
	var opening sync.WaitGroup
	for range openers {
		opening.Go(func() {
			for c := range queue {
				if err := c.open(ctx); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (s *site) measure(ctx context.Context, shared *shared, f *figure, measure time.Duration) error {
	servers, database, err := s.usage()
	if err != nil {
		return err
	}
	own, err := subject.OwnUsage()
	if err != nil {
		return err
	}
	began, events := time.Now(), shared.events.Load()
	shared.measuring.Store(true)
	if err := sleep(ctx, measure); err != nil {
		return err
	}
	shared.measuring.Store(false)
	took := time.Since(began).Seconds()
	f.events = float64(shared.events.Load()-events) / took
	serversAfter, databaseAfter, err := s.usage()
	if err != nil {
		return err
	}
	ownAfter, err := subject.OwnUsage()
	if err != nil {
		return err
	}
	f.cpu = (serversAfter.CPU - servers.CPU).Seconds() / took
	f.database = (databaseAfter.CPU - database.CPU).Seconds() / took
	f.loads = (ownAfter.CPU - own.CPU).Seconds() / took
	f.memory = serversAfter.Memory
	return nil
}

// settled waits until each change has arrived once at each client. One that does not is an
// error of the step.
func settled(ctx context.Context, clients []*client, shared *shared) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	waiting := clients
	for {
		want, fingerprints, pending := shared.made()
		var still []*client
		for _, c := range waiting {
			all, err := c.tally.has(want, fingerprints)
			switch {
			case pending > 0: // some that arrived may not be acknowledged yet
				still = append(still, c)
			case err != nil:
				shared.failed(err)
			case !all:
				still = append(still, c)
			}
		}
		if waiting = still; len(waiting) == 0 {
			return
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			shared.failed(fmt.Errorf("%d of %d clients lack changes %v after the last was made", len(waiting), len(clients), settleTime))
			return
		}
	}
}

// count sums up the tallies of the clients, which have ended.
func (f *figure) count(clients []*client, measure time.Duration) {
	var push, pull, reach []time.Duration
	operations := 0
	for _, c := range clients {
		push, pull, reach = append(push, c.tally.push...), append(pull, c.tally.pull...), append(reach, c.tally.reach...)
		operations += c.tally.operations
	}
	seconds := measure.Seconds()
	f.writes, f.ops, f.pulls = float64(len(push))/seconds, float64(operations)/seconds, float64(len(pull))/seconds
	f.push50, f.push99 = figures.Percentile(push, 50), figures.Percentile(push, 99)
	f.pull50, f.pull99 = figures.Percentile(pull, 50), figures.Percentile(pull, 99)
	f.reach50, f.reach99 = figures.Percentile(reach, 50), figures.Percentile(reach, 99)
}

// sleep waits for a duration.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
