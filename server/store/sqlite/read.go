package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// document is a row's JSON as text, or null for a tombstone.
func document(d json.RawMessage) any {
	if len(d) == 0 {
		return nil
	}
	return string(d)
}

const selectRow = `SELECT ` + sqldb.RowColumns + ` FROM users WHERE id = ?`

// User returns a live user's row, or store.ErrNotFound.
func (s *Store) User(ctx context.Context, id string) (store.Row, error) {
	found, err := s.readDB.QueryContext(ctx, selectRow, id)
	if err != nil {
		return store.Row{}, fmt.Errorf("read user %s: %w", id, err)
	}
	rows, err := collectRows(found, sqldb.ScanRow[*sql.Rows])
	if err != nil {
		return store.Row{}, fmt.Errorf("read user %s: %w", id, err)
	}
	if len(rows) == 0 || rows[0].Deleted {
		return store.Row{}, fmt.Errorf("user %s: %w", id, store.ErrNotFound)
	}
	return rows[0], nil
}

// Find returns the rows with one of the ids, tombstones included, and the live rows with one of
// the email keys.
func (s *Store) Find(ctx context.Context, ids, emailKeys []string) (rows []store.Row, err error) {
	byID, err1 := json.Marshal(ids)
	byEmail, err2 := json.Marshal(emailKeys)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("find users: %w", err)
	}
	found, err := s.readDB.QueryContext(ctx, `SELECT `+sqldb.RowColumns+` FROM users WHERE id IN (SELECT value FROM json_each(?))
UNION SELECT `+sqldb.RowColumns+` FROM users WHERE deleted = 0 AND email_key IN (SELECT value FROM json_each(?))`, string(byID), string(byEmail))
	if err != nil {
		return nil, fmt.Errorf("find users: %w", err)
	}
	rows, err = collectRows(found, sqldb.ScanRow[*sql.Rows])
	if err != nil {
		return nil, fmt.Errorf("find users: %w", err)
	}
	return rows, nil
}

// listStatement selects one row more than the query's limit.
func listStatement(q store.ListQuery) (text string, args []any) {
	text = `SELECT ` + sqldb.ListColumns + ` FROM users WHERE deleted = 0`
	switch {
	case q.ByUpdate():
		text, args = text+` AND updated_at > ?`, append(args, q.LaterThan().UnixMicro())
	case q.After.ID != "":
		text, args = text+` AND (sort, id) > (?, ?)`, append(args, q.After.Sort, q.After.ID)
	}
	if q.Search != "" {
		text, args = text+` AND instr(search, ?) > 0`, append(args, q.Search)
	}
	if q.ByUpdate() {
		text += ` ORDER BY updated_at LIMIT ?`
	} else {
		text += ` ORDER BY sort, id LIMIT ?`
	}
	return text, append(args, q.Limit+1)
}

// Users returns a page of the list.
func (s *Store) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	text, args := listStatement(q)
	found, err := s.readDB.QueryContext(ctx, text, args...)
	if err != nil {
		return store.List{}, fmt.Errorf("list users: %w", err)
	}
	rows, err := collectPage(found, sqldb.ScanListed[*sql.Rows])
	if err != nil {
		return store.List{}, fmt.Errorf("list users: %w", err)
	}
	return store.CutList(rows, q.Limit), nil
}

// collectRows scans all rows and closes them.
func collectRows[T any](found *sql.Rows, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errScan, err)
		}
		all = append(all, one)
	}
	return all, found.Err()
}

// collectPage scans as many rows as a page needs to be cut, and closes them.
func collectPage(found *sql.Rows, scan func(*sql.Rows) (store.Row, error)) (rows []store.Row, err error) {
	defer func() { err = errors.Join(err, found.Close()) }()
	var size store.PageSize
	for full := false; !full && found.Next(); {
		row, err := scan(found)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errScan, err)
		}
		rows, full = append(rows, row), size.Add(row)
	}
	return rows, found.Err()
}

// Changes returns the page of the feed after a cursor.
func (s *Store) Changes(ctx context.Context, cursor string, limit int) (page api.ChangePage, err error) {
	// The counter, the digest and the rows come from one snapshot: the cursor of a last
	// page is at the counter, and the digest is of the rows up to it.
	tx, end, err := s.snapshot(ctx)
	if err != nil {
		return page, fmt.Errorf("read the feed: %w", err)
	}
	defer func() { err = end(err) }()
	state, err := readFeed(ctx, tx)
	if err != nil {
		return page, err
	}
	from, err := state.Resume(cursor)
	if err != nil {
		return page, err
	}
	text, args := changesStatement(from, limit)
	found, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return page, fmt.Errorf("read the feed: %w", err)
	}
	rows, err := collectPage(found, sqldb.ScanChange[*sql.Rows])
	if err != nil {
		return page, fmt.Errorf("read the feed: %w", err)
	}
	return state.Page(from, rows, limit), nil
}

// changesStatement selects one row more than the limit of those behind a cursor.
func changesStatement(from feed.Cursor, limit int) (text string, args []any) {
	text = `SELECT ` + sqldb.ChangeColumns + ` FROM users WHERE `
	switch {
	case !from.Listing:
		return text + `change > ? ORDER BY change LIMIT ?`, []any{from.Change, limit + 1}
	case from.ID == "":
		return text + `deleted = 0 ORDER BY sort, id LIMIT ?`, []any{limit + 1}
	}
	return text + `deleted = 0 AND (sort, id) > (?, ?) ORDER BY sort, id LIMIT ?`, []any{from.Sort, from.ID, limit + 1}
}

// snapshot starts a transaction that reads from one snapshot. end ends it, and returns the
// error it is given or else its own.
func (s *Store) snapshot(ctx context.Context) (tx *sql.Tx, end func(error) error, err error) {
	tx, err = s.readDB.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, fmt.Errorf("begin a snapshot: %w", err)
	}
	return tx, func(err error) error {
		if e := tx.Rollback(); err == nil && e != nil {
			return fmt.Errorf("end a snapshot: %w", e)
		}
		return err
	}, nil
}

// Bucket returns a page of a bucket for a client that has read the feed up to a cursor.
func (s *Store) Bucket(ctx context.Context, q store.BucketQuery) (page api.BucketPage, err error) {
	// In one snapshot, the rows are not older than the cursor.
	tx, end, err := s.snapshot(ctx)
	if err != nil {
		return page, fmt.Errorf("read a bucket: %w", err)
	}
	defer func() { err = end(err) }()
	state, err := readFeed(ctx, tx)
	if err != nil {
		return page, err
	}
	if err := state.Covers(q.Cursor); err != nil {
		return page, err
	}
	ids := q.IDs()
	text, args := `SELECT `+sqldb.ChangeColumns+` FROM users WHERE deleted = 0 AND id >= ?`, []any{ids.From}
	if ids.To != "" {
		text, args = text+` AND id < ?`, append(args, ids.To)
	}
	found, err := tx.QueryContext(ctx, text+` ORDER BY id LIMIT ?`, append(args, q.Limit+1)...)
	if err != nil {
		return page, fmt.Errorf("read a bucket: %w", err)
	}
	rows, err := collectPage(found, sqldb.ScanChange[*sql.Rows])
	if err != nil {
		return page, fmt.Errorf("read a bucket: %w", err)
	}
	return store.CutBucket(rows, q.Limit), nil
}

// Head returns the cursor after the latest change.
func (s *Store) Head(ctx context.Context) (string, error) {
	state, err := readFeed(ctx, s.readDB)
	if err != nil {
		return "", err
	}
	return state.Head().String(), nil
}

// Revision differs whenever any page may differ.
func (s *Store) Revision(ctx context.Context) (string, error) {
	var f feed.State
	var epoch, clock int64
	if err := s.revision.QueryRowContext(ctx).Scan(&epoch, &f.Change, &f.Horizon, &clock); err != nil {
		return "", fmt.Errorf("read the feed's revision: %w", err)
	}
	f.Epoch = uint64(epoch)
	return f.Revision(clock), nil
}

func readFeed(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (store.FeedState, error) {
	return sqldb.ScanFeed(db.QueryRowContext(ctx, selectFeed))
}
