package sqldb

import (
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// Columns of the tables users, records and feed, as the functions below scan them.
const (
	RowColumns    = `id, version, change, deleted, document, stamp, created_at, updated_at, coalesce(email_key, '')`
	ListColumns   = `sort, id, updated_at, document`
	ChangeColumns = `change, id, version, deleted, stamp, document, sort`
	RecordColumns = `key, scope, entity_id, request, version, status, at`
	FeedColumns   = `epoch, change, clock, horizon, contents, past, floor`
)

// Scanner is a row of a query's result.
type Scanner interface{ Scan(columns ...any) error }

// ScanRow scans RowColumns.
func ScanRow[S Scanner](s S) (store.Row, error) { return scanRow(s) }

// scanRow scans RowColumns and others that follow them.
func scanRow(s Scanner, others ...any) (r store.Row, err error) {
	var document []byte
	var created, updated int64
	err = s.Scan(append([]any{&r.ID, &r.Version, &r.Change, &r.Deleted, &document, &r.Stamp, &created, &updated, &r.EmailKey}, others...)...)
	r.Document, r.CreatedAt, r.UpdatedAt = document, microseconds(created), microseconds(updated)
	return r, err
}

// ScanListed scans ListColumns.
func ScanListed[S Scanner](s S) (r store.Row, err error) {
	var document []byte
	var updated int64
	err = s.Scan(&r.Sort, &r.ID, &updated, &document)
	r.Document, r.UpdatedAt = document, microseconds(updated)
	return r, err
}

// ScanChange scans ChangeColumns.
func ScanChange[S Scanner](s S) (r store.Row, err error) {
	var document []byte
	err = s.Scan(&r.Change, &r.ID, &r.Version, &r.Deleted, &r.Stamp, &document, &r.Sort)
	r.Document = document
	return r, err
}

// ScanRecord scans RecordColumns.
func ScanRecord[S Scanner](s S) (store.Record, error) { return scanRecord(s) }

// scanRecord scans RecordColumns and others that follow them.
func scanRecord(s Scanner, others ...any) (r store.Record, err error) {
	var at int64
	err = s.Scan(append([]any{&r.Key, &r.Scope, &r.EntityID, &r.Request, &r.Version, &r.Status, &at}, others...)...)
	r.At = microseconds(at)
	return r, err
}

// ScanFeed scans FeedColumns and others that follow them.
func ScanFeed(s Scanner, others ...any) (f store.FeedState, err error) {
	var epoch, clock int64
	var digest, past []byte
	if err = s.Scan(append([]any{&epoch, &f.Change, &clock, &f.Horizon, &digest, &past, &f.Floor}, others...)...); err == nil {
		err = f.Digest.UnmarshalBinary(digest)
	}
	if err != nil {
		return f, fmt.Errorf("read the feed's state: %w", err)
	}
	f.Epoch, f.Clock, f.Past = uint64(epoch), microseconds(clock), feed.Past(past)
	return f, nil
}

// FeedValues are the values of the columns clock, epoch, contents, past and floor.
func FeedValues(f *store.FeedState) ([]any, error) {
	digest, err := f.Digest.AppendBinary(nil)
	if err != nil {
		return nil, fmt.Errorf("encode the digest: %w", err)
	}
	return []any{f.Clock.UnixMicro(), int64(f.Epoch), digest, []byte(f.Past), f.Floor}, nil
}

func microseconds(t int64) time.Time { return time.UnixMicro(t).UTC() }
