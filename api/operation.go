package api

import (
	"encoding/json"
	"time"
)

// OperationType is what an operation does to its entity.
type OperationType string

const (
	Create OperationType = "create"
	Update OperationType = "update"
	Delete OperationType = "delete"
)

// Operation is one write of one entity, as a client sends it.
//
// Data holds the fields the write sets: all of them for a create, the changed
// ones for an update, none for a delete. BaseVersion is the version the person
// saw: 0 for a new entity, the tombstone's version for a create that restores.
// Stamp orders writes for last-write-wins; the server bounds it to its own time.
type Operation struct {
	ID          string          `json:"id"`
	EntityType  string          `json:"entityType"`
	EntityID    string          `json:"entityId"`
	Type        OperationType   `json:"type"`
	Data        json.RawMessage `json:"data,omitempty"`
	BaseVersion int64           `json:"baseVersion"`
	CreatedAt   time.Time       `json:"createdAt"`
	Stamp       Stamp           `json:"stamp,omitempty"`
}

// Batch is the body of POST /api/v1/operations.
type Batch struct {
	ClientID   string      `json:"clientId"`
	Operations []Operation `json:"operations"`
}

// Status is what became of an operation.
type Status string

const (
	Applied   Status = "applied"   // it took effect now
	Duplicate Status = "duplicate" // it had taken effect before, or asked for what already is
	Conflict  Status = "conflict"  // its base version is not the server's
	Rejected  Status = "rejected"  // the server will never take it as it is
	Retry     Status = "retry"     // the server could not decide now; send it again
)

// Result answers one operation. Version, Stamp and Document are the server's
// entity after it (for applied) or as it stands (for duplicate and conflict). A
// null Document means that the entity does not exist; Version is then the
// tombstone's, or 0 when the server remembers none.
type Result struct {
	ID       string          `json:"id"`
	Status   Status          `json:"status"`
	Version  int64           `json:"version"`
	Stamp    Stamp           `json:"stamp,omitempty"`
	Document json.RawMessage `json:"document"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// BatchResult is the answer to a Batch: one result for each operation, in order.
type BatchResult struct {
	Results []Result `json:"results"`
}

// Change is a row of the feed: an entity as it stands after its latest change.
type Change struct {
	EntityType string          `json:"entityType"`
	EntityID   string          `json:"entityId"`
	Version    int64           `json:"version"`
	Deleted    bool            `json:"deleted"`
	Stamp      Stamp           `json:"stamp,omitempty"`
	Document   json.RawMessage `json:"document"`
}

// ChangePage is the answer of GET /api/v1/changes. Cursor is opaque; it stands
// behind the last change of the page. Digests are those of all live entities at
// that cursor, by entity type, on a last page alone: a replica that has read so far
// holds its own against them.
type ChangePage struct {
	Changes []Change          `json:"changes"`
	Cursor  string            `json:"cursor"`
	HasMore bool              `json:"hasMore"`
	Digests map[string]Digest `json:"digests,omitempty"`
}

// BucketPage is the answer of GET /api/v1/buckets/{bucket}: live entities by id.
type BucketPage struct {
	Changes []Change `json:"changes"`
	HasMore bool     `json:"hasMore"`
}

// UserPage is the answer of GET /api/v1/users.
type UserPage struct {
	Users         []User `json:"users"`
	NextPageToken string `json:"nextPageToken"`
}
