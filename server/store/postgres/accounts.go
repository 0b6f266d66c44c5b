package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// AccessRevision grows with each change of the accounts, by any server.
func (s *Store) AccessRevision(ctx context.Context) (revision int64, err error) {
	err = within(s.reads, func(db *sql.DB) error {
		revision, err = sqldb.Access{DB: db}.Revision(ctx)
		return err
	})
	return revision, err
}

// Access returns all accounts with their credentials and grants.
func (s *Store) Access(ctx context.Context) (state *account.State, err error) {
	err = within(s.reads, func(db *sql.DB) error {
		state, err = sqldb.Access{DB: db}.State(ctx)
		return err
	})
	return state, err
}

// ChangeAccess decides on the present state of the accounts, and makes the change durable. An
// error of the decision is returned as it is, and nothing is changed.
func (s *Store) ChangeAccess(ctx context.Context, decide func(*account.State) (account.Change, error)) error {
	return s.accounts(ctx, func(a sqldb.Access) error { return a.Change(ctx, decide) })
}

// TouchGrants saves when grants were last used.
func (s *Store) TouchGrants(ctx context.Context, seen map[account.Hash]time.Time) error {
	return s.accounts(ctx, func(a sqldb.Access) error { return a.Touch(ctx, seen) })
}

// Audit calls f for each entry of the audit log from a time on.
func (s *Store) Audit(ctx context.Context, from time.Time, f func(account.Event) error) error {
	return within(s.reads, func(db *sql.DB) error { return sqldb.Access{DB: db}.Audit(ctx, from, f) })
}

// accounts calls work in a transaction.
func (s *Store) accounts(ctx context.Context, work func(sqldb.Access) error) error {
	return within(s.writes, func(db *sql.DB) (err error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("begin a change of the accounts: %w", err)
		}
		defer func() {
			if err != nil {
				_ = tx.Rollback() // the error says more
			}
		}()
		if err := work(sqldb.Access{DB: tx}); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("save a change of the accounts: %w", err)
		}
		return nil
	})
}

// within lets f use a pool through database/sql, which keeps no connection of it.
func within(pool *pgxpool.Pool, f func(*sql.DB) error) (err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(db)
}

// HasAccounts reports whether a database has accounts, of whatever version its schema is.
func HasAccounts(ctx context.Context, address string) (has bool, err error) {
	config, err := parseAddress(address)
	if err != nil {
		return false, err
	}
	db := openSQL(config.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()
	if has, err = sqldb.HasAccounts(ctx, db, `SELECT to_regclass('accounts') IS NOT NULL`); err != nil {
		return false, fmt.Errorf("open database %s: %w", Name(address), err)
	}
	return has, nil
}

// AuditBefore returns the entries of the audit log before a number, the newest first.
func (s *Store) AuditBefore(ctx context.Context, number int64, limit int) (all []account.Event, err error) {
	err = within(s.reads, func(db *sql.DB) error {
		all, err = sqldb.Access{DB: db}.AuditBefore(ctx, number, limit)
		return err
	})
	return all, err
}
