//go:build js && wasm

package idb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// spanChunk is how many records of a kind one transaction of Digest or Repair
// reads: writers wait no longer than for these.
const spanChunk = 1000

// part is a part of a range of ids, as the helper reads it.
type part struct {
	Type       string `json:"type"`
	From       string `json:"from"`
	To         string `json:"to"`
	Limit      int    `json:"limit"`
	Fence      int64  `json:"fence"`
	Generation int64  `json:"generation"`
}

// Digest implements sync.Store. Each part is read in one transaction, in which an
// entity has its row in one place; so none is missed or counted twice.
func (s *Store) Digest(ctx context.Context, entityType string) (api.Digest, error) {
	var d api.Digest
	schema, err := s.schema(queue.Ref{Type: entityType})
	if err != nil {
		return d, err
	}
	for want := (part{Type: entityType, Limit: spanChunk}); ; {
		var found struct {
			IDs      []string `json:"ids"` // of entities without operations
			Versions []int64  `json:"versions"`
			Contents []string `json:"contents"` // api.ContentHash in 16 hexadecimal digits
			Entities []stored `json:"entities"`
			Bare     bool     `json:"bare"` // there are rows without a check sum
			Next     string   `json:"next"`
		}
		if err := s.ask(ctx, "digest", want, &found); err != nil {
			return d, err
		}
		for i, id := range found.IDs {
			content, err := strconv.ParseUint(found.Contents[i], 16, 64)
			if err != nil {
				return d, fmt.Errorf("read the hash of %s %s: %w", entityType, id, err)
			}
			d.Add(id, found.Versions[i], content)
		}
		for _, have := range found.Entities {
			e, err := have.entity()
			if err != nil {
				return d, fmt.Errorf("decode %s %s: %w", have.Ref.Type, have.Ref.ID, err)
			}
			switch {
			case have.spoiled(&e, schema):
				d.Add(have.Ref.ID, 0, 0)
			case e.Confirmed != nil:
				d.Add(have.Ref.ID, e.Confirmed.Version, api.ContentHash(e.Confirmed.Document))
			}
		}
		if found.Bare {
			sealed := want
			sealed.To = found.Next
			if err := s.ask(ctx, "seal", sealed, nil); err != nil {
				return d, err
			}
		}
		if found.Next == "" {
			return d, nil
		}
		want.From = found.Next
	}
}

// Repair implements sync.Store.
func (s *Store) Repair(ctx context.Context, r sync.Repair) ([]queue.Ref, error) {
	schema, err := s.schema(queue.Ref{Type: r.Type})
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	var differed []queue.Ref
	ids := r.IDs
	for {
		want := part{Type: r.Type, From: ids.From, To: ids.To, Limit: spanChunk, Fence: r.Fence, Generation: r.Generation}
		var next string
		var refs []queue.Ref
		_, err := s.deciding(ctx, "repair", want, func(l loaded) (*writes, error) {
			next = l.Next
			here := ids
			if next != "" {
				here.To = next
			}
			rows := map[string]*queue.Row{}
			for _, c := range r.Changes {
				if here.Contains(c.EntityID) {
					rows[c.EntityID] = rowOf(c, now)
				}
			}
			var w *writes
			var err error
			refs, w, err = repaired(l, rows, schema)
			return w, err
		})
		if err != nil {
			return differed, err
		}
		differed = append(differed, refs...)
		if next == "" {
			return differed, nil
		}
		ids.From = next
	}
}

// Reindex implements sync.Store.
func (s *Store) Reindex(ctx context.Context, fence int64, entityType, from string) (next string, err error) {
	schema, err := s.schema(queue.Ref{Type: entityType})
	if err != nil {
		return "", err
	}
	want := part{Type: entityType, From: from, Limit: spanChunk, Fence: fence}
	_, err = s.deciding(ctx, "repair", want, func(l loaded) (*writes, error) {
		next = l.Next
		w := newWrites()
		for _, have := range l.Entities {
			if have.User == nil {
				continue
			}
			row := *have.User
			row.SortName, row.Search = schema.Index(json.RawMessage(row.Document))
			if row != *have.User {
				w.put("users", row)
			}
		}
		return w, nil
	})
	return next, err
}

// repaired is what has to be written so that the loaded entities have the given
// confirmed rows, by id, and no others have any. It returns the refs of those
// that had not, or were spoiled.
func repaired(l loaded, rows map[string]*queue.Row, schema queue.Schema) ([]queue.Ref, *writes, error) {
	for _, have := range l.Entities {
		if _, ok := rows[have.Ref.ID]; !ok {
			rows[have.Ref.ID] = nil
		}
	}
	found := map[string]stored{}
	for _, have := range l.Entities {
		found[have.Ref.ID] = have
	}
	w := newWrites()
	var refs []queue.Ref
	for id, row := range rows {
		have, ok := found[id]
		if !ok {
			have = stored{Ref: key{schema.Type, id}}
		}
		e, err := have.entity()
		if err != nil {
			return nil, nil, fmt.Errorf("decode %s %s: %w", schema.Type, id, err)
		}
		if !have.spoiled(&e, schema) && e.Confirmed.SameContent(row) {
			continue
		}
		e.Confirm(row)
		// Saved as a row that nobody had before: what was there counts for nothing.
		if err := w.save(&e, have, queue.Entity{}, l.Generation, schema); err != nil {
			return nil, nil, err
		}
		refs = append(refs, e.Ref)
	}
	return refs, w, nil
}
