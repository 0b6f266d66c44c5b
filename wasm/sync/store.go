package sync

import (
	"bytes"
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Store keeps the engine's state: the queue, the rows of the feed with the cursor, and
// small named values. Package storetest has the tests that every store must pass.
type Store interface {
	queue.Store

	// BeginRound returns a new fence, above 0, and makes every earlier one stale.
	BeginRound(ctx context.Context) (fence int64, err error)

	// ApplyPage saves a page of the feed in one relaxed transaction: for each change the
	// confirmed row, and page.Meta. An entity with operations keeps them, and its visible
	// row is rebased on the new confirmed row. A change that Page.Skips is not saved, but its
	// generation is recorded. It returns the refs whose visible rows have changed.
	ApplyPage(ctx context.Context, page Page) (changed []queue.Ref, err error)

	// Sweep removes the confirmed rows of a type whose generation is below the given one,
	// in as many transactions as it likes, and returns their refs. Entities with operations
	// keep these and lose the confirmed row.
	Sweep(ctx context.Context, fence int64, entityType string, generation int64) (removed []queue.Ref, err error)

	// Digest computes the digest of a type's confirmed rows as they are stored, in as many
	// transactions as it likes. An entity with corrupt records counts with version 0, so
	// that its bucket differs from every server's: a row that was changed, or a visible row
	// that is not the entity's View.
	Digest(ctx context.Context, entityType string) (api.Digest, error)

	// Repair replaces the confirmed rows of a range of ids with the server's, in as many
	// relaxed transactions as it likes, and returns the refs of those that differed or were
	// corrupt. Entities with operations keep these, and their visible rows are built anew.
	Repair(ctx context.Context, r Repair) (repaired []queue.Ref, err error)

	// Reindex lists a part of a type's visible rows anew, those with ids from the given one
	// on, where the schema's Index has other texts for them than were stored. It returns the
	// id to go on from, "" at the end, and is no change to a row in any other respect.
	Reindex(ctx context.Context, fence int64, entityType, from string) (next string, err error)

	// Tidy takes a step of what makes the next start cheaper, and reports whether there is
	// more to do. It changes nothing that any other method returns.
	Tidy(ctx context.Context) (more bool, err error)

	// Meta returns the values of the given names; a missing one is "".
	Meta(ctx context.Context, names ...string) (map[string]string, error)

	// SetMeta saves values by name, durably, in one transaction.
	SetMeta(ctx context.Context, values map[string]string) error
}

// Page is a page of changes to save. An entity is in it at most once.
type Page struct {
	Changes []api.Change
	// Fence is the round's, as in queue.Txn.
	Fence int64
	// Resync applies the changes whatever other version is stored: after a restored backup the
	// server's versions can be lower.
	Resync bool
	// Generation is recorded with each row of the page, for Sweep.
	Generation int64
	// Meta is saved with the page, above all the cursor behind it.
	Meta map[string]string
}

// Skips reports whether a change says nothing new about an intact row: it is older, or the
// same. Of equal versions the documents decide: where a version is made of a date, two
// changes of one moment share it. A deletion always has a version of its own.
func (p Page) Skips(known *queue.Row, change api.Change) bool {
	switch {
	case known == nil, p.Resync && change.Version != known.Version:
		return false
	case change.Version != known.Version:
		return change.Version < known.Version
	}
	return change.Deleted && !p.Resync || bytes.Equal(change.Document, known.Document)
}

// Repair is a range of ids with all that the server has in it.
type Repair struct {
	Type string
	IDs  api.IDRange
	// Changes are the live entities of the range; an entity is in it at most once.
	Changes []api.Change
	// Fence and Generation are as in Page.
	Fence      int64
	Generation int64
}
