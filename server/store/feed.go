package store

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
)

// FeedState is the feed's row in a store: how far the feed reaches, when its latest change
// was made, and the digest of the live users at that change.
//
// No version that is given out is below Floor, and none that ever was is above Floor + Change.
type FeedState struct {
	feed.State
	Clock  time.Time
	Digest api.Digest
	Floor  int64
}

// Enter begins a new epoch, as at each start of the database: it may be a copy from before
// clients read it last, since a disk or a virtual machine is set back, or a standby takes over
// that lacks the last commits, and nothing says so. Versions continue from the time, so that
// none stands for two states.
func (f *FeedState) Enter(now time.Time) {
	if f.Change > 0 || f.Past != "" || f.Floor > 0 { // a version may be known to clients
		f.Floor = max(f.Floor+f.Change+1, VersionAt(now))
	}
	f.Past = f.Past.With(f.Epoch, f.Change)
	f.Epoch = rand.Uint64()
}

// Revision differs whenever any page of the feed or the list may differ.
func (f *FeedState) Revision() string { return f.State.Revision(f.Clock.UnixMicro()) }

// Page returns the page of the feed after a cursor. Rows are those behind it, in the order of
// the feed or, while the cursor lists, of the list, one more than the page takes if there are
// that many.
func (f *FeedState) Page(from feed.Cursor, rows []Row, limit int) api.ChangePage {
	n := fit(rows, limit)
	next, more := from, len(rows) > n
	switch {
	case from.Listing && more:
		next.Sort, next.ID = rows[n-1].Sort, rows[n-1].ID
	case from.Listing: // all are listed; what has changed meanwhile follows
		next = feed.Cursor{Epoch: from.Epoch, Change: from.Change}
		more = from.Change < f.Change
	case more:
		next.Change = rows[n-1].Change
	default:
		next.Change = f.Change
	}
	rows = rows[:n]
	if from.Listing {
		rows = unchangedSince(from.Change, rows)
	}
	page := api.ChangePage{Changes: changesOf(rows), HasMore: more, Cursor: next.String()}
	if more {
		page.Total = f.Digest.Count
	} else {
		page.Digests = map[string]api.Digest{api.EntityUser: f.Digest}
		page.Epoch = strconv.FormatUint(f.Epoch, 16)
	}
	return page
}

// unchangedSince returns the rows that have not changed since a number. The others come again, in
// the order of the feed, so a client is listed no row under two names.
func unchangedSince(change int64, rows []Row) []Row {
	return slices.DeleteFunc(rows, func(r Row) bool { return r.Change > change })
}

// changesOf returns rows as changes.
func changesOf(rows []Row) []api.Change {
	changes := make([]api.Change, len(rows))
	for i := range rows {
		changes[i] = rows[i].FeedChange()
	}
	return changes
}
