package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
)

const (
	pageSize  = 500 // as wasm/sync asks
	batchMost = 5   // operations of a batch
)

// client is a device with the app open, as the server sees it. It holds an event stream, and
// reads the feed from its cursor on at each event; events during a read cause one more. At
// random times it sends a batch of new users and reads the feed.
type client struct {
	id     string
	addr   string
	every  time.Duration // between two writes, on average
	random *rand.Rand
	shared *shared

	stream net.Conn
	news   chan struct{} // holds one value when there is something new
	wire   wire
	cursor string
	queue  []api.Operation // unchanged until acknowledged
	sent   bool            // the queue was sent before, so its operations may be duplicates
	retry  time.Time       // of Retry-After

	tally tally
}

func newClient(n int, addr string, every time.Duration, shared *shared) *client {
	return &client{
		id: uuid.NewString(), addr: addr, every: every, random: rand.New(rand.NewPCG(uint64(n), 1)), shared: shared,
		news: make(chan struct{}, 1), wire: wire{addr: addr},
		tally: tally{sampled: n%sampling == 0},
	}
}

// open opens the event stream, and starts at its first cursor: the device has read everything
// before.
func (c *client) open(ctx context.Context) (err error) {
	if c.stream, err = new(net.Dialer).DialContext(ctx, "tcp", c.addr); err != nil {
		return fmt.Errorf("open a stream (ulimit -n?): %w", err)
	}
	if _, err := io.WriteString(c.stream, "GET /api/v1/events HTTP/1.1\r\nHost: "+c.addr+"\r\n"+authorization+"\r\n"); err != nil {
		return fmt.Errorf("open a stream: %w", err)
	}
	lines := bufio.NewReaderSize(c.stream, 512)
	if c.cursor, err = nextEvent(lines); err != nil {
		return fmt.Errorf("read a stream's first event: %w", err)
	}
	go c.listen(lines)
	return nil
}

// nextEvent waits for the next event with an id, and returns the id.
func nextEvent(lines *bufio.Reader) (id string, err error) {
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if id, ok := strings.CutPrefix(string(line), "id: "); ok {
			return strings.TrimSpace(id), nil
		}
	}
}

func (c *client) listen(lines *bufio.Reader) {
	for {
		if _, err := nextEvent(lines); err != nil {
			if !errors.Is(err, net.ErrClosed) {
				c.shared.failed(fmt.Errorf("an event stream ended: %w", err))
			}
			return
		}
		c.shared.events.Add(1)
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

func (c *client) close() {
	if c.stream != nil {
		_ = c.stream.Close() // nothing more is wanted of it
	}
	c.wire.close()
}

// live writes and reads until ctx ends. When writing ends, it sends its queue and goes on
// reading.
func (c *client) live(ctx context.Context, writing <-chan struct{}) {
	write := time.NewTimer(c.pause())
	defer write.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.news:
		case <-write.C:
			select {
			case <-writing: // it has ended
			default:
				c.enqueue()
				write.Reset(c.pause())
			}
		}
		for err := c.round(); err != nil; err = c.round() {
			c.shared.failed(err)
			if !c.wait(ctx) {
				return
			}
		}
	}
}

// pause returns the time to the next write, exponentially distributed.
func (c *client) pause() time.Duration {
	return time.Duration(c.random.ExpFloat64() * float64(c.every))
}

// wait waits before a retry: for the server's Retry-After, or about a second.
func (c *client) wait(ctx context.Context) bool {
	pause := max(time.Until(c.retry), time.Duration((0.5+c.random.Float64())*float64(time.Second)))
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

func (c *client) enqueue() {
	if len(c.queue) > 0 {
		return // wait for the last batch
	}
	c.sent = false
	for range 1 + c.random.IntN(batchMost) {
		id := uuid.NewString()
		data := fmt.Appendf(nil, `{"name":"Person %s","email":"%s@example.org","bio":"Written under load, to see how much of it the server takes."}`, id[:8], id)
		c.queue = append(c.queue, api.Operation{
			ID: api.NewOperationID(), EntityType: api.EntityUser, EntityID: id, Type: api.Create, Data: data, CreatedAt: time.Now().UTC(),
		})
	}
}

// round sends the queue, and reads the feed to its end.
func (c *client) round() error {
	if len(c.queue) > 0 {
		if err := c.push(); err != nil {
			return err
		}
	}
	return c.pull()
}

func (c *client) push() error {
	body, err := json.Marshal(api.Batch{ClientID: c.id, Operations: c.queue})
	if err != nil {
		return fmt.Errorf("encode a batch: %w", err)
	}
	again, measuring, began := c.sent, c.shared.measuring.Load(), time.Now()
	c.shared.sending(c.queue, began)
	a, err := c.ask(http.MethodPost, "/api/v1/operations", body)
	if err != nil {
		return err
	}
	c.tally.pushed(measuring, time.Since(began), len(c.queue))
	var result api.BatchResult
	if err := json.Unmarshal(a.body, &result); err != nil {
		return fmt.Errorf("decode the answer to a batch: %w", err)
	}
	if len(result.Results) != len(c.queue) {
		return fmt.Errorf("%d results for %d operations", len(result.Results), len(c.queue))
	}
	for i, r := range result.Results {
		if r.ID != c.queue[i].ID || (r.Status != api.Applied && (r.Status != api.Duplicate || !again)) {
			var why error
			if r.Problem != nil {
				why = r.Problem
			}
			return errors.Join(fmt.Errorf("operation %s is %s", r.ID, r.Status), why)
		}
	}
	c.shared.acknowledged(c.queue)
	c.queue = nil
	return nil
}

func (c *client) pull() error {
	for {
		measuring, began := c.shared.measuring.Load(), time.Now()
		a, err := c.ask(http.MethodGet, "/api/v1/changes?"+url.Values{"cursor": {c.cursor}, "limit": {strconv.Itoa(pageSize)}}.Encode(), nil)
		if err != nil {
			return err
		}
		p, err := parsePage(a.body)
		if err != nil {
			return err
		}
		now := time.Now()
		c.tally.pulled(measuring, now.Sub(began), p.ids)
		if measuring && c.tally.sampled {
			c.tally.reach = c.shared.reached(c.tally.reach, p.ids, now)
		}
		c.cursor = p.cursor
		if !p.more {
			return nil
		}
	}
}

// ask sends a request. Any other status than 200 is an error.
func (c *client) ask(method, path string, body []byte) (answer, error) {
	if body != nil {
		defer func() { c.sent = true }()
	}
	a, err := c.wire.ask(method, path, body)
	if err != nil {
		return a, fmt.Errorf("%s: %w", method, err)
	}
	if a.status != http.StatusOK {
		c.retry = time.Now().Add(a.retryAfter)
		return a, fmt.Errorf("%s was answered %d: %.200q", method, a.status, a.body)
	}
	return a, nil
}
