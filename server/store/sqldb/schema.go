// Package sqldb is what the SQLite and PostgreSQL stores share: their columns, the
// version of their schema, and the check of a whole database.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
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

var errNoDirectory = errors.New("it holds no directory; `rollcall serve` creates one")

// Migrate upgrades the schema to this program's version. With mustExist, it fails when
// the database has no schema yet.
func Migrate(ctx context.Context, p *goose.Provider, mustExist bool) error {
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema's version: %w", err)
	case have > want:
		return errNewerSchema(have, want)
	case have == 0 && mustExist:
		return errNoDirectory
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
		return errNoDirectory
	case have < want:
		return fmt.Errorf("its schema has version %d, older than this program's %d; `rollcall serve` upgrades it", have, want)
	case have > want:
		return errNewerSchema(have, want)
	}
	return nil
}

func errNewerSchema(have, want int64) error {
	return fmt.Errorf("its schema has version %d, newer than this program's %d; use a newer program", have, want)
}
