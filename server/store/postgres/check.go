package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// Check reads a whole database as of one moment and reports what is corrupt. Servers may go
// on writing. An error means that the database could not be read.
func Check(ctx context.Context, address string) (report store.Report, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("check %s: %w", Name(address), err)
		}
	}()
	config, err := parseAddress(address)
	if err != nil {
		return report, err
	}
	db := openSQL(config.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := schema(db)
	if err == nil {
		err = sqldb.RequireLatest(ctx, p)
	}
	if err != nil {
		return report, err
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return report, err
	}
	defer func() { _ = tx.Rollback() }()
	err = sqldb.Check(ctx, tx, &report)
	return report, err
}
