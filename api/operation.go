package api

import (
	"encoding/json"
	"time"
)

// OperationType is what an operation does to its entity.
type OperationType string

// The types of operations.
const (
	Create OperationType = "create"
	Update OperationType = "update"
	Delete OperationType = "delete"
)

// Operation is a client's write of one entity.
//
// Data has the fields that the write sets: all of them for a create, the changed ones for an
// update, none for a delete. BaseVersion is the version that the person saw: 0 for a new
// entity, the tombstone's version for a create that restores. Stamp orders writes for
// last-write-wins; the server bounds it by its own time.
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

// Status is the outcome of an operation.
type Status string

// The statuses of operations.
const (
	Applied   Status = "applied"   // it took effect
	Duplicate Status = "duplicate" // it took effect before, or would change nothing
	Conflict  Status = "conflict"  // its base version is not the server's
	Rejected  Status = "rejected"  // the server will never apply it
	Retry     Status = "retry"     // the server could not decide; send it again
)

// Result is the result of one operation. Version, Stamp and Document are the server's current
// entity. A null Document means that the entity does not exist; Version is then the
// tombstone's, or 0 without one.
type Result struct {
	ID       string          `json:"id"`
	Status   Status          `json:"status"`
	Version  int64           `json:"version"`
	Stamp    Stamp           `json:"stamp,omitempty"`
	Document json.RawMessage `json:"document"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// BatchResult is the response to a Batch: one result for each operation, in order.
type BatchResult struct {
	Results []Result `json:"results"`
}

// Change is a row of the feed: an entity after its latest change.
type Change struct {
	EntityType string          `json:"entityType"`
	EntityID   string          `json:"entityId"`
	Version    int64           `json:"version"`
	Deleted    bool            `json:"deleted"`
	Stamp      Stamp           `json:"stamp,omitempty"`
	Document   json.RawMessage `json:"document"`
}

// ChangePage is the response of GET /api/v1/changes. Cursor is opaque and points after the
// page's last change. Only a last page has Digests: those of all live entities at the cursor,
// by entity type, for a replica to compare with its own. It then also has Epoch, which changes
// whenever the server's data may have gone back in time.
type ChangePage struct {
	Changes []Change          `json:"changes"`
	Cursor  string            `json:"cursor"`
	HasMore bool              `json:"hasMore"`
	Digests map[string]Digest `json:"contentDigests,omitempty"`
	Epoch   string            `json:"epoch,omitempty"`
	// Total is how many live entities there are, on a page that is not the last one: for a reader
	// of the whole feed, an estimate of what is to come. 0: the server does not say.
	Total int64 `json:"total,omitempty"`
	// After is the cursor that the page follows, where nobody has asked for the page after it.
	After string `json:"-"`
}

// BucketPage is the response of GET /api/v1/buckets/{bucket}: live entities by id.
type BucketPage struct {
	Changes []Change `json:"changes"`
	HasMore bool     `json:"hasMore"`
}

// UserPage is the response of GET /api/v1/users.
type UserPage struct {
	Users         []User `json:"users"`
	NextPageToken string `json:"nextPageToken"`
}
