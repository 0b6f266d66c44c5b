package queue

import (
	"context"
	"errors"
	"time"
)

// Store keeps entities with their operations and conflicts. Each method is one
// transaction: atomic, isolated, and durable once it returns nil. Durable means that it
// survives the end of the process and, unless Relaxed, of the machine.
//
// Every method gives up when ctx ends or the store's own deadline passes, and returns an
// error that says which. The transaction is then aborted, unless it was already being
// committed: ErrUncertain means that it may have taken effect.
type Store interface {
	// Update reads the entities named by txn, in that order, lets decide change them in
	// place, and saves the difference. An entity that does not exist has only its Ref. If
	// decide returns an error, nothing is saved and Update returns that error. decide must
	// not block or use the store, and may be called more than once: what it says of a state
	// that is not the newest counts for nothing.
	//
	// Update also saves the visible row, which is View of what decide left. An operation
	// with Seq 0 is new and gets the next Seq; a replacement keeps its predecessor's place
	// by carrying its Seq. Conflicts are matched by ID; of the reviewed ones only the
	// newest MaxReviewed are kept. Outcomes are appended to the meta value MetaOutcomes,
	// which keeps the newest MaxOutcomes.
	Update(ctx context.Context, txn Txn, decide func([]*Entity) error) error

	// Entity reads one entity; one that does not exist has only its Ref.
	Entity(ctx context.Context, ref Ref) (Entity, error)

	// Due returns up to limit operations that may be sent at now, by Seq. Each is the first
	// of its entity, not Rejected, with NextAttemptAt not after now.
	Due(ctx context.Context, now time.Time, limit int) (Due, error)

	// Operations returns up to limit operations with a Seq greater than after, by Seq.
	Operations(ctx context.Context, after int64, limit int) ([]Operation, error)

	// Rejected returns up to limit Rejected operations of a type, by Seq.
	Rejected(ctx context.Context, entityType string, limit int) ([]Operation, error)

	// Conflicts returns up to limit conflicts: unreviewed before reviewed, and newest
	// first.
	Conflicts(ctx context.Context, limit int) ([]Conflict, error)

	// Counts counts rows, operations and conflicts.
	Counts(ctx context.Context) (Counts, error)
}

// Txn says what an Update reads, under which conditions, and how it commits.
type Txn struct {
	Refs []Ref
	// Fence, unless 0, is the fencing token of the round that this belongs to. If a later
	// round has begun, the store saves nothing and returns ErrFenced.
	Fence int64
	// Given is a precondition: the values that these meta values must have. If one
	// differs, the store saves nothing and returns ErrStale.
	Given map[string]string
	// Set are meta values that are saved with it.
	Set map[string]string
	// Relaxed allows the commit to return before it is flushed to disk.
	Relaxed bool
}

// MaxReviewed is how many reviewed conflicts a store keeps.
const MaxReviewed = 500

// Due is what may be sent now, and when to look again: Next is the earliest NextAttemptAt
// of the first operations that are not due yet, zero if there are none.
type Due struct {
	Operations []Operation
	Next       time.Time
}

// Errors of a Store, for errors.Is.
var (
	ErrQuota       = errors.New("the device has no storage space left for this site")
	ErrBlocked     = errors.New("another tab has an older version of the database open")
	ErrOutdated    = errors.New("a newer version of the app has upgraded the database")
	ErrClosed      = errors.New("the database connection was closed")
	ErrDeleted     = errors.New("the database was deleted")
	ErrUnavailable = errors.New("the browser provides no storage for this page")
	ErrTimeout     = errors.New("the browser's storage did not answer in time")
	ErrUncertain   = errors.New("the browser's storage did not confirm whether it saved")
	ErrFenced      = errors.New("another round has taken over")
	ErrStale       = errors.New("what this was based on has changed")
)
