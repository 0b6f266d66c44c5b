package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/sqlite"
)

// database is a store as the commands use it.
type database interface {
	rest.Store
	store.Tidier
	signin.Store
	Audit(ctx context.Context, from time.Time, f func(account.Event) error) error
	Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error
	Erase(ctx context.Context, id string) error
	Find(ctx context.Context, ids, emailKeys []string) ([]store.Row, error)
	// Waiting is how many writes are queued.
	Waiting() int
	// Readers is how many reads run at once.
	Readers() int
	Close() error
}

// hooks are what a store calls; each may be nil.
type hooks struct {
	committed func()
	observe   func(store.Commit)
	log       *slog.Logger
}

// databaseFlag is the flag that names a command's database. The environment's value is not
// its default: help shows defaults, and the value may hold a password.
func databaseFlag(flags *flag.FlagSet) *string {
	db := "rollcall.db"
	flags.StringVar(&db, "db", db, "SQLite `file`, or postgres://... for PostgreSQL; also in ROLLCALL_DB")
	db = env("ROLLCALL_DB", db)
	return &db
}

// openDatabase opens the database that -db names, and creates it if there is none.
func openDatabase(ctx context.Context, db string, h hooks) (database, error) {
	if postgres.IsAddress(db) {
		return postgres.Open(ctx, db, postgres.Options{Committed: h.committed, Observe: h.observe, Log: h.log})
	}
	if err := checkPath(db); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, db, sqlite.Options{Committed: h.committed, Observe: h.observe, Log: h.log})
}

// openExisting opens a database that must exist; else the error is store.ErrNoDirectory.
func openExisting(ctx context.Context, db string) (database, error) {
	if postgres.IsAddress(db) {
		return postgres.Open(ctx, db, postgres.Options{MustExist: true})
	}
	if err := checkPath(db); err != nil {
		return nil, err
	}
	if _, err := os.Stat(db); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("database %s: %w", db, store.ErrNoDirectory)
	} else if err != nil {
		return nil, fmt.Errorf("look for the database: %w", err)
	}
	return openDatabase(ctx, db, hooks{})
}

// hasAccounts reports whether the database that -db names has accounts. It neither creates nor
// upgrades it.
func hasAccounts(ctx context.Context, db string) (bool, error) {
	if postgres.IsAddress(db) {
		return postgres.HasAccounts(ctx, db)
	}
	if err := checkPath(db); err != nil {
		return false, err
	}
	if _, err := os.Stat(db); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return sqlite.HasAccounts(ctx, db)
}

// checkDatabase checks the database that -db names.
func checkDatabase(ctx context.Context, db string) (store.Report, error) {
	if postgres.IsAddress(db) {
		return postgres.Check(ctx, db)
	}
	if err := checkPath(db); err != nil {
		return store.Report{}, err
	}
	return sqlite.Check(ctx, db)
}

// checkPath refuses a URL where only the path of a file is possible.
func checkPath(db string) error {
	if scheme, _, ok := strings.Cut(db, "://"); ok {
		return fmt.Errorf("-db %s://... is not supported; give the path of a SQLite file, or a postgres:// address", scheme)
	}
	return nil
}

// displayName is a database's name without its password.
func displayName(db string) string {
	if postgres.IsAddress(db) {
		return postgres.Name(db)
	}
	return db
}
