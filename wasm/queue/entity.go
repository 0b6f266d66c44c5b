package queue

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Ref names an entity: its type and its id.
type Ref struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Row is a confirmed row: an entity as the server last reported it.
type Row struct {
	Version  int64           `json:"version"`
	Stamp    api.Stamp       `json:"stamp,omitempty"`
	Document json.RawMessage `json:"document"`
	SyncedAt time.Time       `json:"syncedAt"`
}

// SameContent reports whether two rows have the same version and, byte by byte, the same
// document, as a digest does; nil is the row of an entity that does not exist. It ignores
// SyncedAt, and the stamp, which not every response carries.
func (r *Row) SameContent(other *Row) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.Version == other.Version && bytes.Equal(r.Document, other.Document)
}

// Equal reports whether two rows are equal in every field, the document byte by byte;
// either may be nil.
func (r *Row) Equal(other *Row) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.Version == other.Version && r.Stamp == other.Stamp &&
		r.SyncedAt.Equal(other.SyncedAt) && bytes.Equal(r.Document, other.Document)
}

// State is an operation's state; the package comment draws the transitions.
type State string

const (
	Queued   State = "queued"   // never sent; later writes coalesce into it
	Sending  State = "sending"  // sent, no answer yet; frozen
	Waiting  State = "waiting"  // sent, to be retried at NextAttemptAt; frozen
	Rejected State = "rejected" // refused by the server; set aside until the person decides
)

// Operation is a queued write with its retry state.
//
// Base is the document the write was based on, null for a create: the common ancestor
// of a three-way merge, shown to the person as "before".
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
	RetryCount    int          `json:"retryCount"` // server errors so far, see Fail
	NextAttemptAt time.Time    `json:"nextAttemptAt"`
	LastError     *api.Problem `json:"lastError,omitempty"`
	// Client is the client id of another database that may have sent the operation, from which it
	// was taken in: the server knows it under that. Empty for this one's.
	Client string `json:"client,omitempty"`
}

// Frozen reports whether the operation may have reached the server. Its payload must
// then stay as it is.
func (o Operation) Frozen() bool { return o.State == Sending || o.State == Waiting }

// Field is one field of a conflict: its base, local and remote values, and the side that
// was kept. A value is null where that side had no document.
type Field struct {
	Name   string          `json:"name"`
	Base   json.RawMessage `json:"base"`
	Mine   json.RawMessage `json:"mine"`
	Theirs json.RawMessage `json:"theirs"`
	Kept   Side            `json:"kept"`
}

// Side is a side of a conflict: the local write or the server.
type Side string

const (
	Mine   Side = "mine"
	Theirs Side = "theirs"
	Both   Side = "both" // each side kept some of its fields
)

// Conflict records how a local write and a newer server version were reconciled. Base,
// Mine and Theirs are whole documents; null means "did not exist" for Base and "deleted"
// for the other two.
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
	Reviewed      bool            `json:"reviewed"` // the person has accepted or reversed it
}

// Entity is everything the store holds about one entity, read and saved as a unit in one
// transaction.
//
// Confirmed is nil when, as far as the device knows, the server has no such entity.
// Operations are in order; at most the first is Frozen (see Enqueue). Conflicts are the
// unreviewed ones: append one to record it, set Reviewed to close it. Outcomes are those
// of the operations that left the queue in this transaction; a store saves them and never
// returns any.
type Entity struct {
	Ref        Ref
	Confirmed  *Row
	Operations []Operation
	Conflicts  []Conflict
	Outcomes   []Outcome

	unique []string // see Among
	newest int64
}

// RowState is the sync state of a visible row, as a person sees it.
type RowState string

const (
	Synced         RowState = ""
	Pending        RowState = "pending"
	NeedsAttention RowState = "attention"
	InConflict     RowState = "conflict"
)

// View is a visible row: the confirmed row with the entity's operations applied to it.
type View struct {
	Ref      Ref             `json:"ref"`
	Document json.RawMessage `json:"document"`
	Version  int64           `json:"version"`
	State    RowState        `json:"state,omitempty"`
	SyncedAt time.Time       `json:"syncedAt"` // zero if never synced
}

// Equal reports whether two views are the same, and say the same.
func (v View) Equal(other View) bool {
	return v.Ref == other.Ref && v.Version == other.Version && v.State == other.State && v.SyncedAt.Equal(other.SyncedAt) &&
		string(v.Document) == string(other.Document)
}

// Key is a row's position in the order of the list.
type Key struct {
	Sort string `json:"sort"`
	ID   string `json:"id"`
}

// Schema describes an entity type to the engine.
type Schema struct {
	Type string
	// Fields are the document's fields that a write may set.
	Fields []string
	// Unique are the fields of which the server lets no two entities have the same value.
	// nil: there are none.
	Unique []string
	// Index returns a document's sort text and its search text. It accepts any document: a
	// malformed one sorts first.
	Index func(document json.RawMessage) (sort, search string)
	// Rule names the rule of Index. When it changes, the engine has the store list its rows
	// anew.
	Rule string
	// Fold returns a query in the form of the search texts. nil keeps it as it is.
	Fold func(query string) string

	// Changed returns when a document was last changed, as TimeText; nil: nothing says it.
	Changed func(document json.RawMessage) string
	// Orders are the orders in which rows can be asked for, by name: each returns the text that a row
	// goes by, of its search text and of when it was changed. That of "" is the list's own, and
	// returns the sort text. nil: rows come in the list's own order only, and all of them.
	Orders map[string]func(search, changed string) string
	// Deep returns the other text of a document that a deep search looks in, in the form of the
	// search texts. nil: there is none.
	Deep func(document json.RawMessage) string
}

// TimeText is a time as a text that sorts.
func TimeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999999") }

// ChangedAt returns when a visible row was last changed: by the last of its operations, or as
// its document says. It is the server's time, as far as the device knows that.
func (s Schema) ChangedAt(operations []Operation, document json.RawMessage) string {
	switch n := len(operations); {
	case n > 0 && operations[n-1].Stamp != "":
		return TimeText(operations[n-1].Stamp.Time())
	case n > 0:
		return TimeText(operations[n-1].CreatedAt)
	case s.Changed == nil:
		return ""
	}
	return s.Changed(document)
}

// Counts are the numbers of things in the store.
type Counts struct {
	Rows      int `json:"rows"`
	Waiting   int `json:"waiting"`   // operations in any state but Rejected
	Rejected  int `json:"rejected"`  // operations that need the person's attention
	Conflicts int `json:"conflicts"` // unreviewed conflicts
}

// Counts counts the operations and conflicts of an entity.
func (e *Entity) Counts() (c Counts) {
	for i := range e.Operations {
		if e.Operations[i].State == Rejected {
			c.Rejected++
		} else {
			c.Waiting++
		}
	}
	c.Conflicts = len(e.Conflicts)
	return c
}

// Total is how much waits, for the server or for the person.
func (c Counts) Total() int { return c.Waiting + c.Rejected + c.Conflicts }
