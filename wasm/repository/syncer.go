package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Status returns the engine's latest status. Its At is zero until the first arrives.
func (c *Collection[T, P]) Status() sync.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest
}

// StatusChanges is Changes for Status.
func (c *Collection[T, P]) StatusChanges(ctx context.Context) <-chan struct{} {
	return c.status.Subscribe(ctx)
}

func (c *Collection[T, P]) setStatus(s sync.Status) {
	c.mu.Lock()
	if s.SyncedAt.IsZero() { // a host that has just started, or failed to, does not know
		s.SyncedAt = c.latest.SyncedAt
	}
	c.latest = s
	c.mu.Unlock()
	c.status.Notify()
}

// renewStatus keeps the status from expiring: the worker is alive, and nothing has
// changed. A page may have reported in its place that there is no worker; that report is
// left to expire.
func (c *Collection[T, P]) renewStatus() {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.latest.Problem
	if !c.latest.At.IsZero() && (p == nil || p.Code != sync.CodeNoWorker) {
		c.latest.At = c.cfg.Now().UTC()
	}
}

// Incidents returns what went wrong with syncing itself and was dealt with, newest first.
func (c *Collection[T, P]) Incidents(ctx context.Context) ([]sync.Incident, error) {
	return sync.Incidents(ctx, c.cfg.Store)
}

// Check returns how the device's records compared with the server's at the last check.
func (c *Collection[T, P]) Check(ctx context.Context) (sync.Check, error) {
	m, err := c.cfg.Store.Meta(ctx, sync.MetaCheck)
	if err != nil {
		return sync.Check{}, fmt.Errorf("read the last check: %w", err)
	}
	return sync.ParseCheck(m[sync.MetaCheck]), nil
}

// Delays of SyncAll. It repeats the request, since a tab may just be taking over the
// engine, and gives up once it has received nothing at all for a while.
const (
	repeatRequest = 2 * time.Second
	giveUpAfter   = 20 * time.Second
)

// SyncAll asks the engine to push and then pull, and waits for the end of the round. If
// the round failed, the report says why. The error means that no engine answered.
func (c *Collection[T, P]) SyncAll(ctx context.Context) (sync.Report, error) {
	id := c.cfg.NewID()
	reports := make(chan sync.Report, 1)
	alive := make(chan struct{}, 1)
	defer c.cfg.Bus.Subscribe(func(m sync.Message) {
		switch {
		case m.Kind == sync.SyncDone && m.ID == id && m.Report != nil:
			sync.TrySend(reports, *m.Report)
		case m.Kind == sync.StatusChanged || m.Kind == sync.Heartbeat:
			sync.TrySend(alive, struct{}{})
		}
	})()
	request := func() { c.cfg.Bus.Publish(sync.Message{Kind: sync.SyncRequest, ID: id, Reason: sync.Manual}) }
	request()
	for silence := time.Duration(0); silence < giveUpAfter; {
		select {
		case <-ctx.Done():
			return sync.Report{}, context.Cause(ctx)
		case r := <-reports:
			return r, nil
		case <-alive:
			silence = 0
		case <-c.cfg.After(repeatRequest):
			silence += repeatRequest
			request()
		}
	}
	return sync.Report{}, errors.New("the sync worker does not answer; reload the page")
}
