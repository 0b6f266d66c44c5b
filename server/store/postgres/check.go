package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// unhurried are the settings for work on all of the database.
var unhurried = map[string]string{"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "enable_seqscan": "on"}

// connect makes one connection for work on all of the database, which must be there.
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	config, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if err := isNewest(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, with(config.ConnConfig, unhurried))
}

// Check reads all of a database, of one moment, and says what can't be as it is.
// Servers may go on writing meanwhile. An error means that it could not be read.
func Check(ctx context.Context, address string) (report store.Report, err error) {
	fail := func(err error) error { return fmt.Errorf("check %s: %w", Name(address), err) }
	conn, err := connect(ctx, address)
	if err != nil {
		return report, fail(err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return report, fail(err)
	}
	defer func() { err = end(context.WithoutCancel(ctx), tx, err) }()
	for _, check := range []func(context.Context, pgx.Tx, *store.Report) error{checkFeed, checkRows, checkRecords} {
		if err := check(ctx, tx, &report); err != nil {
			return report, fail(err)
		}
	}
	return report, nil
}

// each calls f for every row of a query.
func each(ctx context.Context, tx pgx.Tx, query string, f func(pgx.Rows) error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func checkFeed(ctx context.Context, tx pgx.Tx, r *store.Report) error {
	var st store.Standing
	var clock, latest int64
	err := tx.QueryRow(ctx, `SELECT change, horizon, clock, digest,
(SELECT coalesce(max(change), 0) FROM users), (SELECT coalesce(max(updated_at), 0) FROM users) FROM feed`).
		Scan(&st.Counter.Change, &st.Horizon, &clock, &st.Digest, &st.LatestChange, &latest)
	if errors.Is(err, pgx.ErrNoRows) {
		r.Add("feed: its row is missing")
		return nil
	}
	if err != nil {
		return err
	}
	st.Counter.Clock, st.Latest = time.UnixMicro(clock).UTC(), time.UnixMicro(latest).UTC()
	if st.Rows, err = digestOf(ctx, tx); err != nil {
		return err
	}
	r.AddFeed(st)
	return nil
}

func digestOf(ctx context.Context, tx pgx.Tx) (d api.Digest, err error) {
	err = each(ctx, tx, `SELECT id, version FROM users WHERE NOT deleted`, func(rows pgx.Rows) error {
		var id string
		var version int64
		err := rows.Scan(&id, &version)
		d.Add(id, version)
		return err
	})
	return d, err
}

func checkRows(ctx context.Context, tx pgx.Tx, r *store.Report) error {
	return each(ctx, tx, `SELECT `+columns+`, sort, search FROM users`, func(rows pgx.Rows) error {
		var row store.Row
		var stamp string
		var document []byte
		var created, updated int64
		err := rows.Scan(&row.ID, &row.Version, &row.Change, &row.Deleted, &document, &stamp, &created, &updated, &row.EmailKey, &row.Sort, &row.Search)
		if err != nil {
			return err
		}
		row.Document, row.Stamp = document, api.Stamp(stamp)
		row.CreatedAt, row.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		r.AddRow(row)
		return nil
	})
}

func checkRecords(ctx context.Context, tx pgx.Tx, r *store.Report) error {
	const query = `SELECT key, entity_id, result, EXISTS (SELECT 1 FROM users WHERE id = entity_id) FROM records`
	return each(ctx, tx, query, func(rows pgx.Rows) error {
		var key, entity string
		var result []byte
		var there bool
		if err := rows.Scan(&key, &entity, &result, &there); err != nil {
			return err
		}
		r.AddRecord(key, entity, result, there)
		return nil
	})
}
