package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// FinishRestore makes of the file of a backup, which nobody has open, what takes the
// place of what was written since: its feed is another epoch, which must never have
// been before, and its versions are moved ahead as store.RestoreRow says.
func FinishRestore(ctx context.Context, path string, epoch uint64, now time.Time) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "rw", "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return fmt.Errorf("open the backup %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := migrate(ctx, db); err != nil { // it may be from before the newest schema
		return fmt.Errorf("open the backup %s: %w", path, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to restore %s: %w", path, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE feed SET epoch = ?1;
UPDATE users SET version = max(version + 1, ?2),
  document = json_set(document, '$.version', max(version + 1, ?2))`, int64(epoch), now.UnixMilli())
	if err != nil {
		return errors.Join(fmt.Errorf("move the versions of %s ahead: %w", path, err), tx.Rollback())
	}
	if err := countAgain(ctx, tx); err != nil {
		return errors.Join(fmt.Errorf("count the users of %s: %w", path, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("save the restored %s: %w", path, err)
	}
	return nil
}
