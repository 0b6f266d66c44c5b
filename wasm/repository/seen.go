package repository

import (
	"encoding/json"
	"fmt"

	"github.com/rollcall/rollcall/wasm/queue"
)

// ownWrite is what this page itself wrote to a record last, and when.
type ownWrite struct {
	number int64
	fields queue.Fields
}

// maxOwnWrites bounds what is remembered of them.
const maxOwnWrites = 1000

// seen is what a person had before them who acts on a record. What this page itself has
// written since the record was read, they know as well, though they may not have been
// shown it yet: the list is read again a little after each write.
func (c *Collection[T, P]) seen(r Record[T]) (*queue.Seen, error) {
	document, err := c.cfg.Codec.Encode(c.cfg.Codec.Whole(r.Value))
	if err != nil {
		return nil, fmt.Errorf("encode the fields: %w", err)
	}
	c.mu.Lock()
	own, ok := c.wrote[r.ID]
	c.mu.Unlock()
	if ok && own.number > r.reading {
		document = queue.Decode(document).With(own.fields).Encode()
	}
	return &queue.Seen{
		Document: document, Version: r.Version, Fields: c.cfg.Schema.Fields, ConflictID: c.cfg.NewID(),
	}, nil
}

// created is what the author of a new record knows of it: what this page has written.
func (c *Collection[T, P]) created(id string) *queue.Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &queue.Seen{Document: c.wrote[id].fields.Encode(), Fields: c.cfg.Schema.Fields, ConflictID: c.cfg.NewID()}
}

// rememberWrite keeps what this page has written.
func (c *Collection[T, P]) rememberWrite(id string, data json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrote) >= maxOwnWrites {
		clear(c.wrote)
	}
	c.writes++
	fields := queue.Decode(data)
	if before, ok := c.wrote[id]; ok {
		fields = before.fields.With(fields)
	}
	c.wrote[id] = ownWrite{c.writes, fields}
}

// reading numbers a read before it is made, to be told apart from the writes after it.
func (c *Collection[T, P]) reading() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}
