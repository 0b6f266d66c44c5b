package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// addDigest is migration 2: the digest of the live users beside the counter, so
// that both are saved by one update. SQL can't make its hashes.
func addDigest(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `ALTER TABLE feed ADD COLUMN digest BLOB NOT NULL DEFAULT x''`); err != nil {
		return fmt.Errorf("make room for the digest: %w", err)
	}
	return countAgain(ctx, tx)
}

func dropDigest(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `ALTER TABLE feed DROP COLUMN digest`)
	return err
}

// countAgain makes the digest from the rows, for when they were written by
// something else than sessions.
func countAgain(ctx context.Context, tx *sql.Tx) error {
	digest, err := sqldb.Digest(ctx, tx)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	kept, err := digest.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("encode the digest: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE feed SET digest = ?`, kept); err != nil {
		return fmt.Errorf("save the digest: %w", err)
	}
	return nil
}
