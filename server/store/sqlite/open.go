// Package sqlite keeps users in a SQLite file through modernc.org/sqlite.
//
// One goroutine writes. It does all waiting requests in one transaction, and answers the
// callers once the commit is durable (synchronous=FULL): the fsync is the cost, and they share
// it. Readers have their own read-only connections. In WAL mode, they neither wait for the
// writer nor block it.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options configure a Store. All are optional.
type Options struct {
	Now func() time.Time // time.Now by default
	// Committed is called after each commit that changed the feed. It must not block.
	Committed func()
	// Observe is called with the measurements of each commit. It must not block.
	Observe func(store.Commit)
	Log     *slog.Logger // of errors that callers see only as store.ErrUnavailable
}

// Store is a SQLite file. Its methods may be called by many goroutines.
type Store struct {
	opts    Options
	writeDB *sql.DB
	readDB  *sql.DB
	checkDB *sql.DB // for checkpoints

	revision *sql.Stmt // prepared, since every page needs it

	writer      *writer   // used by the group's goroutine only, as are entered and compact
	entered     time.Time // the last write in this epoch; zero before the first
	compact     bool      // no row was written since the file was
	group       *group.Writer
	checkpoints *checkpointer
	held        *lock
	once        sync.Once
	closeErr    error
}

// Open opens the file, or creates it, and upgrades its schema.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{opts: o}
	file, held, err := take(path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s.held = held
	if err = errors.Join(createPrivate(file), protect(file, o.Log)); err == nil {
		s.writer, err = s.open(ctx, file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), s.closeDBs())
	}
	// On a full disk, the first write that succeeds does it.
	if err := s.enter(); err != nil {
		o.Log.Warn("could not begin a new epoch of the feed; the next write tries again", "error", err)
	}
	s.checkpoints = newCheckpointer(s.checkDB, o.Log)
	s.group = group.New(group.Options{Commit: s.commit, Committed: o.Committed, Observe: o.Observe, Log: o.Log})
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) (*writer, error) {
	var err error
	s.writeDB, err = sql.Open("sqlite", dsn(path, "rwc",
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(5000)",
		fmt.Sprintf("wal_autocheckpoint(%d)", maxLogPages), cacheOf(writerCache)))
	if err != nil {
		return nil, err
	}
	s.writeDB.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writeDB, s.opts.Log); err != nil {
		return nil, err
	}
	compactOnce(ctx, s.writeDB, s.opts.Log)
	s.readDB, err = sql.Open("sqlite", dsn(path, "ro", "query_only(1)", "busy_timeout(5000)", cacheOf(readerCache)))
	if err != nil {
		return nil, err
	}
	s.checkDB, err = sql.Open("sqlite", dsn(path, "rw", "synchronous(FULL)", "busy_timeout(5000)"))
	if err != nil {
		return nil, err
	}
	s.checkDB.SetMaxOpenConns(1)
	s.readDB.SetMaxOpenConns(s.Readers() + 1) // one for the head of the feed
	s.readDB.SetMaxIdleConns(s.Readers() + 1)
	s.revision, err = s.readDB.PrepareContext(ctx, `SELECT epoch, change, horizon, clock FROM feed`)
	if err != nil {
		return nil, fmt.Errorf("prepare to read the revision: %w", err)
	}
	return newWriter(ctx, s.writeDB)
}

// Readers is how many reads run at once; more wait for each other.
func (s *Store) Readers() int { return max(4, 2*runtime.NumCPU()) }

// Cache sizes of a connection in KiB, at most. SQLite's default of 2 MiB is enough for a small
// directory, but not for the inner pages of a big one's indexes.
const (
	writerCache = 32 << 10
	readerCache = 8 << 10
)

func cacheOf(kib int) string { return fmt.Sprintf("cache_size(-%d)", kib) }

// dsn is how the driver opens a file. Nothing in its name is a parameter.
func dsn(path, mode string, pragmas ...string) string {
	return address((&url.URL{Path: plainName(path)}).EscapedPath(), mode, pragmas...)
}

// address adds to the pragmas what every connection needs: what a file's schema calls must be
// harmless, and what is deleted is overwritten.
func address(name, mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}, "_pragma": append([]string{"trusted_schema(0)", "secure_delete(1)"}, pragmas...)}
	return "file:" + name + "?" + q.Encode()
}

func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	p, err := schema(db)
	if err != nil {
		return err
	}
	return sqldb.Migrate(ctx, p, log, false)
}

func schema(db *sql.DB) (*goose.Provider, error) {
	return sqldb.Schema(goose.DialectSQLite3, db, migrations, goose.WithGoMigrations(
		goose.NewGoMigration(5, nil, nil), // brought texts into their normal form, as 6 does now
		goose.NewGoMigration(6, &goose.GoFunc{RunTx: addEpochs}, nil)))
}

// Close finishes the waiting writes and closes the file. Later writes fail with
// store.ErrUnavailable.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.group.Close()
		s.checkpoints.close()
		s.writer.close()
		s.closeErr = s.closeDBs()
	})
	return s.closeErr
}

func (s *Store) closeDBs() error {
	var errs []error
	for _, db := range []*sql.DB{s.readDB, s.checkDB, s.writeDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.held.release())...)
}
