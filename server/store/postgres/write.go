package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/group"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

const (
	// With the rows of shared keys, which are in the range behind a key.
	selectGroup = `SELECT ` + sqldb.RowColumns + ` FROM users WHERE id = ANY($1)
UNION ALL SELECT ` + sqldb.RowColumns + ` FROM unnest($2::text[]) AS wanted (key)
  JOIN users ON email_key >= key AND email_key < key || E'\x0b'`
	// run names a run of the database: one of PostgreSQL's process, with one file of this
	// table. After a failover, a recovery, a return to an older disk, or when the table was
	// loaded anew, it is another.
	run      = `extract(epoch FROM pg_postmaster_start_time())::text || '/' || pg_relation_filepath('feed')`
	lockFeed = `SELECT ` + sqldb.FeedColumns + `, run <> ` + run + ` FROM feed FOR UPDATE`
	saveFeed = `UPDATE feed SET change = change + $1, clock = $2, epoch = $3, contents = $4, past = $5, floor = $6, run = ` + run
)

// commitTimeout bounds the transaction of a group, including its wait for other processes.
const commitTimeout = 30 * time.Second

// Apply does the writes in order and returns their outcomes once they are durable. It fails
// with store.ErrBusy if too many wait, and with store.ErrUnavailable if they were not committed
// or that is unknown.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.group.Apply(ctx, writes)
}

// Waiting returns how many writes wait.
func (s *Store) Waiting() int { return s.group.Waiting() }

// commit is a group.Commit. It does not report that the feed has grown: the notifier does, for
// the commits of all processes.
func (s *Store) commit(requests [][]store.Write) ([][]store.Outcome, bool, error) {
	splitter := group.Splitter{Try: s.try, IsDataError: isDataError, IsRefusal: isRefusal, Log: s.opts.Log}
	outcomes, err := splitter.Commit(requests)
	return outcomes, false, err
}

// try does the writes in one transaction. If the connection is lost before anything is saved,
// it retries once.
func (s *Store) try(writes []store.Write) ([]store.Outcome, error) {
	// Callers share the transaction, and none of them may cancel it for the others.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	outcomes, after, err := s.transaction(ctx, writes)
	if e := (*beginError)(nil); errors.As(err, &e) && connectionLost(err) && ctx.Err() == nil {
		outcomes, after, err = s.transaction(ctx, writes)
	}
	if after != nil {
		s.notifier.committed(after.Epoch, after.Change)
	}
	return outcomes, err
}

// beginError is the error of a transaction that has only read.
type beginError struct{ error }

func (e *beginError) Unwrap() error { return e.error }

// transaction does the writes in one transaction. after is the feed's state if it has changed.
func (s *Store) transaction(ctx context.Context, writes []store.Write) (outcomes []store.Outcome, after *store.FeedState, err error) {
	conn, err := s.writes.Acquire(ctx)
	if err != nil {
		return nil, nil, &beginError{fmt.Errorf("connect: %w", err)}
	}
	// Releasing a connection with an open transaction closes it, which undoes the transaction.
	defer conn.Release()
	st, moved, tx, err := begin(ctx, conn.Conn(), store.ReadSetOf(writes))
	if err != nil {
		return nil, nil, &beginError{fmt.Errorf("begin a transaction: %w", err)}
	}
	session := store.Session{Tx: tx, Feed: st, Now: s.opts.Now()}
	if moved {
		session.Feed.Enter(session.Now)
	}
	outcomes = tx.ApplyAll(&session, writes, func(w store.Write, err error) {
		s.opts.Log.Error("could not save an operation; the client is told to retry", "operation", w.ID, "error", err)
	})
	if err := save(ctx, conn.Conn(), &session, tx, st); err != nil {
		return nil, nil, fmt.Errorf("save a group of %d writes: %w", len(writes), err)
	}
	if session.Feed != st {
		after = &session.Feed
	}
	return outcomes, after, nil
}

// enter begins a new epoch of the feed if the database has moved to another run. Each write
// does, too; but clients should learn of it before.
func (s *Store) enter(ctx context.Context) error {
	var moved bool
	if err := s.reads.QueryRow(ctx, `SELECT run <> `+run+` FROM feed`).Scan(&moved); err != nil || !moved {
		return err
	}
	_, _, err := s.transaction(ctx, nil)
	return err
}

// begin starts a transaction, waits for its turn to write, and reads the read set, in one round
// trip. Each statement sees what was committed before it started, so those after the lock see
// everything the earlier writers committed. moved says that the feed's epoch belongs to an
// earlier run of the database. The entities of the records are those of the writes, unless a key
// was used for another: then they take a round trip of their own.
func begin(ctx context.Context, conn *pgx.Conn, set store.ReadSet) (st store.FeedState, moved bool, tx *store.GroupTx, err error) {
	var rows []store.Row
	var records []store.Record
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	batch.Queue(lockFeed).QueryRow(func(row pgx.Row) (err error) {
		st, err = sqldb.ScanFeed(row, &moved)
		return err
	})
	batch.Queue(selectGroup, set.IDs, set.EmailKeys).Query(func(found pgx.Rows) (err error) {
		rows, err = pgx.CollectRows(found, sqldb.ScanRow[pgx.CollectableRow])
		return err
	})
	if len(set.Keys) > 0 {
		queueRecords(batch, set.Keys, &records)
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return st, false, nil, err
	}
	if others := set.OtherEntities(records); len(others) > 0 {
		found, err := conn.Query(ctx, selectGroup, others, nil)
		if err != nil {
			return st, false, nil, err
		}
		more, err := pgx.CollectRows(found, sqldb.ScanRow[pgx.CollectableRow])
		if err != nil {
			return st, false, nil, err
		}
		rows = append(rows, more...)
	}
	return st, moved, store.NewGroupTx(rows, records), nil
}

// save saves the session's changes and commits, in one round trip.
func save(ctx context.Context, conn *pgx.Conn, session *store.Session, tx *store.GroupTx, before store.FeedState) error {
	batch := &pgx.Batch{}
	queue(batch, tx)
	if session.Feed != before {
		values, err := sqldb.FeedValues(&session.Feed)
		if err != nil {
			return err
		}
		batch.Queue(saveFeed, append([]any{session.Feed.Change - before.Change}, values...)...)
	}
	batch.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	return conn.SendBatch(ctx, batch).Close()
}
