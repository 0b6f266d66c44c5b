package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Check reads all of a database, of one moment, and says what can't be as it is. A
// server may go on writing meanwhile. An error means that it could not be read.
func Check(ctx context.Context, path string) (report store.Report, err error) {
	db, done, err := openExisting(ctx, path)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := isNewest(ctx, db); err != nil {
		return report, fmt.Errorf("check %s: %w", path, err)
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return report, fmt.Errorf("begin to read %s: %w", path, err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, check := range []func(context.Context, *sql.Tx, *store.Report) error{checkPages, checkFeed, checkRows, checkRecords} {
		if err := check(ctx, tx, &report); err != nil {
			return report, fmt.Errorf("check %s: %w", path, err)
		}
	}
	return report, nil
}

func isNewest(ctx context.Context, db *sql.DB) error {
	p, err := schema(db)
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	switch {
	case have < want:
		return fmt.Errorf("its schema has version %d, and this program's is %d: `rollcall serve` brings it up to date", have, want)
	case have > want:
		return tooNew(have, want)
	}
	return nil
}

// each calls f for every row of a query.
func each(ctx context.Context, tx *sql.Tx, query string, f func(*sql.Rows) error) (err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// checkPages has SQLite check its file: pages, indexes, constraints.
func checkPages(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	return each(ctx, tx, fmt.Sprintf(`PRAGMA integrity_check(%d)`, store.MaxProblems), func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			r.Add("file: %s", text)
		}
		return nil
	})
}

func checkFeed(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	var st store.Standing
	var clock, latest, lines int64
	err := tx.QueryRowContext(ctx, `SELECT change, horizon, clock, digest, (SELECT count(*) FROM feed),
(SELECT coalesce(max(change), 0) FROM users), (SELECT coalesce(max(updated_at), 0) FROM users) FROM feed`).
		Scan(&st.Counter.Change, &st.Horizon, &clock, &st.Digest, &lines, &st.LatestChange, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		r.Add("feed: its row is missing")
		return nil
	}
	if err != nil {
		return err
	}
	if lines != 1 {
		r.Add("feed: it has %d rows", lines)
	}
	st.Counter.Clock, st.Latest = time.UnixMicro(clock).UTC(), time.UnixMicro(latest).UTC()
	if st.Rows, err = digestOf(ctx, tx); err != nil {
		return err
	}
	r.AddFeed(st)
	return nil
}

func checkRows(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	const query = `SELECT id, version, change, deleted, document, stamp, created_at, updated_at, email_key, sort, search FROM users`
	return each(ctx, tx, query, func(rows *sql.Rows) error {
		var row store.Row
		var stamp string
		var doc []byte
		var created, updated int64
		err := rows.Scan(&row.ID, &row.Version, &row.Change, &row.Deleted, &doc, &stamp, &created, &updated, &row.EmailKey, &row.Sort, &row.Search)
		if err != nil {
			return err
		}
		row.Document, row.Stamp = doc, api.Stamp(stamp)
		row.CreatedAt, row.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		r.AddRow(row)
		return nil
	})
}

func checkRecords(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	const query = `SELECT key, entity_id, result, EXISTS (SELECT 1 FROM users WHERE id = entity_id) FROM records`
	return each(ctx, tx, query, func(rows *sql.Rows) error {
		var key, entity string
		var result []byte
		var there bool
		if err := rows.Scan(&key, &entity, &result, &there); err != nil {
			return err
		}
		r.AddRecord(key, entity, result, there)
		return nil
	})
}
