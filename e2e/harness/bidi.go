package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// bidi is a session of WebDriver BiDi (W3C), which drives Firefox: commands and events as
// JSON over one WebSocket.
type bidi struct {
	conn    *websocket.Conn
	onEvent func(method string, params json.RawMessage) // must not block
	gone    chan struct{}                               // closed when the connection is

	mu      sync.Mutex
	last    int
	waiting map[int]chan<- bidiMessage
}

// bidiMessage is an answer to a command, or an event.
type bidiMessage struct {
	Type    string          `json:"type"` // success, error or event
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

var errClosed = errors.New("the browser closed the connection")

// dialBiDi begins a session with the browser that listens at address.
func dialBiDi(ctx context.Context, address string, onEvent func(string, json.RawMessage)) (*bidi, error) {
	conn, answer, err := websocket.Dial(ctx, address+"/session", nil)
	if answer != nil && answer.Body != nil {
		defer answer.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	conn.SetReadLimit(-1)
	b := &bidi{conn: conn, onEvent: onEvent, gone: make(chan struct{}), waiting: map[int]chan<- bidiMessage{}}
	go b.read()
	if err := b.call(ctx, "session.new", map[string]any{"capabilities": map[string]any{}}, nil); err != nil {
		b.close()
		return nil, err
	}
	events := map[string]any{"events": []string{"script.message", "log.entryAdded"}}
	if err := b.call(ctx, "session.subscribe", events, nil); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bidi) close() { _ = b.conn.CloseNow() } // it can only be closed already

func (b *bidi) read() {
	defer close(b.gone)
	for {
		var m bidiMessage
		if err := wsjson.Read(context.Background(), b.conn, &m); err != nil {
			return
		}
		if m.Type == "event" {
			b.onEvent(m.Method, m.Params)
			continue
		}
		b.mu.Lock()
		answer := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

// call sends a command and decodes its result into out, unless that is nil.
func (b *bidi) call(ctx context.Context, method string, params, out any) error {
	answer := make(chan bidiMessage, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, id)
	}()
	if err := wsjson.Write(ctx, b.conn, map[string]any{"id": id, "method": method, "params": params}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		}
		if out == nil {
			return nil
		}
		return json.Unmarshal(m.Result, out)
	case <-b.gone:
		return fmt.Errorf("%s: %w", method, errClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}
