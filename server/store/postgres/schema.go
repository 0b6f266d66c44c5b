package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Advisory locks, each within one database. Their numbers start with "roll" in ASCII.
const (
	lockMigrate = 0x726f6c6c_00000001 // held while the schema is changed
	lockServe   = 0x726f6c6c_00000002 // shared by servers; exclusive for changes that they must not see
)

// migrateTimeout bounds a migration, including the wait for another process.
const migrateTimeout = 10 * time.Minute

// migrate upgrades the schema. If several processes start together, one does it and the others
// wait. With mustExist, it fails when there is no schema.
func migrate(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger, mustExist bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	db := openSQL(config)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }() // and with it the lock
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(lockMigrate)); err != nil {
		return fmt.Errorf("wait for the migration of another process: %w", err)
	}
	defer func() {
		_, e := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(lockMigrate))
		err = errors.Join(err, e)
	}()
	p, err := schema(db)
	if err != nil {
		return err
	}
	return sqldb.Migrate(ctx, p, log, mustExist)
}

// unlimited are the settings for work on the whole database.
var unlimited = map[string]string{
	"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "enable_seqscan": "on",
}

// openSQL opens the database through database/sql, without time limits.
func openSQL(config *pgx.ConnConfig) *sql.DB {
	return stdlib.OpenDB(*with(config, unlimited))
}

func schema(db *sql.DB) (*goose.Provider, error) {
	return sqldb.Schema(goose.DialectPostgres, db, migrations, goose.WithGoMigrations(
		goose.NewGoMigration(2, nil, nil), // brought texts into their normal form, as 3 does now
		goose.NewGoMigration(3, &goose.GoFunc{RunTx: addEpochs}, nil)))
}
