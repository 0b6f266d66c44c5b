package sync

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Store is what the engine keeps its state in: the queue's store, and beside it
// the pages of the feed with the cursor, and small named values.
type Store interface {
	queue.Store

	// BeginRound makes every earlier fence stale and returns a new one, above 0.
	BeginRound(ctx context.Context) (fence int64, err error)

	// ApplyPage saves a page of the feed: for each change the confirmed row (an
	// entity with operations keeps them, and its visible row is rebased on the
	// new confirmed row), and page.Meta, in one relaxed transaction. Unless Resync
	// is set, a change whose version is not above the stored row's is skipped, but
	// its generation is recorded.
	// It returns the refs whose visible rows it changed.
	ApplyPage(ctx context.Context, page Page) (changed []queue.Ref, err error)

	// Sweep removes the confirmed rows of all entities of a type whose generation
	// is below the given one, in as many transactions as it likes, and returns
	// their refs. Entities with operations keep them and lose the confirmed row.
	Sweep(ctx context.Context, fence int64, entityType string, generation int64) (removed []queue.Ref, err error)

	// Digest sums up the confirmed rows of a type as they are stored, in as many
	// transactions as it likes. An entity whose records are not as the store left
	// them counts with version 0, so that its bucket is no server's: a row that was
	// changed, a visible row that is not the entity's View.
	Digest(ctx context.Context, entityType string) (api.Digest, error)

	// Repair makes the confirmed rows of a range of ids those of the server, in as
	// many relaxed transactions as it likes, and returns the refs of those that were
	// others, or not as the store left them. Entities with operations keep
	// them, and their visible rows are made anew.
	Repair(ctx context.Context, r Repair) (differed []queue.Ref, err error)

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
	// Resync takes over the changes whatever version is stored: after a restored
	// backup the server's versions can be lower.
	Resync bool
	// Generation is written to each row of the page; Sweep goes by it.
	Generation int64
	// Meta is saved with the page: the cursor that stands behind it, above all.
	Meta map[string]string
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
