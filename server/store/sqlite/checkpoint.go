package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
)

const (
	// checkpointPages is how many pages the log has, as estimated by pagesOf, when it is
	// copied into the file. Pages are written repeatedly, so a longer log copies fewer of
	// them. This is about 100 MB.
	checkpointPages = 24_000
	// maxLogPages is how many pages the log has when the writer itself makes a checkpoint.
	// Under constant writes, only that lets the log start over.
	maxLogPages = 48_000
)

// checkpointer copies the write-ahead log into the file in the background. The writer would
// do that during a commit, while callers wait.
type checkpointer struct {
	db      *sql.DB
	log     *slog.Logger
	written int // pages since the last checkpoint; used by the writer only
	due     chan struct{}
	stopped chan struct{}
}

func newCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	c := &checkpointer{db: db, log: log, due: make(chan struct{}, 1), stopped: make(chan struct{})}
	go c.run()
	return c
}

// pagesOf estimates, rather too high, how many pages a commit of rows and records adds to the
// log: a single write adds a dozen, each further one of a group three or four.
func pagesOf(saved int) int { return 6 + 4*saved }

// wrote is called by the writer with the number of rows and records it has committed.
func (c *checkpointer) wrote(saved int) {
	if saved > 0 {
		c.written += pagesOf(saved)
	}
	if c.written < checkpointPages {
		return
	}
	select {
	case c.due <- struct{}{}:
		c.written = 0
	default: // a checkpoint is running; the next commit asks again
	}
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.due {
		// A passive checkpoint blocks nobody. If it fails, the log keeps everything.
		if _, err := c.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			c.log.Error("checkpoint failed; the write-ahead log grows until one succeeds", "error", err)
		}
	}
}

// empty copies the whole log into the file and truncates it: pages from before something was
// deleted are in neither.
func (c *checkpointer) empty(ctx context.Context) error {
	var busy bool
	var pages, copied int
	err := c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &copied)
	if err == nil && busy {
		err = errors.New("another program is reading the database")
	}
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

// close stops the checkpointer and empties the log; the writer must have stopped before.
func (c *checkpointer) close() {
	close(c.due)
	<-c.stopped
	if err := c.empty(context.Background()); err != nil {
		c.log.Warn("the write-ahead log may contain what was deleted, until the server has run for a while, or stops with nobody else reading", "error", err)
	}
}
