//go:build js && wasm

package browser

import (
	"encoding/json"
	stdsync "sync"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/sync"
)

// Channel is sync.Bus over a BroadcastChannel, with messages as JSON text. A
// context opens one and uses it for all: two channels of one context would hear
// each other. In a browser that has none, nothing is heard: messages are hints.
//
// While its page is kept in the back/forward cache it is closed, since a message for
// it would make the browser drop the page. When the page comes back subscribers hear that
// anything may have changed.
type Channel struct {
	name string
	js   js.Value // undefined where the browser has none, and while the page is kept
	stop func()   // ends listening to js
	mu   stdsync.Mutex
	next int
	subs map[int]func(sync.Message)
}

var _ sync.Bus = (*Channel)(nil)

// OpenChannel opens the channel of that name for the life of the context.
func OpenChannel(name string) *Channel {
	c := &Channel{name: name, subs: map[int]func(sync.Message){}}
	c.open()
	if global.Get("document").Truthy() {
		OnKept(c.close, func() {
			c.close()
			c.open()
			c.deliver(sync.Message{Kind: sync.RowsChanged})
		})
	}
	return c
}

func (c *Channel) open() {
	if constructor := global.Get("BroadcastChannel"); constructor.Truthy() {
		c.js = constructor.New(c.name)
		c.stop = Listen(c.js, "message", c.receive)
	}
}

func (c *Channel) close() {
	if c.js.Truthy() {
		c.stop()
		c.js.Call("close")
		c.js = js.Undefined()
	}
}

func (c *Channel) receive(event js.Value) {
	data := event.Get("data")
	var m sync.Message
	if data.Type() != js.TypeString || json.Unmarshal([]byte(data.String()), &m) != nil {
		return // another version's or a stranger's; nothing but hints travels here
	}
	c.deliver(m)
}

func (c *Channel) deliver(m sync.Message) {
	c.mu.Lock()
	subs := make([]func(sync.Message), 0, len(c.subs))
	for _, f := range c.subs {
		subs = append(subs, f)
	}
	c.mu.Unlock()
	for _, f := range subs {
		f(m)
	}
}

// Publish implements sync.Bus.
func (c *Channel) Publish(m sync.Message) {
	b, err := json.Marshal(m)
	if err != nil || !c.js.Truthy() {
		return // a message that can't be encoded can't be made; and it is a hint only
	}
	c.js.Call("postMessage", string(b))
}

// Subscribe implements sync.Bus.
func (c *Channel) Subscribe(f func(sync.Message)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	c.subs[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subs, id)
	}
}
