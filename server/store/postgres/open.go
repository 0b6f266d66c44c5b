// Package postgres keeps users in a PostgreSQL database, which several servers may
// share: they behave as one.
//
// Each process has one goroutine that writes. It takes all requests that wait, and
// does them in one transaction of two round trips:
//
//	BEGIN; lock the feed's row; read the rows, emails and records they are about
//	   decide, in memory: store.Session
//	save the rows; save the records; save the counter; COMMIT
//
// The lock on the feed's row is taken first, before anything is read, and held until
// the commit. So the writers of all processes go one after the other, each sees all
// that was committed before it, and a change's number is in the order of the commits:
// no cursor can pass a change that commits later. A sequence would not do that.
//
// A group that fails by what is in it is halved and tried again, so that in the end
// one write fails alone. If the connection is lost while the commit is under way,
// nobody knows what became of it: callers hear store.ErrUnavailable, and a replay
// finds out.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
)

// Options are a store's ways to the world; zero values take the usual ones.
type Options struct {
	Now func() time.Time // time.Now
	// Committed is called after each commit that changed something, of this process
	// or, soon after, of another one; it must not block. With nil, nobody listens to
	// other processes.
	Committed func()
	// Observe is told of each commit of writes; it must not block.
	Observe func(store.Commit)
	Log     *slog.Logger // none; errors that callers see only as "not now"
	// MustExist has Open fail when the database holds no directory yet.
	MustExist bool
	// Poll is how often it looks for changes that no notification came of; 5 seconds.
	Poll time.Duration
}

// Store is a PostgreSQL database. Its methods may be called by many goroutines.
type Store struct {
	opts   Options
	reads  *pgxpool.Pool // can't write
	writes *pgxpool.Pool
	group  *group.Writer
	news   *news
	once   sync.Once
}

// Open connects to the database and brings its schema up to date.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	s := &Store{opts: o}
	if err := s.open(ctx, address); err != nil {
		s.closePools()
		return nil, fmt.Errorf("open database %s: %w", Name(address), err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, address string) error {
	config, err := parseAddress(address)
	if err != nil {
		return err
	}
	if err := migrate(ctx, config.ConnConfig, s.opts.MustExist); err != nil {
		return err
	}
	writes := config.Copy()
	writes.MaxConns, writes.MinConns = maxWriters, 0
	writes.AfterConnect = makeDurable
	if s.writes, err = pgxpool.NewWithConfig(ctx, writes); err != nil {
		return err
	}
	config.ConnConfig = with(config.ConnConfig, map[string]string{"default_transaction_read_only": "on"})
	if s.reads, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	state, err := readFeed(ctx, s.reads)
	if err != nil {
		return err
	}
	s.warn(ctx)
	s.news = newNews(s, state)
	s.news.start(config.ConnConfig)
	s.group = group.New(group.Options{Commit: s.commit, Observe: s.opts.Observe, Log: s.opts.Log})
	return nil
}

// makeDurable sees to it that a commit that was answered is on the disk, whatever the
// database's default. A stricter setting, such as waiting for a replica, stays.
func makeDurable(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// warn tells of what an operator should know.
func (s *Store) warn(ctx context.Context) {
	var fsync, standby bool
	err := s.reads.QueryRow(ctx, `SELECT current_setting('fsync')::boolean, pg_is_in_recovery()`).Scan(&fsync, &standby)
	switch {
	case err != nil:
		s.opts.Log.Warn("the database's settings can't be read", "error", err)
	case !fsync:
		s.opts.Log.Warn("the database has fsync off: a power failure may lose or damage all of it")
	case standby:
		s.opts.Log.Warn("the database is a standby: it can't be written")
	}
}

// Close lets the writer finish what waits, tells the other processes, and disconnects.
// Writes after it fail with store.ErrUnavailable.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.group.Close()
		s.news.close()
		s.closePools()
	})
	return nil
}

func (s *Store) closePools() {
	for _, pool := range []*pgxpool.Pool{s.reads, s.writes} {
		if pool != nil {
			pool.Close()
		}
	}
}
