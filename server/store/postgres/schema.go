package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
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
// one does it and the others wait. With present, it fails when there is no schema.
func migrate(ctx context.Context, config *pgx.ConnConfig, present bool) (err error) {
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
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case have > want:
		return tooNew(have, want)
	case have == 0 && present:
		return errNoDirectory
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

var errNoDirectory = errors.New("it holds no directory; `rollcall serve` makes one")

func tooNew(have, want int64) error {
	return fmt.Errorf("its schema has version %d, and this program knows only %d: use a newer program", have, want)
}

// openSQL opens the database for long work through database/sql, which is what goose
// works with.
func openSQL(config *pgx.ConnConfig) *sql.DB {
	return stdlib.OpenDB(*with(config, map[string]string{"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "enable_seqscan": "on"}))
}

// schema is the database's schema with its migrations.
func schema(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("find the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return nil, fmt.Errorf("load the migrations: %w", err)
	}
	return p, nil
}

// isNewest fails when the schema is another than this program's.
func isNewest(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := openSQL(config)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := schema(db)
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case have == 0:
		return errNoDirectory
	case have < want:
		return fmt.Errorf("its schema has version %d, and this program's is %d: `rollcall serve` brings it up to date", have, want)
	case have > want:
		return tooNew(have, want)
	}
	return nil
}
