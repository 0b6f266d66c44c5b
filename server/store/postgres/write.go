package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall/rollcall/server/store"
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
	all, err := s.divide(slices.Concat(requests...))
	if err != nil {
		return nil, false, err
	}
	outcomes := make([][]store.Outcome, len(requests))
	for i, writes := range requests {
		outcomes[i], all = all[:len(writes):len(writes)], all[len(writes):]
	}
	return outcomes, false, nil
}

// divide does the writes in one transaction; when that fails by what is in it, in
// two, and so on. A write that fails alone is answered "retry".
func (s *Store) divide(writes []store.Write) ([]store.Outcome, error) {
	outcomes, err := s.try(writes)
	if err == nil || !ofData(err) || len(writes) == 0 {
		return outcomes, err
	}
	if len(writes) == 1 {
		s.opts.Log.Error("a write failed", "operation", writes[0].ID, "error", err)
		return []store.Outcome{store.Undecided(writes[0])}, nil
	}
	half := len(writes) / 2
	for _, part := range [][]store.Write{writes[:half], writes[half:]} {
		done, err := s.divide(part)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes, nil
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
	st, work, err := begin(ctx, conn.Conn(), wantedBy(writes))
	if err != nil {
		return nil, &beginError{fmt.Errorf("begin a transaction: %w", err)}
	}
	session := store.Session{
		Tx: work, Now: s.opts.Now(),
		Counter: store.Counter{Change: st.Change, Clock: st.clock}, Digest: st.digest,
	}
	outcomes = make([]store.Outcome, 0, len(writes))
	for _, write := range writes {
		o, err := session.Do(write)
		if err != nil {
			work.drop()
			s.opts.Log.Error("a write failed", "operation", write.ID, "error", err)
			o = store.Undecided(write)
		}
		work.keep()
		outcomes = append(outcomes, o)
	}
	if err := save(ctx, conn.Conn(), &session, work, st.Change); err != nil {
		return nil, fmt.Errorf("save a group of %d writes: %w", len(writes), err)
	}
	if session.Counter.Change != st.Change {
		s.news.own(st.Epoch, session.Counter.Change)
	}
	return outcomes, nil
}

// begin begins a transaction, waits until it is this one's turn to write, and reads
// what is wanted, in one round trip. Each statement sees what was committed before
// it began, so those behind the lock see all of the writers before.
func begin(ctx context.Context, conn *pgx.Conn, w wanted) (st state, work *working, err error) {
	var rows []store.Row
	var records []readRecord
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`)
	batch.Queue(lockFeed).QueryRow(func(row pgx.Row) (err error) {
		st, err = scanState(row)
		return err
	})
	batch.Queue(selectRows, w.ids, w.emails).Query(func(found pgx.Rows) (err error) {
		rows, err = pgx.CollectRows(found, scanRow)
		return err
	})
	batch.Queue(selectRecords, w.keys).Query(func(found pgx.Rows) (err error) {
		records, err = pgx.CollectRows(found, scanRecord)
		return err
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return st, nil, err
	}
	return st, newWorking(rows, records), nil
}

// save saves what the session did and commits, in one round trip.
func save(ctx context.Context, conn *pgx.Conn, session *store.Session, work *working, before int64) error {
	batch := &pgx.Batch{}
	work.queue(batch)
	if n := session.Counter.Change - before; n > 0 {
		digest, err := session.Digest.AppendBinary(nil)
		if err != nil {
			return fmt.Errorf("encode the digest: %w", err)
		}
		batch.Queue(saveFeed, n, session.Counter.Clock.UnixMicro(), digest)
	}
	batch.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	return conn.SendBatch(ctx, batch).Close()
}
