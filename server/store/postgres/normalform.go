package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// normalize is a part of migration 3: see sqldb.Normalizer.
func normalize(ctx context.Context, tx *sql.Tx) error {
	if err := lockOut(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `SET CONSTRAINTS ALL DEFERRED`); err != nil {
		return fmt.Errorf("let emails move: %w", err)
	}
	n := sqldb.Normalizer{Tx: tx, Bind: bind, Now: time.Now()}
	return n.Run(ctx)
}

// addEpochs is migration 3: it brings users into the form of this program, and adds the epochs.
// See sqldb.Normalizer and sqldb.AddEpochs.
func addEpochs(ctx context.Context, tx *sql.Tx) error {
	if err := normalize(ctx, tx); err != nil {
		return err
	}
	return sqldb.AddEpochs(ctx, tx, bind,
		`ALTER TABLE feed ADD COLUMN contents bytea NOT NULL DEFAULT ''`,
		`ALTER TABLE feed ADD COLUMN past bytea NOT NULL DEFAULT ''`,
		`ALTER TABLE feed ADD COLUMN run text NOT NULL DEFAULT ''`,
		`ALTER TABLE feed ADD COLUMN floor bigint NOT NULL DEFAULT 0`)
}

// lockOut keeps other servers from writing until the transaction ends. They wait before they
// lock anything: one that waited for the row would hold a lock on the table, for which a
// migration that alters it would wait.
func lockOut(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `LOCK TABLE feed IN EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("keep other servers from writing: %w", err)
	}
	return nil
}

// bind puts PostgreSQL's parameters.
func bind(text string) string { return strings.ReplaceAll(text, "?", "$") }
