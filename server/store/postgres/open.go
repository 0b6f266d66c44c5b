// Package postgres keeps users in a PostgreSQL database. Several servers may share it and act
// as one.
//
// Each process has one goroutine that writes. It does all waiting requests in one transaction
// of two round trips:
//
//	BEGIN; lock the feed's row; read the rows, emails and records of the requests
//	   decide, in memory: store.Session
//	save the rows, the records and the feed's row; COMMIT
//
// The lock on the feed's row is taken before anything is read, and held until the commit. So
// the writers of all processes take turns, each sees everything committed before, and changes
// are numbered in the order of the commits: no cursor can pass a change that commits later. A
// database sequence would not guarantee that.
//
// If the data make a group fail, its halves are tried, so that in the end one write fails
// alone. If the connection is lost during the commit, its outcome is unknown: callers get
// store.ErrUnavailable, and a replay finds out.
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

// Options configure a Store. All are optional.
type Options struct {
	Now func() time.Time // time.Now by default
	// Committed is called after each commit that changed the feed, of this process or,
	// soon after, of another one. It must not block. Without it, the store does not
	// listen to other processes.
	Committed func()
	// Observe is called with the measurements of each commit. It must not block.
	Observe func(store.Commit)
	Log     *slog.Logger // of errors that callers see only as store.ErrUnavailable
	// MustExist has Open fail when the database holds no directory yet.
	MustExist bool
	// Poll is how often the store looks for changes without a notification; 5 s by default.
	Poll time.Duration
}

// Store is a PostgreSQL database. Its methods may be called by many goroutines.
type Store struct {
	opts     Options
	reads    *pgxpool.Pool // read-only
	writes   *pgxpool.Pool
	group    *group.Writer
	notifier *notifier
	once     sync.Once
}

// Open connects to the database and upgrades its schema.
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

// Readers is how many reads run at once; more wait for each other.
func (s *Store) Readers() int { return max(1, int(s.reads.Config().MaxConns)-1) } // one for the head of the feed

func (s *Store) open(ctx context.Context, address string) error {
	config, err := parseAddress(address)
	if err != nil {
		return err
	}
	if err := migrate(ctx, config.ConnConfig, s.opts.Log, s.opts.MustExist); err != nil {
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
	s.logWarnings(ctx)
	if err := s.enter(ctx); err != nil { // a standby can be read
		s.opts.Log.Warn("could not begin a new epoch of the feed; the next write tries again", "error", err)
	}
	state, err := readFeed(ctx, s.reads)
	if err != nil {
		return err
	}
	s.notifier = newNotifier(s, state)
	s.notifier.start(config.ConnConfig)
	s.group = group.New(group.Options{Commit: s.commit, Observe: s.opts.Observe, Log: s.opts.Log})
	return nil
}

// makeDurable makes commits durable before they return, whatever the database's default. It
// keeps a stricter setting, such as waiting for a replica.
func makeDurable(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// logWarnings logs settings of the database that are dangerous.
func (s *Store) logWarnings(ctx context.Context) {
	var fsync, standby bool
	err := s.reads.QueryRow(ctx, `SELECT current_setting('fsync')::boolean, pg_is_in_recovery()`).Scan(&fsync, &standby)
	switch {
	case err != nil:
		s.opts.Log.Warn("could not read the database's settings", "error", err)
	case !fsync:
		s.opts.Log.Warn("the database has fsync off; a power failure can lose or corrupt it; turn fsync on")
	case standby:
		s.opts.Log.Warn("the database is a standby and refuses writes; connect to the primary")
	}
}

// Close finishes the waiting writes, notifies the other processes, and disconnects. Later
// writes fail with store.ErrUnavailable.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.group.Close()
		s.notifier.close()
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
