package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Numbers of advisory locks, which are of one database. They spell "rollcall" and
// what for.
const (
	lockMigrate = 0x726f6c6c_00000001 // held by who changes the schema
	lockServe   = 0x726f6c6c_00000002 // shared by servers; held by who changes what they rely on
)

// migrateTimeout bounds a migration with the wait for another process's.
const migrateTimeout = 10 * time.Minute

// migrate brings the schema up to date. Of several processes that start together,
// one does it and the others wait. With mustExist, it fails when there is no schema.
func migrate(ctx context.Context, config *pgx.ConnConfig, mustExist bool) (err error) {
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
		return fmt.Errorf("wait for other processes that start: %w", err)
	}
	defer func() {
		_, e := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(lockMigrate))
		err = errors.Join(err, e)
	}()
	p, err := schema(db)
	if err != nil {
		return err
	}
	return sqldb.Migrate(ctx, p, mustExist)
}

// unlimited are the settings for work on the whole database.
var unlimited = map[string]string{
	"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "enable_seqscan": "on",
}

// openSQL opens the database for long work through database/sql, which is what goose
// works with.
func openSQL(config *pgx.ConnConfig) *sql.DB {
	return stdlib.OpenDB(*with(config, unlimited))
}

func schema(db *sql.DB) (*goose.Provider, error) {
	return sqldb.Schema(goose.DialectPostgres, db, migrations)
}
