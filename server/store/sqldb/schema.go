// Package sqldb is what the SQLite and PostgreSQL stores share: their columns, the
// version of their schema, and the check of a whole database.
package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/rollcall/rollcall/server/store"
)

// Schema returns the database's schema with the migrations in a directory "migrations".
func Schema(dialect goose.Dialect, db *sql.DB, migrations fs.FS, o ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("find the migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, db, files, o...)
	if err != nil {
		return nil, fmt.Errorf("load the migrations: %w", err)
	}
	return p, nil
}

// Migrate upgrades the schema to this program's version, and announces it. With mustExist, it
// fails when the database has no schema yet.
func Migrate(ctx context.Context, p *goose.Provider, log *slog.Logger, mustExist bool) error {
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case have > want:
		return NewerSchema(have, want)
	case have == 0 && mustExist:
		return store.ErrNoDirectory
	case have > 0 && have < want:
		log.Info("upgrading the database; the server listens when that is done, which takes a large one a minute", "from", have, "to", want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// RequireLatest fails unless the schema has this program's version.
func RequireLatest(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case have == 0:
		return store.ErrNoDirectory
	case have < want:
		return fmt.Errorf("its schema has version %d, older than this program's %d; `rollcall serve` upgrades it", have, want)
	case have > want:
		return NewerSchema(have, want)
	}
	return nil
}

// NewerSchema is the error of a schema that a newer program has made.
func NewerSchema(have, want int64) error {
	return fmt.Errorf("its schema has version %d, newer than this program's %d; use a newer program", have, want)
}
