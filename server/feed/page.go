package feed

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/rollcall/rollcall/api"
)

// pageBuffer is how much of a page is buffered before it is written.
const pageBuffer = 32 << 10

// WritePage writes a page as JSON, part by part. Documents are stored as JSON and copied
// unchanged: parsing or compacting them would cost more than the rest of the page. After an
// error, a part of the page may be written.
func WritePage(w io.Writer, p api.ChangePage) error {
	b, err := writeChanges(w, p.Changes)
	if err != nil {
		return err
	}
	b = append(b, `,"cursor":`...)
	b = strconv.AppendQuote(b, p.Cursor) // base64url needs no escaping
	b = append(b, `,"hasMore":`...)
	b = strconv.AppendBool(b, p.HasMore)
	if p.Total > 0 {
		b = strconv.AppendInt(append(b, `,"total":`...), p.Total, 10)
	}
	if len(p.Digests) > 0 {
		digests, err := json.Marshal(p.Digests)
		if err != nil {
			return fmt.Errorf("encode the digests: %w", err)
		}
		b = append(append(b, `,"contentDigests":`...), digests...)
		b = strconv.AppendQuote(append(b, `,"epoch":`...), p.Epoch) // in hexadecimal digits
	}
	_, err = w.Write(append(b, '}', '\n'))
	return err
}

// bufferFor has room for a part of a page, or for most short pages.
func bufferFor(changes []api.Change) []byte {
	return make([]byte, 0, min(pageBuffer+4<<10, 1<<10+len(changes)<<10))
}

// WriteLines writes a page in lines, part by part. It must be InLines.
func WriteLines(w io.Writer, p api.ChangePage) error {
	b := p.AppendHead(bufferFor(p.Changes))
	for _, c := range p.Changes {
		if b = c.AppendLine(b); len(b) >= pageBuffer {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(p.AppendEnd(b))
	return err
}

// WriteBucket writes a page of a bucket as JSON, in the same way.
func WriteBucket(w io.Writer, p api.BucketPage) error {
	b, err := writeChanges(w, p.Changes)
	if err != nil {
		return err
	}
	b = append(b, `,"hasMore":`...)
	b = strconv.AppendBool(b, p.HasMore)
	_, err = w.Write(append(b, '}', '\n'))
	return err
}

// writeChanges starts an object with its changes. It returns the rest that is not written
// yet.
func writeChanges(w io.Writer, changes []api.Change) ([]byte, error) {
	b := append(bufferFor(changes), `{"changes":[`...)
	for i, c := range changes {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendChange(b, c); err != nil {
			return nil, err
		}
		if len(b) >= pageBuffer {
			if _, err := w.Write(b); err != nil {
				return nil, err
			}
			b = b[:0]
		}
	}
	return append(b, ']'), nil
}

func appendChange(b []byte, c api.Change) ([]byte, error) {
	// The stamp's node comes from a client, so it is escaped. Type and id are validated.
	stamp, err := json.Marshal(c.Stamp)
	if err != nil {
		return nil, fmt.Errorf("encode the stamp of %s %s: %w", c.EntityType, c.EntityID, err)
	}
	b = append(b, `{"entityType":"`...)
	b = append(b, c.EntityType...)
	b = append(b, `","entityId":"`...)
	b = append(b, c.EntityID...)
	b = append(b, `","version":`...)
	b = strconv.AppendInt(b, c.Version, 10)
	b = append(b, `,"deleted":`...)
	b = strconv.AppendBool(b, c.Deleted)
	b = append(b, `,"stamp":`...)
	b = append(b, stamp...)
	b = append(b, `,"document":`...)
	if len(c.Document) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, c.Document...)
	}
	return append(b, '}'), nil
}
