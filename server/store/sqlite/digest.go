package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
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
	digest, err := digestOf(ctx, tx)
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

func digestOf(ctx context.Context, tx *sql.Tx) (d api.Digest, err error) {
	found, err := tx.QueryContext(ctx, `SELECT id, version FROM users WHERE deleted = 0`)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var id string
		var version int64
		if err := found.Scan(&id, &version); err != nil {
			return d, err
		}
		d.Add(id, version)
	}
	return d, found.Err()
}
