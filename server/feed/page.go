package feed

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/rollcall/rollcall/api"
)

// pageBuffer is how much of a page is put together before it is written on.
const pageBuffer = 32 << 10

// WritePage writes the JSON of a page to w, part by part. Documents are stored as
// JSON and are copied as they are, neither parsed nor compacted again: it is
// most of what a page costs. After an error, part of the page may be written.
func WritePage(w io.Writer, p api.ChangePage) error {
	b, err := writeChanges(w, p.Changes)
	if err != nil {
		return err
	}
	b = append(b, `,"cursor":`...)
	b = strconv.AppendQuote(b, p.Cursor) // base64url: nothing to escape
	b = append(b, `,"hasMore":`...)
	b = strconv.AppendBool(b, p.HasMore)
	if len(p.Digests) > 0 {
		digests, err := json.Marshal(p.Digests)
		if err != nil {
			return fmt.Errorf("encode the digests: %w", err)
		}
		b = append(append(b, `,"digests":`...), digests...)
	}
	_, err = w.Write(append(b, '}', '\n'))
	return err
}

// WriteBucket writes the JSON of a page of a bucket to w, likewise.
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

// writeChanges begins an object with its changes. It returns what is not written
// yet, to append to.
func writeChanges(w io.Writer, changes []api.Change) ([]byte, error) {
	b := append(make([]byte, 0, pageBuffer+4<<10), `{"changes":[`...)
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
	// The stamp's node is a client's text, so it is escaped properly; type and id
	// are ours and need no escaping.
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
