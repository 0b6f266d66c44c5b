package queue

import (
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Ref names an entity: its type and its id.
type Ref struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Row is what the server last said of an entity that exists.
type Row struct {
	Version  int64           `json:"version"`
	Stamp    api.Stamp       `json:"stamp,omitempty"`
	Document json.RawMessage `json:"document"`
	SyncedAt time.Time       `json:"syncedAt"`
}

// SameAs reports whether two rows are of one version with one document; nil is the
// row of what does not exist. When each was heard of does not matter, nor its stamp,
// which not every answer of the server has.
func (r *Row) SameAs(other *Row) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.Version == other.Version && EqualJSON(r.Document, other.Document)
}

// State is where an operation stands in its life; the package comment draws it.
type State string

const (
	Queued   State = "queued"   // never sent; later writes coalesce into it
	Sending  State = "sending"  // sent, no answer yet; frozen
	Waiting  State = "waiting"  // sent, to be sent again at NextAttemptAt; frozen
	Rejected State = "rejected" // out of the queue's way until the person decides
)

// Operation is a queued write and its retry state. Its wire form is Wire.
//
// Base is the document the write was made on, null for a create: the common
// ancestor of a three-way merge, and what the person is shown as "before".
type Operation struct {
	Seq         int64             `json:"seq"`
	ID          string            `json:"id"`
	Ref         Ref               `json:"ref"`
	Type        api.OperationType `json:"type"`
	Data        json.RawMessage   `json:"data,omitempty"`
	Base        json.RawMessage   `json:"base,omitempty"`
	BaseVersion int64             `json:"baseVersion"`
	// Unseen says that Base is older than the entity was when the write was made: its
	// author had not seen all of it.
	Unseen        bool         `json:"unseen,omitempty"`
	CreatedAt     time.Time    `json:"createdAt"`
	Stamp         api.Stamp    `json:"stamp"`
	State         State        `json:"state"`
	RetryCount    int          `json:"retryCount"` // answered failures, see Fail
	NextAttemptAt time.Time    `json:"nextAttemptAt"`
	LastError     *api.Problem `json:"lastError,omitempty"`
}

// Frozen reports whether the operation may have reached the server, so that
// nothing about it may change any more.
func (o Operation) Frozen() bool { return o.State == Sending || o.State == Waiting }

// Field is one field of a conflict: its value before, mine and theirs, and
// which of the two was kept. A value is null where the side had no document.
type Field struct {
	Name   string          `json:"name"`
	Base   json.RawMessage `json:"base"`
	Mine   json.RawMessage `json:"mine"`
	Theirs json.RawMessage `json:"theirs"`
	Kept   Side            `json:"kept"`
}

// Side is one of the two sides of a conflict.
type Side string

const (
	Mine   Side = "mine"
	Theirs Side = "theirs"
	Both   Side = "both" // each side kept some of its fields
)

// Conflict records a decision between a local write and what the server had by
// then. Base, Mine and Theirs are whole documents; null means "did not exist"
// for Base and "deleted" for the other two.
type Conflict struct {
	ID            string          `json:"id"`
	Ref           Ref             `json:"ref"`
	OperationID   string          `json:"operationId"`
	At            time.Time       `json:"at"`
	Strategy      string          `json:"strategy"`
	Base          json.RawMessage `json:"base"`
	Mine          json.RawMessage `json:"mine"`
	Theirs        json.RawMessage `json:"theirs"`
	TheirsVersion int64           `json:"theirsVersion"`
	Kept          Side            `json:"kept"`
	Fields        []Field         `json:"fields"`
	Reviewed      bool            `json:"reviewed"` // the person has seen it, or reversed it
}

// Entity is everything the store holds of one entity: the unit that is read,
// decided about and saved in one transaction.
//
// Confirmed is nil when the server has no such entity as far as is known.
// Operations are in order; at most the first is Frozen (see Enqueue). Conflicts
// are the unreviewed ones; append to record a new one, set Reviewed to close one.
// Fates are of operations that left in this transaction; a store that saves the
// entity takes them over, and never hands any out.
type Entity struct {
	Ref        Ref
	Confirmed  *Row
	Operations []Operation
	Conflicts  []Conflict
	Outcomes   []Outcome
}

// RowState is what a person sees of a row's standing.
type RowState string

const (
	Synced         RowState = ""
	Pending        RowState = "pending"
	NeedsAttention RowState = "attention"
	InConflict     RowState = "conflict"
)

// View is a visible row: the confirmed row with the entity's operations applied.
type View struct {
	Ref      Ref             `json:"ref"`
	Document json.RawMessage `json:"document"`
	Version  int64           `json:"version"`
	State    RowState        `json:"state,omitempty"`
	SyncedAt time.Time       `json:"syncedAt"` // zero when never synced
}

// Key is a row's place in the list's order.
type Key struct {
	Sort string `json:"sort"`
	ID   string `json:"id"`
}

// Schema is what the engine must know of an entity type.
type Schema struct {
	Type string
	// Fields are the fields of a document that a person's write may set.
	Fields []string
	// Index returns a document's sort text and the lower-cased text a search
	// looks in. It is total: a broken document sorts first.
	Index func(document json.RawMessage) (sort, search string)
}

// Counts is how much of what the store holds.
type Counts struct {
	Rows      int `json:"rows"`
	Waiting   int `json:"waiting"`   // operations in any state but Rejected
	Rejected  int `json:"rejected"`  // operations that wait for the person
	Conflicts int `json:"conflicts"` // unreviewed ones
}
