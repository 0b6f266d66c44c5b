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

// storable reports whether PostgreSQL can hold the text at all. What it can't hold,
// it doesn't hold, and asking for it is an error to it.
func storable(text string) bool { return !strings.ContainsRune(text, 0) }

// query reads the rows of a statement. Reading is tried again when the connection
// turns out to be dead, as they all do when the database was restarted.
func query[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], text string, args ...any) (found []T, err error) {
	err = s.twice(ctx, func() error {
		rows, err := s.reads.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	return found, err
}

// twice reads, and reads again when it failed for another reason than what was asked.
func (s *Store) twice(ctx context.Context, read func() error) error {
	err := read()
	if err == nil || ctx.Err() != nil || !lost(err) {
		return err
	}
	return read()
}

// lost reports whether an error is that of a connection, not of a statement.
func lost(err error) bool {
	_, sure := statementFailed(err)
	return !sure && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, feed.ErrResync)
}

// User returns a live user's row, or store.ErrNotFound.
func (s *Store) User(ctx context.Context, id string) (store.Row, error) {
	if !storable(id) {
		return store.Row{}, fmt.Errorf("user %q: %w", id, store.ErrNotFound)
	}
	rows, err := query(ctx, s, sqldb.ScanRow[pgx.CollectableRow], selectRow, id)
	if err != nil {
		return store.Row{}, failed("read user "+id, err)
	}
	if len(rows) == 0 || rows[0].Deleted {
		return store.Row{}, fmt.Errorf("user %s: %w", id, store.ErrNotFound)
	}
	return rows[0], nil
}

// Find returns the rows that have one of the ids, tombstones too, and the live ones
// that have one of the email keys.
func (s *Store) Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error) {
	rows, err := query(ctx, s, sqldb.ScanRow[pgx.CollectableRow], selectRows, onlyStorable(ids), onlyStorable(emailKeys))
	if err != nil {
		return nil, failed("find users", err)
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
		return store.Cut(nil, q.Limit), nil
	}
	text, args := listStatement(q)
	rows, err := query(ctx, s, sqldb.ScanListed[pgx.CollectableRow], text, args...)
	if err != nil {
		return store.List{}, failed("list users", err)
	}
	return store.Cut(rows, q.Limit), nil
}

// listStatement is the statement for one row more than the query's limit.
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
		// A position is a client's text; the zero bytes it can't have mean the same.
		text += ` AND (sort, id) > (` + arg(strings.ReplaceAll(q.After.Sort, "\x00", "")) + `, ` +
			arg(strings.ReplaceAll(q.After.ID, "\x00", "")) + `)`
	}
	if q.Search != "" {
		text += ` AND strpos(search, ` + arg(q.Search) + `) > 0`
	}
	return text + ` ORDER BY ` + order + ` LIMIT ` + arg(q.Limit+1), args
}

// snapshot reads the feed's state and rows as they are together, in one round trip.
func (s *Store) snapshot(ctx context.Context, text string, args ...any) (st store.FeedState, rows []store.Row, err error) {
	err = s.twice(ctx, func() error {
		batch := &pgx.Batch{}
		batch.Queue(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
		batch.Queue(selectFeed).QueryRow(func(row pgx.Row) (err error) {
			st, err = sqldb.ScanFeed(row)
			return err
		})
		batch.Queue(text, args...).Query(func(found pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(found, sqldb.ScanChange[pgx.CollectableRow])
			return err
		})
		batch.Queue(`COMMIT`)
		return s.reads.SendBatch(ctx, batch).Close()
	})
	return st, rows, err
}

// Changes returns the page of the feed behind a cursor.
func (s *Store) Changes(ctx context.Context, cursor string, limit int) (page api.ChangePage, err error) {
	// One snapshot: the cursor behind a last page says that the page reached the
	// counter, and the digest is of just these rows. Whether the cursor is any good
	// shows with the rows behind it.
	var guess feed.Cursor
	if cursor != "" {
		if guess, err = feed.ParseCursor(cursor); err != nil {
			return page, err
		}
	}
	st, rows, err := s.snapshot(ctx, `SELECT `+sqldb.ChangeColumns+` FROM users WHERE change > $1 ORDER BY change LIMIT $2`, guess.Change, limit+1)
	if err != nil {
		return page, failed("read the feed", err)
	}
	from, err := st.Resume(cursor)
	if err != nil {
		return page, err
	}
	return st.Page(from, rows, limit), nil
}

// Bucket returns a page of a bucket, for a client that has read the feed up to a cursor.
func (s *Store) Bucket(ctx context.Context, q store.BucketQuery) (page api.BucketPage, err error) {
	text, args := bucketStatement(q)
	// One snapshot: the rows are not from before the cursor.
	st, rows, err := s.snapshot(ctx, text, args...)
	if err != nil {
		return page, failed("read a bucket", err)
	}
	if _, err := st.Resume(q.Cursor); err != nil {
		return page, err
	}
	return store.CutBucket(rows, q.Limit), nil
}

// bucketStatement is the statement for one row more than the query's limit.
func bucketStatement(q store.BucketQuery) (text string, args []any) {
	ids := q.IDs()
	// What follows an id begins with that and a zero byte, which no text here has.
	from, first := strings.ReplaceAll(ids.From, "\x00", ""), `>=`
	if from != ids.From {
		first = `>`
	}
	if ids.To == "" {
		ids.To = "\U0010ffff" // behind every text, byte by byte
	}
	text = `SELECT ` + sqldb.ChangeColumns + ` FROM users WHERE NOT deleted AND id ` + first + ` $1 AND id < $2 ORDER BY id LIMIT $3`
	return text, []any{from, ids.To, q.Limit + 1}
}

// Head returns the cursor behind everything there is.
func (s *Store) Head(ctx context.Context) (string, error) {
	var st store.FeedState
	err := s.twice(ctx, func() (err error) {
		st, err = readFeed(ctx, s.reads)
		return err
	})
	if err != nil {
		return "", failed("read the feed", err)
	}
	return st.Head().String(), nil
}

// Revision is another text whenever any page may be another: also after a failover that
// lost the last changes, whose numbers are then given to others.
func (s *Store) Revision(ctx context.Context) (string, error) {
	var f feed.State
	var epoch, clock int64
	err := s.twice(ctx, func() error {
		return s.reads.QueryRow(ctx, `SELECT epoch, change, horizon, clock FROM feed`).Scan(&epoch, &f.Change, &f.Horizon, &clock)
	})
	if err != nil {
		return "", failed("read the feed's revision", err)
	}
	f.Epoch = uint64(epoch)
	return f.Revision(clock), nil
}
