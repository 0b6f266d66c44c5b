package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Report is what Check found.
type Report struct {
	Users, Tombstones, Records int64
	Change                     int64    // the counter
	Problems                   []string // at most maxProblems of them
	More                       int      // problems that are not listed
}

const maxProblems = 100

func (r *Report) add(format string, args ...any) {
	if len(r.Problems) >= maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Check reads all of a database, of one moment, and says what can't be as it is. A
// server may go on writing meanwhile. An error means that it could not be read.
func Check(ctx context.Context, path string) (report Report, err error) {
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
	for _, check := range []func(context.Context, *sql.Tx, *Report) error{checkPages, checkFeed, checkRows, checkRecords} {
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
func checkPages(ctx context.Context, tx *sql.Tx, r *Report) error {
	return each(ctx, tx, fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxProblems), func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			r.add("file: %s", text)
		}
		return nil
	})
}

// checkFeed holds the counter against the rows: the last change was either of a
// row that is there, or of a tombstone that was collected.
func checkFeed(ctx context.Context, tx *sql.Tx, r *Report) error {
	var change, horizon, clock, latest, latestChange, lines int64
	var kept []byte
	err := tx.QueryRowContext(ctx, `SELECT change, horizon, clock, digest, (SELECT count(*) FROM feed),
(SELECT coalesce(max(change), 0) FROM users), (SELECT coalesce(max(updated_at), 0) FROM users) FROM feed`).
		Scan(&change, &horizon, &clock, &kept, &lines, &latestChange, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		r.add("feed: its row is missing")
		return nil
	}
	if err != nil {
		return err
	}
	r.Change = change
	if lines != 1 {
		r.add("feed: it has %d rows", lines)
	}
	if want := max(latestChange, horizon); change != want {
		r.add("feed: the counter is %d, and the rows and collected tombstones reach to %d", change, want)
	}
	if clock < latest {
		r.add("feed: its clock, %v, is before the latest change, %v", time.UnixMicro(clock).UTC(), time.UnixMicro(latest).UTC())
	}
	var digest api.Digest
	if err := digest.UnmarshalBinary(kept); err != nil {
		r.add("feed: its digest can't be read: %v", err)
		return nil
	}
	real, err := digestOf(ctx, tx)
	if err != nil {
		return err
	}
	if digest != real {
		r.add("feed: its digest is not that of the users, so that clients look for differences where there are none")
	}
	return nil
}

func checkRows(ctx context.Context, tx *sql.Tx, r *Report) error {
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
		if row.Deleted {
			r.Tombstones++
		} else {
			r.Users++
		}
		for _, problem := range store.CheckRow(row) {
			r.add("user %s: %s", row.ID, problem)
		}
		return nil
	})
}

// checkRecords looks for records that can't be read, and for orphans: one of a
// write that took effect is about a user or a tombstone, because tombstones
// are kept at least as long.
func checkRecords(ctx context.Context, tx *sql.Tx, r *Report) error {
	const query = `SELECT key, result, entity_id, entity_id = '' OR EXISTS (SELECT 1 FROM users WHERE id = entity_id) FROM records`
	return each(ctx, tx, query, func(rows *sql.Rows) error {
		var key, entity string
		var text []byte
		var there bool
		if err := rows.Scan(&key, &text, &entity, &there); err != nil {
			return err
		}
		r.Records++
		var result api.Result
		if err := json.Unmarshal(text, &result); err != nil {
			r.add("record %s: its result can't be read: %v", key, err)
			return nil
		}
		if !there && result.Status == api.Applied {
			r.add("record %s: it is of user %s, of whom there is nothing", key, entity)
		}
		return nil
	})
}
