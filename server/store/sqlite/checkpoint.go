package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
)

const (
	// checkpointAfter is after how many writes the log is moved into the file; each adds
	// some four pages to the log.
	checkpointAfter = 2000
	// longestLog is at how many pages of the log the writer does it by itself: that alone
	// lets the log begin anew while there is always more to write.
	longestLog = 16_000
)

// checkpointer moves what was committed from the write-ahead log into the file, beside the
// writer, who would else do that in the midst of commits, with callers waiting.
type checkpointer struct {
	db      *sql.DB
	log     *slog.Logger
	written int // since the last time; the writer's own
	due     chan struct{}
	stopped chan struct{}
}

func newCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	c := &checkpointer{db: db, log: log, due: make(chan struct{}, 1), stopped: make(chan struct{})}
	go c.run()
	return c
}

// wrote is told by the writer of so many writes that it has committed.
func (c *checkpointer) wrote(n int) {
	if c.written += n; c.written < checkpointAfter {
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
