package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// normalize is migration 2: see sqldb.Normalizer. It keeps other servers from writing.
func normalize(ctx context.Context, tx *sql.Tx) error {
	for _, text := range []string{lockFeed, `SET CONSTRAINTS ALL DEFERRED`} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("keep other servers from writing: %w", err)
		}
	}
	n := sqldb.Normalizer{Tx: tx, Bind: func(text string) string { return strings.ReplaceAll(text, "?", "$") }, Now: time.Now()}
	return n.Run(ctx)
}
