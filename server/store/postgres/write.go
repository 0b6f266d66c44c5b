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
	lockFeed = selectFeed + ` FOR UPDATE`
	saveFeed = `UPDATE feed SET change = change + $1, clock = $2, digest = $3`
)

// commitTimeout bounds one transaction of a group, with its wait for other processes.
const commitTimeout = 30 * time.Second

// Apply does the writes in order and returns what became of each, once that is
// durable. It fails with store.ErrBusy when too much is waiting, with
// store.ErrUnavailable when the group could not be committed, or nobody knows.
func (s *Store) Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error) {
	return s.group.Apply(ctx, writes)
}

// Waiting is how many writes wait for the writer.
func (s *Store) Waiting() int { return s.group.Waiting() }

// commit is a group.Commit. That the feed has grown is told by s.news, which hears of
// other processes' commits as well.
func (s *Store) commit(requests [][]store.Write) ([][]store.Outcome, bool, error) {
	parts := group.Parts{Try: s.try, OfData: ofData, Log: s.opts.Log}
	outcomes, err := parts.Commit(requests)
	return outcomes, false, err
}

// try does the writes in one transaction. A connection that turns out to be dead before
// anything was sent to be saved is replaced by another one, once.
func (s *Store) try(writes []store.Write) ([]store.Outcome, error) {
	// Contexts of callers don't reach into it: none of them may end it for the others.
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	outcomes, err := s.transaction(ctx, writes)
	if begun := (*beginError)(nil); errors.As(err, &begun) && lost(err) && ctx.Err() == nil {
		outcomes, err = s.transaction(ctx, writes)
	}
	return outcomes, err
}

// beginError is of a transaction that did nothing yet but read.
type beginError struct{ error }

func (e *beginError) Unwrap() error { return e.error }

func (s *Store) transaction(ctx context.Context, writes []store.Write) (outcomes []store.Outcome, err error) {
	conn, err := s.writes.Acquire(ctx)
	if err != nil {
		return nil, &beginError{fmt.Errorf("connect: %w", err)}
	}
	// A connection with an open transaction is closed by this, which undoes that.
	defer conn.Release()
	st, work, err := begin(ctx, conn.Conn(), store.ReadSetOf(writes))
	if err != nil {
		return nil, &beginError{fmt.Errorf("begin a transaction: %w", err)}
	}
	session := store.Session{Tx: work, Feed: st, Now: s.opts.Now()}
	outcomes = work.ApplyAll(&session, writes, func(w store.Write, err error) {
		s.opts.Log.Error("a write failed", "operation", w.ID, "error", err)
	})
	if err := save(ctx, conn.Conn(), &session, work, st.Change); err != nil {
		return nil, fmt.Errorf("save a group of %d writes: %w", len(writes), err)
	}
	if session.Feed.Change != st.Change {
		s.news.own(st.Epoch, session.Feed.Change)
	}
	return outcomes, nil
}

// begin begins a transaction, waits until it is this one's turn to write, and reads
// what is wanted, in one round trip. Each statement sees what was committed before
// it began, so those behind the lock see all of the writers before.
func begin(ctx context.Context, conn *pgx.Conn, w store.ReadSet) (st store.FeedState, work *store.GroupTx, err error) {
	var rows []store.Row
	var records []store.StoredRecord
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	batch.Queue(lockFeed).QueryRow(func(row pgx.Row) (err error) {
		st, err = sqldb.ScanFeed(row)
		return err
	})
	batch.Queue(selectRows, w.IDs, w.EmailKeys).Query(func(found pgx.Rows) (err error) {
		rows, err = pgx.CollectRows(found, sqldb.ScanRow[pgx.CollectableRow])
		return err
	})
	batch.Queue(selectRecords, w.Keys).Query(func(found pgx.Rows) (err error) {
		records, err = pgx.CollectRows(found, sqldb.ScanRecord[pgx.CollectableRow])
		return err
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return st, nil, err
	}
	return st, store.NewGroupTx(rows, records), nil
}

// save saves what the session did and commits, in one round trip.
func save(ctx context.Context, conn *pgx.Conn, session *store.Session, work *store.GroupTx, before int64) error {
	batch := &pgx.Batch{}
	queue(batch, work)
	if n := session.Feed.Change - before; n > 0 {
		digest, err := session.Feed.Digest.AppendBinary(nil)
		if err != nil {
			return fmt.Errorf("encode the digest: %w", err)
		}
		batch.Queue(saveFeed, n, session.Feed.Clock.UnixMicro(), digest)
	}
	batch.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	return conn.SendBatch(ctx, batch).Close()
}
