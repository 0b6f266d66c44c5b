package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

const (
	selectRow  = `SELECT ` + sqldb.RowColumns + ` FROM users WHERE id = $1`
	selectRows = `SELECT ` + sqldb.RowColumns + ` FROM users WHERE id = ANY($1) OR email_key = ANY($2)`
	selectFeed = `SELECT ` + sqldb.FeedColumns + ` FROM feed`
)

// querier is a connection, a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

func readFeed(ctx context.Context, db querier) (store.FeedState, error) {
	return sqldb.ScanFeed(db.QueryRow(ctx, selectFeed))
}

// storable reports whether PostgreSQL can store the text. It rejects a query with any other.
func storable(text string) bool { return !strings.ContainsRune(text, 0) }

// query reads the rows of a statement. It retries once on a dead connection, since all are
// dead after a restart of the database.
func query[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], text string, args ...any) (found []T, err error) {
	err = s.retryOnce(ctx, func() error {
		rows, err := s.reads.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	return found, err
}

// collectPage scans as many rows as a page needs to be cut, and closes them.
func collectPage(found pgx.Rows, scan pgx.RowToFunc[store.Row]) (rows []store.Row, err error) {
	defer found.Close()
	var size store.PageSize
	for full := false; !full && found.Next(); {
		row, err := scan(found)
		if err != nil {
			return nil, err
		}
		rows, full = append(rows, row), size.Add(row)
	}
	found.Close()
	return rows, found.Err()
}

// retryOnce reads, and reads again if the connection was lost.
func (s *Store) retryOnce(ctx context.Context, read func() error) error {
	err := read()
	if err == nil || ctx.Err() != nil || !connectionLost(err) {
		return err
	}
	return read()
}

// connectionLost reports whether an error is about the connection, not the statement.
func connectionLost(err error) bool {
	_, certain := statementFailed(err)
	return !certain && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, feed.ErrResync)
}

// User returns a live user's row, or store.ErrNotFound.
func (s *Store) User(ctx context.Context, id string) (store.Row, error) {
	if !storable(id) {
		return store.Row{}, fmt.Errorf("user %q: %w", id, store.ErrNotFound)
	}
	rows, err := query(ctx, s, sqldb.ScanRow[pgx.CollectableRow], selectRow, id)
	if err != nil {
		return store.Row{}, readError("read user "+id, err)
	}
	if len(rows) == 0 || rows[0].Deleted {
		return store.Row{}, fmt.Errorf("user %s: %w", id, store.ErrNotFound)
	}
	return rows[0], nil
}

// Find returns the rows with one of the ids, tombstones included, and the live rows with one of
// the email keys.
func (s *Store) Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error) {
	rows, err := query(ctx, s, sqldb.ScanRow[pgx.CollectableRow], selectRows, onlyStorable(ids), onlyStorable(emailKeys))
	if err != nil {
		return nil, readError("find users", err)
	}
	return rows, nil
}

func onlyStorable(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		if storable(t) {
			out = append(out, t)
		}
	}
	return out
}

// Users returns a page of the list.
func (s *Store) Users(ctx context.Context, q store.ListQuery) (store.List, error) {
	if !storable(q.Search) {
		return store.CutList(nil, q.Limit), nil
	}
	text, args := listStatement(q)
	var rows []store.Row
	err := s.retryOnce(ctx, func() error {
		found, err := s.reads.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		rows, err = collectPage(found, sqldb.ScanListed[pgx.CollectableRow])
		return err
	})
	if err != nil {
		return store.List{}, readError("list users", err)
	}
	return store.CutList(rows, q.Limit), nil
}

// listStatement selects one row more than the query's limit.
func listStatement(q store.ListQuery) (text string, args []any) {
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprint("$", len(args))
	}
	text = `SELECT ` + sqldb.ListColumns + ` FROM users WHERE NOT deleted`
	order := `sort, id`
	switch {
	case q.ByUpdate():
		text += ` AND updated_at > ` + arg(q.LaterThan().UnixMicro())
		order = `updated_at`
	case q.After.ID != "":
		// A position comes from a client, and PostgreSQL rejects zero bytes.
		text += ` AND (sort, id) > (` + arg(strings.ReplaceAll(q.After.Sort, "\x00", "")) + `, ` +
			arg(strings.ReplaceAll(q.After.ID, "\x00", "")) + `)`
	}
	if q.Search != "" {
		text += ` AND strpos(search, ` + arg(q.Search) + `) > 0`
	}
	return text + ` ORDER BY ` + order + ` LIMIT ` + arg(q.Limit+1), args
}

// snapshot reads the feed's state and rows from one snapshot, in one round trip.
func (s *Store) snapshot(ctx context.Context, text string, args ...any) (st store.FeedState, rows []store.Row, err error) {
	err = s.retryOnce(ctx, func() error {
		batch := &pgx.Batch{}
		batch.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
		batch.Queue(selectFeed).QueryRow(func(row pgx.Row) (err error) {
			st, err = sqldb.ScanFeed(row)
			return err
		})
		batch.Queue(text, args...).Query(func(found pgx.Rows) (err error) {
			rows, err = collectPage(found, sqldb.ScanChange[pgx.CollectableRow])
			return err
		})
		batch.Queue(`COMMIT`)
		return s.reads.SendBatch(ctx, batch).Close()
	})
	return st, rows, err
}

// Changes returns the page of the feed after a cursor.
func (s *Store) Changes(ctx context.Context, cursor string, limit int) (page api.ChangePage, err error) {
	// The counter, the digest and the rows come from one snapshot: the cursor of a last
	// page is at the counter, and the digest is of the rows up to it. The cursor is
	// validated afterwards.
	unchecked := feed.Cursor{Listing: true}
	if cursor != "" {
		if unchecked, err = feed.ParseCursor(cursor); err != nil {
			return page, err
		}
	}
	text, args := changesStatement(unchecked, limit)
	st, rows, err := s.snapshot(ctx, text, args...)
	if err != nil {
		return page, readError("read the feed", err)
	}
	from, err := st.Resume(cursor)
	if err != nil {
		return page, err
	}
	return st.Page(from, rows, limit), nil
}

// changesStatement selects one row more than the limit of those behind a cursor.
func changesStatement(from feed.Cursor, limit int) (text string, args []any) {
	text = `SELECT ` + sqldb.ChangeColumns + ` FROM users WHERE `
	if !from.Listing {
		return text + `change > $1 ORDER BY change LIMIT $2`, []any{from.Change, limit + 1}
	}
	// The position comes from a client, and PostgreSQL rejects zero bytes.
	after := strings.NewReplacer("\x00", "")
	return text + `NOT deleted AND (sort, id) > ($1, $2) ORDER BY sort, id LIMIT $3`, []any{after.Replace(from.Sort), after.Replace(from.ID), limit + 1}
}

// Bucket returns a page of a bucket for a client that has read the feed up to a cursor.
func (s *Store) Bucket(ctx context.Context, q store.BucketQuery) (page api.BucketPage, err error) {
	text, args := bucketStatement(q)
	// In one snapshot, the rows are not older than the cursor.
	st, rows, err := s.snapshot(ctx, text, args...)
	if err != nil {
		return page, readError("read a bucket", err)
	}
	if err := st.Covers(q.Cursor); err != nil {
		return page, err
	}
	return store.CutBucket(rows, q.Limit), nil
}

// bucketStatement selects one row more than the query's limit.
func bucketStatement(q store.BucketQuery) (text string, args []any) {
	ids := q.IDs()
	// The range after an id starts with the id and a zero byte, which PostgreSQL rejects.
	from, first := strings.ReplaceAll(ids.From, "\x00", ""), `>=`
	if from != ids.From {
		first = `>`
	}
	if ids.To == "" {
		ids.To = "\U0010ffff" // after every text, byte by byte
	}
	text = `SELECT ` + sqldb.ChangeColumns + ` FROM users WHERE NOT deleted AND id ` + first + ` $1 AND id < $2 ORDER BY id LIMIT $3`
	return text, []any{from, ids.To, q.Limit + 1}
}

// Head returns the cursor after the latest change.
func (s *Store) Head(ctx context.Context) (string, error) {
	var st store.FeedState
	err := s.retryOnce(ctx, func() (err error) {
		st, err = readFeed(ctx, s.reads)
		return err
	})
	if err != nil {
		return "", readError("read the feed", err)
	}
	return st.Head().String(), nil
}

// Revision differs whenever any page may differ, even after a failover that lost the last
// changes, whose numbers are used again.
func (s *Store) Revision(ctx context.Context) (string, error) {
	var f feed.State
	var epoch, clock int64
	err := s.retryOnce(ctx, func() error {
		return s.reads.QueryRow(ctx, `SELECT epoch, change, horizon, clock FROM feed`).Scan(&epoch, &f.Change, &f.Horizon, &clock)
	})
	if err != nil {
		return "", readError("read the feed's revision", err)
	}
	f.Epoch = uint64(epoch)
	return f.Revision(clock), nil
}
