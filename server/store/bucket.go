package store

import "github.com/rollcall/rollcall/api"

// BucketQuery selects live users of a bucket in the order of their ids: those after After, at
// most Limit. Cursor is how far the client has read the feed. A store that is behind it or in
// another epoch fails with feed.ErrResync, since its rows would be older than the client's.
type BucketQuery struct {
	Cursor string
	Bucket int
	After  string
	Limit  int
}

// IDs is the range of ids that the query selects from.
func (q BucketQuery) IDs() api.IDRange {
	ids := api.BucketRange(q.Bucket)
	if q.After >= ids.From && q.After != "" {
		ids = ids.After(q.After)
	}
	return ids
}

// CutBucket makes a page of rows, which may be more than the page takes.
func CutBucket(rows []Row, limit int) api.BucketPage {
	n := fit(rows, limit)
	return api.BucketPage{Changes: changesOf(rows[:n]), HasMore: len(rows) > n}
}
