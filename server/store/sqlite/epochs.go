package sqlite

import (
	"context"
	"database/sql"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// addEpochs is migration 6: it brings users into the form of this program, and adds the epochs.
// See sqldb.Normalizer and sqldb.AddEpochs.
func addEpochs(ctx context.Context, tx *sql.Tx) error {
	if err := normalize(ctx, tx); err != nil {
		return err
	}
	return sqldb.AddEpochs(ctx, tx, unbound,
		`ALTER TABLE feed ADD COLUMN contents BLOB NOT NULL DEFAULT x''`,
		`ALTER TABLE feed ADD COLUMN past BLOB NOT NULL DEFAULT x''`,
		`ALTER TABLE feed ADD COLUMN floor INTEGER NOT NULL DEFAULT 0`)
}

// unbound returns a statement as it is: SQLite's parameters are ?1, ?2 and so on.
func unbound(text string) string { return text }
