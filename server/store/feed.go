package store

import (
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
)

// FeedState is the feed's row in a store: how far the feed reaches, when its latest change
// was made, and the digest of the live users at that change.
type FeedState struct {
	feed.State
	Clock  time.Time
	Digest api.Digest
}

// Revision differs whenever any page of the feed or the list may differ.
func (f *FeedState) Revision() string { return f.State.Revision(f.Clock.UnixMicro()) }

// Page returns the page of the feed after a cursor. Rows are the changes after it in
// order, one more than the limit if there are that many.
func (f *FeedState) Page(from feed.Cursor, rows []Row, limit int) api.ChangePage {
	page := api.ChangePage{Changes: changesOf(rows, limit), HasMore: len(rows) > limit}
	var last int64
	if n := len(page.Changes); n > 0 {
		last = rows[n-1].Change
	}
	page.Cursor = f.Advance(from, last, page.HasMore).String()
	if !page.HasMore {
		page.Digests = map[string]api.Digest{api.EntityUser: f.Digest}
	}
	return page
}

// changesOf returns the first rows as changes, at most limit of them.
func changesOf(rows []Row, limit int) []api.Change {
	rows = rows[:min(len(rows), limit)]
	changes := make([]api.Change, len(rows))
	for i := range rows {
		changes[i] = rows[i].FeedChange()
	}
	return changes
}
