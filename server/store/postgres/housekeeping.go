package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// chunk is how many rows are changed at once while writers wait.
const chunk = 5000

const (
	deleteOld = `DELETE FROM records WHERE (key, scope) IN (SELECT key, scope FROM records WHERE at < $1
  AND NOT EXISTS (SELECT 1 FROM users WHERE id = entity_id AND deleted) ORDER BY at LIMIT $2)`
	// collectDead deletes the oldest tombstones with their records, and raises the horizon
	// to the last of them. It needs the lock on the feed's row.
	collectDead = `WITH dead AS (
  DELETE FROM users WHERE id = ANY(ARRAY(SELECT id FROM users WHERE deleted AND updated_at < $1 ORDER BY updated_at LIMIT $2))
  RETURNING id, change
), theirs AS (
  DELETE FROM records WHERE entity_id IN (SELECT id FROM dead)
), forgotten AS (
  DELETE FROM history WHERE entity_id IN (SELECT id FROM dead)
), raised AS (
  UPDATE feed SET horizon = greatest(horizon, (SELECT max(change) FROM dead))
)
SELECT count(*) FROM dead`
)

// Prune deletes the records from before a time, and returns how many. Those of a tombstone stay
// as long as it does. A later replay is harmless: its base version is no longer current.
func (s *Store) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	return inChunks(func() (int64, error) {
		done, err := s.writes.Exec(ctx, deleteOld, before.UnixMicro(), chunk)
		if err != nil {
			return 0, readError("prune the records", err)
		}
		return done.RowsAffected(), nil
	})
}

// Collect deletes the tombstones from before a time with their records, and returns how many
// tombstones. Cursors from before them fail with feed.ErrResync.
func (s *Store) Collect(ctx context.Context, before time.Time) (n int64, err error) {
	return inChunks(func() (n int64, err error) {
		err = pgx.BeginTxFunc(ctx, s.writes, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lockFeed); err != nil {
				return err
			}
			return tx.QueryRow(ctx, collectDead, before.UnixMicro(), chunk).Scan(&n)
		})
		if err != nil {
			return 0, readError("collect the tombstones", err)
		}
		return n, nil
	})
}

// inChunks calls f until a chunk is not full, and returns the sum.
func inChunks(f func() (int64, error)) (sum int64, err error) {
	for {
		n, err := f()
		sum += n
		if err != nil || n < chunk {
			return sum, err
		}
	}
}
