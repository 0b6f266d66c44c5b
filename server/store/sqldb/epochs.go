package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// AddEpochs is the migration that adds what the feed says of its epochs, with statements that
// add columns contents, past and floor, and the database's own. It replaces the digest over versions by one over
// contents, in a column of another name: a server of an older version, which would not keep it
// up, can neither read nor write.
func AddEpochs(ctx context.Context, tx *sql.Tx, bind func(text string) string, columns ...string) error {
	for _, text := range columns {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("add a column to the feed: %w", err)
		}
	}
	if err := RecomputeDigest(ctx, tx, bind); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE feed SET floor = CASE WHEN change < latest THEN latest - change ELSE 0 END
FROM (SELECT coalesce(max(version), 0) AS latest FROM users) AS versions`)
	if err != nil {
		return fmt.Errorf("save the bound of versions: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `ALTER TABLE feed DROP COLUMN digest`); err != nil {
		return fmt.Errorf("drop the digest over versions: %w", err)
	}
	return nil
}

// RecomputeDigest computes the digest from the rows, after they were written without a session.
// bind puts the database's parameters for ?1, ?2 and so on.
func RecomputeDigest(ctx context.Context, tx *sql.Tx, bind func(text string) string) error {
	digest, err := Digest(ctx, tx)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	kept, err := digest.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("encode the digest: %w", err)
	}
	if _, err := tx.ExecContext(ctx, bind(`UPDATE feed SET contents = ?1`), kept); err != nil {
		return fmt.Errorf("save the digest: %w", err)
	}
	return nil
}
