package feed

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/rollcall/rollcall/api"
)

// AppendPage appends the JSON of a page to b. Documents are stored as JSON and
// are copied as they are, neither parsed nor compacted again: it is most of what
// a page costs.
func AppendPage(b []byte, p api.ChangePage) ([]byte, error) {
	b, err := appendChanges(b, p.Changes)
	if err != nil {
		return nil, err
	}
	b = append(b, `,"cursor":`...)
	b = strconv.AppendQuote(b, p.Cursor) // base64url: nothing to escape
	b = append(b, `,"hasMore":`...)
	b = strconv.AppendBool(b, p.HasMore)
	if len(p.Digests) > 0 {
		digests, err := json.Marshal(p.Digests)
		if err != nil {
			return nil, fmt.Errorf("encode the digests: %w", err)
		}
		b = append(append(b, `,"digests":`...), digests...)
	}
	return append(b, '}', '\n'), nil
}

// AppendBucket appends the JSON of a page of a bucket to b, likewise.
func AppendBucket(b []byte, p api.BucketPage) ([]byte, error) {
	b, err := appendChanges(b, p.Changes)
	if err != nil {
		return nil, err
	}
	b = append(b, `,"hasMore":`...)
	b = strconv.AppendBool(b, p.HasMore)
	return append(b, '}', '\n'), nil
}

// appendChanges begins an object with its changes.
func appendChanges(b []byte, changes []api.Change) ([]byte, error) {
	b = append(b, `{"changes":[`...)
	for i, c := range changes {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendChange(b, c); err != nil {
			return nil, err
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
