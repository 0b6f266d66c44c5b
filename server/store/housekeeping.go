package store

import (
	"context"
	"log/slog"
	"time"
)

// How long a store keeps what replays and old cursors need.
const (
	keepRecords    = 90 * 24 * time.Hour
	keepTombstones = 90 * 24 * time.Hour
	keepAudit      = 2 * 365 * 24 * time.Hour
	tidyInterval   = 24 * time.Hour
)

// Old says from before which times things are forgotten: texts that were replaced, who made changes,
// and entries of the audit log.
type Old struct{ Texts, Changes, Audit time.Time }

// Tidier is what housekeeping needs of a store.
type Tidier interface {
	// Prune deletes the idempotency records from before a time, and returns how many.
	Prune(ctx context.Context, before time.Time) (int64, error)
	// Collect deletes the tombstones from before a time, and returns how many.
	Collect(ctx context.Context, before time.Time) (int64, error)
	// Forget forgets what is old, and returns how many rows.
	Forget(ctx context.Context, old Old) (int64, error)
}

// KeepTidy deletes what is too old to be needed, now and every day until ctx ends.
// Texts that were replaced are kept for a time, and who replaced them at least as long as tombstones.
func KeepTidy(ctx context.Context, s Tidier, texts time.Duration, log *slog.Logger) {
	daily := time.NewTicker(tidyInterval)
	defer daily.Stop()
	for {
		tidy(ctx, s, tidying{time.Now(), texts, log})
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}

// tidying is one run of housekeeping.
type tidying struct {
	now   time.Time
	texts time.Duration // how long they are kept
	log   *slog.Logger
}

// tidy prunes records before it collects tombstones: no record outlives its user's
// tombstone. To collect also clears the files, of forgotten texts, too.
func tidy(ctx context.Context, s Tidier, t tidying) {
	now, log := t.now, t.log
	records, err := s.Prune(ctx, now.Add(-keepRecords))
	var texts, tombstones int64
	if err == nil {
		texts, err = s.Forget(ctx, Old{Texts: now.Add(-t.texts), Changes: now.Add(-max(t.texts, keepTombstones)), Audit: now.Add(-keepAudit)})
	}
	if err == nil {
		tombstones, err = s.Collect(ctx, now.Add(-keepTombstones))
	}
	if err != nil && ctx.Err() == nil {
		log.Error("housekeeping failed; it runs again tomorrow", "error", err)
	} else if records+tombstones+texts > 0 {
		log.Info("housekeeping deleted old data", "records", records, "tombstones", tombstones, "history", texts)
	}
}
