package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// Check reads a whole database as of one moment and reports what is corrupt. A server may go
// on writing. An error means that the database could not be read.
func Check(ctx context.Context, path string) (report store.Report, err error) {
	db, done, err := openExisting(ctx, path)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if report, err = check(ctx, db); err != nil {
		return report, fmt.Errorf("check %s: %w", path, err)
	}
	return report, nil
}

func check(ctx context.Context, db *sql.DB) (report store.Report, err error) {
	p, err := schema(db)
	if err == nil {
		err = sqldb.RequireLatest(ctx, p)
	}
	if err != nil {
		return report, err
	}
	if err := requireOwnSchema(ctx, db); err != nil {
		report.Add("schema: %v; a backup of it can't be restored", err)
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return report, err
	}
	defer func() { _ = tx.Rollback() }()
	if err = checkPages(ctx, tx, &report); err == nil {
		err = sqldb.Check(ctx, tx, &report)
	}
	return report, err
}

// checkPages has SQLite check its file: pages, indexes and constraints. It stops after 100
// errors by itself.
func checkPages(ctx context.Context, tx *sql.Tx, r *store.Report) error {
	return sqldb.Each(ctx, tx, `PRAGMA integrity_check`, func(rows *sql.Rows) error {
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
