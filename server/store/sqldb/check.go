package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Check reads a whole database in the transaction's snapshot and reports what is corrupt. An
// error means that it could not be read.
func Check(ctx context.Context, tx *sql.Tx, report *store.Report) error {
	for _, check := range []func(context.Context, *sql.Tx, *store.Report) error{checkFeed, checkRows, checkEmails, checkRecords, checkAccounts} {
		if err := check(ctx, tx, report); err != nil {
			return err
		}
	}
	return nil
}

// Each calls f for every row of a query.
func Each(ctx context.Context, tx *sql.Tx, query string, f func(*sql.Rows) error) error {
	return each(ctx, tx, query, nil, f)
}

func each(ctx context.Context, tx *sql.Tx, query string, args []any, f func(*sql.Rows) error) (err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
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

func checkFeed(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	var f store.FeedCheck
	var clock, latest int64
	err := tx.QueryRowContext(ctx, `SELECT change, horizon, clock, contents, floor, (SELECT count(*) FROM feed), (SELECT coalesce(max(version), 0) FROM users),
(SELECT coalesce(max(change), 0) FROM users), (SELECT coalesce(max(updated_at), 0) FROM users) FROM feed`).
		Scan(&f.Counter.Change, &f.Horizon, &clock, &f.Digest, &f.Floor, &f.Rows, &f.LatestVersion, &f.LatestChange, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		r.Add("feed: its row is missing")
		return nil
	}
	if err != nil {
		return err
	}
	f.Counter.Clock, f.LatestUpdate = microseconds(clock), microseconds(latest)
	if f.Users, err = Digest(ctx, tx); err != nil {
		return err
	}
	r.CheckFeed(f)
	return nil
}

// Digest returns the digest of the live users.
func Digest(ctx context.Context, tx *sql.Tx) (d api.Digest, err error) {
	err = Each(ctx, tx, `SELECT id, version, document FROM users WHERE NOT deleted`, func(rows *sql.Rows) error {
		var id string
		var version int64
		var document []byte
		err := rows.Scan(&id, &version, &document)
		d.Add(id, version, api.ContentHash(document))
		return err
	})
	return d, err
}

func checkRows(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	return Each(ctx, tx, `SELECT `+RowColumns+`, sort, search FROM users`, func(rows *sql.Rows) error {
		var sort, search string
		row, err := scanRow(rows, &sort, &search)
		if err != nil {
			return err
		}
		row.Sort, row.Search = sort, search
		r.CheckRow(row)
		return nil
	})
}

// checkEmails reports users who share an email: their keys were one only after an upgrade.
func checkEmails(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	const query = `SELECT a.id, b.id, a.document FROM
(SELECT id, document, email_key, substr(email_key, 1, length(email_key) - length(id) - 1) AS plain
 FROM users WHERE NOT deleted AND email_key LIKE '%` + "\n" + `%') AS a
JOIN users AS b ON b.email_key >= a.plain AND b.email_key < a.plain || '` + "\v" + `' AND NOT b.deleted
 AND (b.email_key = a.plain OR b.id < a.id) ORDER BY a.id, b.id`
	return Each(ctx, tx, query, func(rows *sql.Rows) error {
		var id, other string
		var document []byte
		if err := rows.Scan(&id, &other, &document); err != nil {
			return err
		}
		r.CheckShared(store.Row{ID: id, Document: document}, other)
		return nil
	})
}

func checkRecords(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	const query = `SELECT ` + RecordColumns + `, EXISTS (SELECT 1 FROM users WHERE id = entity_id) FROM records`
	return Each(ctx, tx, query, func(rows *sql.Rows) error {
		var exists bool
		record, err := scanRecord(rows, &exists)
		if err != nil {
			return err
		}
		r.CheckRecord(record, exists)
		return nil
	})
}

// checkAccounts checks what signs people in.
func checkAccounts(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	s, err := Access{DB: tx}.State(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		r.Add("accounts: %v", err)
		return nil
	}
	for _, p := range s.Problems() {
		r.Add("accounts: %s", p)
	}
	return nil
}
