package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

// secure_delete overwrites what is deleted. Two things it can't reach: what a program without
// it has left in the file, and copies that SQLite leaves in a page's unused space when it
// divides the page, which nothing deletes with their original. VACUUM leaves none of these.
const (
	// compactBelow is the size of a file that housekeeping still rewrites: writers wait for
	// it, about a second.
	compactBelow = 32 << 20
	// overwritten is the user_version of a file that only programs with secure_delete have
	// written to since it was rewritten.
	overwritten = 1
)

// querier is a database or a connection.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// sizeOf is the size of the database.
func sizeOf(ctx context.Context, db querier) (bytes int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&bytes)
	return bytes, err
}

// compactOnce rewrites a file that an older program has written to, once. A failure, as on a
// full disk, leaves that to the next start.
func compactOnce(ctx context.Context, db querier, log *slog.Logger) {
	var version int
	var size int64
	err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	if err == nil && version >= overwritten {
		return
	}
	if err == nil {
		size, err = sizeOf(ctx, db)
	}
	began, large := time.Now(), size > compactBelow
	if err == nil && large {
		log.Info("rewriting the database once, so that nothing of deleted people is left in it; the server listens when that is done", "megabytes", size>>20)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM`)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, overwritten))
	}
	switch {
	case err != nil:
		log.Warn("could not rewrite the database, so text that was deleted earlier may be left in its file; "+
			"the next start tries again, and needs room on the disk for two copies of it", "megabytes", size>>20, "error", err)
	case large:
		log.Info("rewrote the database", "took", time.Since(began).Round(time.Millisecond))
	}
}

// clear leaves nothing of what was deleted in the log and, unless it is large, in the file. It
// runs on the group's goroutine.
func (s *Store) clear(ctx context.Context) error {
	size, err := sizeOf(ctx, s.writer.conn)
	if err != nil {
		return fmt.Errorf("read the size of the database: %w", err)
	}
	if !s.compact && size <= compactBelow {
		if _, err := s.writer.conn.ExecContext(ctx, `VACUUM`); err != nil {
			return fmt.Errorf("rewrite the database: %w", err)
		}
		s.compact = true
	}
	return s.checkpoints.empty(ctx)
}
