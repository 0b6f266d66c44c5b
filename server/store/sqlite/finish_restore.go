package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// FinishRestore prepares a backup's file, which must not be open, to be served: its feed gets
// an epoch that was never used before, and its versions move ahead as in store.RestoreRow.
func FinishRestore(ctx context.Context, path string, epoch uint64, now time.Time) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "rw", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return fmt.Errorf("open the backup %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := migrate(ctx, db, slog.New(slog.DiscardHandler)); err != nil { // its schema may be older
		return fmt.Errorf("open the backup %s: %w", path, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin the restore of %s: %w", path, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE feed SET epoch = ?1, past = x'', floor = max(floor + 1, ?2);
UPDATE users SET version = max(version + 1, ?2),
  document = json_set(document, '$.version', max(version + 1, ?2))`, int64(epoch), store.VersionAt(now))
	if err != nil {
		return errors.Join(fmt.Errorf("move the versions of %s ahead: %w", path, err), tx.Rollback())
	}
	if _, err := tx.ExecContext(ctx, sqldb.EndForRestore); err != nil {
		return errors.Join(fmt.Errorf("end the sessions of %s: %w", path, err), tx.Rollback())
	}
	if err := sqldb.RecomputeDigest(ctx, tx, unbound); err != nil {
		return errors.Join(fmt.Errorf("compute the digest of %s: %w", path, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("save the restored %s: %w", path, err)
	}
	return nil
}
