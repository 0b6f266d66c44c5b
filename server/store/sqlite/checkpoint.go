package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
)

const (
	// checkpointAfter is after how many pages the log is moved into the file, as far as they
	// can be told: see pagesOf. Pages are written again and again, so the longer the log, the
	// fewer are moved: this is about 100 MB.
	checkpointAfter = 24_000
	// longestLog is at how many pages of the log the writer does it by itself: that alone
	// lets the log begin anew while there is always more to write.
	longestLog = 48_000
)

// checkpointer moves what was committed from the write-ahead log into the file, beside the
// writer, who would else do that in the midst of commits, with callers waiting.
type checkpointer struct {
	db      *sql.DB
	log     *slog.Logger
	written int // pages since the last time; the writer's own
	due     chan struct{}
	stopped chan struct{}
}

func newCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	c := &checkpointer{db: db, log: log, due: make(chan struct{}, 1), stopped: make(chan struct{})}
	go c.run()
	return c
}

// pagesOf is about how many pages a commit of so many rows and records adds to the log, rather
// too many: a lone write adds a dozen, each one more of a group three or four.
func pagesOf(saved int) int { return 6 + 4*saved }

// wrote is told by the writer of so many rows and records that it has committed.
func (c *checkpointer) wrote(saved int) {
	if saved > 0 {
		c.written += pagesOf(saved)
	}
	if c.written < checkpointAfter {
		return
	}
	select {
	case c.due <- struct{}{}:
		c.written = 0
	default: // it is at work, and will be asked again
	}
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.due {
		// A passive one waits for nobody, and nobody for it. It fails as the disk does; the
		// log keeps everything until it succeeds.
		if _, err := c.db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			c.log.Error("a checkpoint failed", "error", err)
		}
	}
}

// close ends it, once the writer has ended.
func (c *checkpointer) close() {
	close(c.due)
	<-c.stopped
}
