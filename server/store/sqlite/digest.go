package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// addDigest is migration 2: it adds the digest of the live users beside the counter, so that
// one update saves both. SQL can't compute its hashes.
func addDigest(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `ALTER TABLE feed ADD COLUMN digest BLOB NOT NULL DEFAULT x''`); err != nil {
		return fmt.Errorf("add the digest: %w", err)
	}
	return recomputeDigest(ctx, tx)
}

func dropDigest(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `ALTER TABLE feed DROP COLUMN digest`)
	return err
}

// recomputeDigest computes the digest from the rows, after they were written without a
// session.
func recomputeDigest(ctx context.Context, tx *sql.Tx) error {
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
