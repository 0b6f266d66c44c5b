package queue

import (
	"context"
	"errors"
	"time"
)

// Store keeps entities with their operations and conflicts. Each method is one
// transaction: it happens wholly or not at all, it sees no other's half-done
// work, and when it returns nil what it wrote survives the end of the process
// (and, unless Relaxed, of the machine).
//
// Every method gives up when ctx ends and at the store's own deadline, returning
// an error that says so; then the transaction is aborted, unless it had already
// begun to commit: ErrUncertain says that it may have.
type Store interface {
	// Update reads the entities named by txn, in that order, lets decide change
	// them in place, and saves the difference. An entity that isn't there is
	// passed with only its Ref. When decide returns an error nothing is saved
	// and that error is returned. decide must not block or use the store, and may
	// be called again.
	//
	// Saving keeps the visible row in step: it is View of what decide
	// left. An operation with Seq 0 is new and gets the next Seq, except that one
	// put in the place of an operation keeps that one's Seq by carrying it.
	// Conflicts are matched by ID. Of the reviewed ones the newest MaxReviewed are
	// kept: an Update that saves one drops those beyond it. Fates are added to the
	// named value MetaOutcomes, of which the newest MaxOutcomes stay.
	Update(ctx context.Context, txn Txn, decide func([]*Entity) error) error

	// Entity reads one entity; one that isn't there has only its Ref.
	Entity(ctx context.Context, ref Ref) (Entity, error)

	// Due returns up to limit operations that may be sent at now, by Seq: each
	// the first of its entity, not Rejected, with NextAttemptAt not after now.
	// An entity whose first operation is not due or is Rejected has none.
	Due(ctx context.Context, now time.Time, limit int) (Due, error)

	// Operations returns up to limit operations with a Seq above after, by Seq.
	Operations(ctx context.Context, after int64, limit int) ([]Operation, error)

	// Rejected returns up to limit Rejected operations of a type, by Seq.
	Rejected(ctx context.Context, entityType string, limit int) ([]Operation, error)

	// Conflicts returns up to limit conflicts, unreviewed ones first, then the
	// newest first.
	Conflicts(ctx context.Context, limit int) ([]Conflict, error)

	// Counts counts.
	Counts(ctx context.Context) (Counts, error)
}

// Txn says what an Update reads and how it commits.
type Txn struct {
	Refs []Ref
	// Fence, when not 0, is the round on whose behalf this is done: a store
	// where a later round has begun answers ErrFenced and saves nothing.
	Fence int64
	// Given names small values of the store (see Meta of the engine's store) and
	// what they must be; where one differs, the store answers ErrStale and saves
	// nothing.
	Given map[string]string
	// Relaxed lets the commit return before the disk has it.
	Relaxed bool
}

// MaxReviewed is how many conflicts that need nobody's eyes any more a store keeps.
const MaxReviewed = 500

// Due is what can be sent, and when to look again: Next is the earliest
// NextAttemptAt among first operations not due yet, zero when there are none.
type Due struct {
	Operations []Operation
	Next       time.Time
}

// Errors of a Store, for errors.Is.
var (
	ErrQuota       = errors.New("the device has no room left for this site's data")
	ErrBlocked     = errors.New("another tab holds an older version of the database open")
	ErrOutdated    = errors.New("a newer version of the program has upgraded this device's data")
	ErrClosed      = errors.New("the database connection was closed")
	ErrUnavailable = errors.New("this browser gives the page no storage")
	ErrTimeout     = errors.New("the browser's storage did not answer in time")
	ErrUncertain   = errors.New("the browser's storage did not say whether it saved")
	ErrFenced      = errors.New("another round has taken over")
	ErrStale       = errors.New("what this was based on has changed meanwhile")
)
