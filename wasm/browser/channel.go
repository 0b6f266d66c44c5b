//go:build js && wasm

package browser

import (
	stdsync "sync"
	"syscall/js"

	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Channel is sync.Bus over a BroadcastChannel, with messages as JSON text. A page or
// worker opens one and shares it: two channels of the same context would receive each
// other's messages. Where the browser has no BroadcastChannel, no messages arrive; they
// are only hints.
//
// The channel is closed while its page is in the back/forward cache, since a message for
// a cached page makes the browser discard it. When the page is restored, subscribers
// receive a message that anything may have changed.
type Channel struct {
	sync.BusEnd
	name string
	js   js.Value // undefined where the browser has none, and while the page is cached
	stop func()   // removes the listener from js
	mu   stdsync.Mutex
	next int
	subs map[int]func(sync.Message)

	record func(replica.Message) // gets the records of others
	missed func()                // some of them may not have arrived
}

var _ sync.Bus = (*Channel)(nil)

// OpenChannel opens the channel of that name for the life of the page or worker.
func OpenChannel(name string) *Channel {
	c := &Channel{name: name, subs: map[int]func(sync.Message){}, record: func(replica.Message) {}, missed: func() {}}
	c.open()
	if global.Get("document").Truthy() {
		OnBackForwardCache(c.close, func() {
			c.close()
			c.open()
			c.missed()
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
	if data.Type() == js.TypeObject && data.Get("epoch").Type() == js.TypeString {
		c.record(replica.Message{Epoch: data.Get("epoch").String(), Seq: int64(data.Get("seq").Float()), Text: data.Get("text").String()})
		return
	}
	if data.Type() != js.TypeString {
		return // not ours
	}
	if m, err := sync.ParseMessage(data.String()); err == nil { // else another version's; messages are only hints
		c.deliver(m)
	}
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

// OnRecord sets who gets the records of others, and who is told that some may not have
// arrived. They come in the order in which they and messages were sent: who is told to read
// again finds what there is to read.
func (c *Channel) OnRecord(receive func(replica.Message), missed func()) {
	c.record, c.missed = receive, missed
}

// PublishRecord sends a record of the log to the other tabs and workers.
func (c *Channel) PublishRecord(m replica.Message) {
	if c.js.Truthy() {
		c.js.Call("postMessage", map[string]any{"epoch": m.Epoch, "seq": m.Seq, "text": m.Text})
	}
}

// Publish implements sync.Bus.
func (c *Channel) Publish(m sync.Message) {
	if c.js.Truthy() {
		c.js.Call("postMessage", m.JSON())
	}
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
