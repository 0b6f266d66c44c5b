package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
)

// row is an entity as the backend has it.
type row struct {
	id       string
	version  int64
	updated  time.Time
	document json.RawMessage
	etag     string // strong, or ""
}

// parseRow reads a row. An id that is a number becomes its text.
func (r *REST) parseRow(document json.RawMessage) (*row, error) {
	fields := queue.Decode(document)
	parsed := &row{version: 1, document: document}
	id := bytes.TrimSpace(fields["id"])
	if queue.IsNull(id) {
		return nil, errors.New("a row without an id")
	}
	var isText bool
	if parsed.id, isText = queue.Text(id); !isText {
		parsed.id = string(id)
		if _, err := strconv.ParseInt(parsed.id, 10, 64); err != nil {
			return nil, errors.New("a row whose id is neither text nor a whole number")
		}
		parsed.rename(parsed.id)
	}
	if lower := strings.ToLower(parsed.id); r.Dialect.LowerIDs && lower != parsed.id {
		parsed.rename(lower)
	}
	if parsed.id == "" {
		return nil, errors.New("a row without an id")
	}
	if date, ok := queue.Text(fields[r.Dialect.Updated]); ok {
		if t, err := time.Parse(time.RFC3339Nano, date); err == nil {
			parsed.updated, parsed.version = t, max(t.UnixMicro(), 1)
		}
	}
	if version := fields[r.Dialect.Version]; r.Dialect.Version != "" && string(version) != "null" {
		var err error
		if parsed.version, err = jsoncodec.Parse(version, (*jsoncodec.Reader).Int); err != nil || parsed.version < 1 {
			return nil, fmt.Errorf("a row without a %s above 0", r.Dialect.Version)
		}
	}
	return parsed, nil
}

// rename gives the row the id by which the device knows it.
func (w *row) rename(id string) {
	w.id, w.document = id, queue.Decode(w.document).With(queue.Fields{"id": jsonText(id)}).Encode()
}

func jsonText(s string) json.RawMessage {
	return jsoncodec.Write(func(w *jsoncodec.Writer) { w.String(s) })
}

// stamp orders the row among writes. Its own date is all that there is.
func (w *row) stamp() api.Stamp {
	if w.updated.IsZero() {
		return ""
	}
	return api.NewStamp(w.updated, "", "")
}

func (w *row) result(o queue.Operation, status api.Status) api.Result {
	return api.Result{ID: o.ID, Status: status, Version: w.version, Stamp: w.stamp(), Document: w.document}
}

func (w *row) change(entityType string) api.Change {
	return api.Change{EntityType: entityType, EntityID: w.id, Version: w.version, Stamp: w.stamp(), Document: w.document}
}
