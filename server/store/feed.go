package store

import (
	"math/rand/v2"
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

// Page returns the page of the feed after a cursor. Rows are the changes after it in
// order, one more than the page takes if there are that many.
func (f *FeedState) Page(from feed.Cursor, rows []Row, limit int) api.ChangePage {
	n := fit(rows, limit)
	page := api.ChangePage{Changes: changesOf(rows[:n]), HasMore: len(rows) > n}
	var last int64
	if n > 0 {
		last = rows[n-1].Change
	}
	page.Cursor = f.Advance(from, last, page.HasMore).String()
	if !page.HasMore {
		page.Digests = map[string]api.Digest{api.EntityUser: f.Digest}
		page.Epoch = strconv.FormatUint(f.Epoch, 16)
	}
	return page
}

// changesOf returns rows as changes.
func changesOf(rows []Row) []api.Change {
	changes := make([]api.Change, len(rows))
	for i := range rows {
		changes[i] = rows[i].FeedChange()
	}
	return changes
}
