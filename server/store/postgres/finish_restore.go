package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// ErrInUse says that servers have the database open.
var ErrInUse = errors.New("a server has it open; stop all servers first")

// FinishRestore prepares a database that was restored from a backup to be served: its feed gets
// an epoch that was never used before, and its versions move ahead as in store.RestoreRow. It
// returns the number of rows, and does all or nothing.
func FinishRestore(ctx context.Context, address string, epoch uint64, now time.Time) (n int64, err error) {
	config, err := parseAddress(address)
	if err == nil {
		err = migrate(ctx, config.ConnConfig, slog.New(slog.DiscardHandler), true) // its schema may be older
	}
	if err != nil {
		return 0, fmt.Errorf("open database %s: %w", Name(address), err)
	}
	conn, err := pgx.ConnectConfig(ctx, with(config.ConnConfig, unlimited))
	if err != nil {
		return 0, fmt.Errorf("open database %s: %w", Name(address), err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) (err error) {
		n, err = moveAhead(ctx, tx, epoch, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("move the versions of %s ahead: %w", Name(address), err)
	}
	return n, nil
}

func moveAhead(ctx context.Context, tx pgx.Tx, epoch uint64, now time.Time) (n int64, err error) {
	var alone bool
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(lockServe)).Scan(&alone); err != nil {
		return 0, err
	}
	if !alone {
		return 0, ErrInUse
	}
	if _, err := tx.Exec(ctx, selectFeed+` FOR UPDATE`); err != nil {
		return 0, err
	}
	var digest api.Digest
	for last, more := "", true; more; {
		var moved int64
		if moved, last, err = moveSome(ctx, tx, last, now, &digest); err != nil {
			return 0, err
		}
		n += moved
		more = moved == chunk
	}
	kept, err := digest.AppendBinary(nil)
	if err != nil {
		return 0, err
	}
	for text := range strings.SplitSeq(sqldb.EndForRestore, ";") {
		if _, err := tx.Exec(ctx, text); err != nil {
			return 0, fmt.Errorf("end the sessions: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE feed SET epoch = $1, contents = $2, past = '', run = '', floor = greatest(floor + 1, $3)`, int64(epoch), kept, store.VersionAt(now))
	return n, err
}

// moveSome moves the versions of a chunk of rows after an id ahead, and adds the live ones to
// the digest. It returns the last id.
func moveSome(ctx context.Context, tx pgx.Tx, after string, now time.Time, digest *api.Digest) (n int64, last string, err error) {
	found, err := tx.Query(ctx, `SELECT `+sqldb.RowColumns+` FROM users WHERE id > $1 ORDER BY id LIMIT $2`, after, chunk)
	if err != nil {
		return 0, "", err
	}
	rows, err := pgx.CollectRows(found, sqldb.ScanRow[pgx.CollectableRow])
	if err != nil || len(rows) == 0 {
		return 0, "", err
	}
	var ids []string
	var versions []int64
	var documents []*string
	for _, row := range rows {
		row, err := store.RestoreRow(row, now)
		if err != nil {
			return 0, "", err
		}
		var document *string
		if !row.Deleted {
			digest.Add(row.ID, row.Version, api.ContentHash(row.Document))
			text := string(row.Document)
			document = &text
		}
		ids, versions, documents = append(ids, row.ID), append(versions, row.Version), append(documents, document)
	}
	_, err = tx.Exec(ctx, `UPDATE users SET version = moved.version, document = moved.document
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS moved (id, version, document) WHERE users.id = moved.id`, ids, versions, documents)
	return int64(len(rows)), ids[len(ids)-1], err
}
