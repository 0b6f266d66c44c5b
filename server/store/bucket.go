package store

import "github.com/rollcall/rollcall/api"

// BucketQuery asks for live users of a bucket by id: those behind After (empty for
// all), at most Limit. Cursor is how far the client has read the feed: a store that
// is behind it, or in another epoch, answers feed.ErrResync, because to such a
// client its rows would be old.
type BucketQuery struct {
	Cursor string
	Bucket int
	After  string
	Limit  int
}

// IDs is the range of the ids that are asked for.
func (q BucketQuery) IDs() api.IDRange {
	ids := api.BucketRange(q.Bucket)
	if q.After >= ids.From && q.After != "" {
		ids = ids.After(q.After)
	}
	return ids
}

// CutBucket makes a page of rows by id, of which there may be one more than the limit.
func CutBucket(rows []Row, limit int) api.BucketPage {
	return api.BucketPage{Changes: changesOf(rows, limit), HasMore: len(rows) > limit}
}
