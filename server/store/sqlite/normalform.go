package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// normalize is a part of migration 6: see sqldb.Normalizer. The index of emails comes back when
// each has a key of its own.
func normalize(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `DROP INDEX users_email`); err != nil {
		return fmt.Errorf("drop the index of emails: %w", err)
	}
	n := sqldb.Normalizer{Tx: tx, Bind: unbound, Now: time.Now()}
	err := n.Run(ctx)
	if err == nil {
		_, err = tx.ExecContext(ctx, `CREATE UNIQUE INDEX users_email ON users (email_key) WHERE deleted = 0`)
	}
	return err
}
