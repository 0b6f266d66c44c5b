package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// AccessRevision grows with each change of the accounts.
func (s *Store) AccessRevision(ctx context.Context) (int64, error) {
	return sqldb.Access{DB: s.readDB}.Revision(ctx)
}

// Access returns all accounts with their credentials and grants.
func (s *Store) Access(ctx context.Context) (*account.State, error) {
	return sqldb.Access{DB: s.readDB}.State(ctx)
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
	return sqldb.Access{DB: s.readDB}.Audit(ctx, from, f)
}

// accounts calls work in a transaction of the connection that writes, between groups.
func (s *Store) accounts(ctx context.Context, work func(sqldb.Access) error) error {
	return s.group.Exclusive(ctx, func() error {
		return s.writer.transaction(func() error { return work(sqldb.Access{DB: s.writer.conn}) })
	})
}

// HasAccounts reports whether a database has accounts, of whatever version its schema is.
func HasAccounts(ctx context.Context, path string) (has bool, err error) {
	db, done, err := openExisting(ctx, path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return sqldb.HasAccounts(ctx, db, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'accounts')`)
}

// AuditBefore returns the entries of the audit log before a number, the newest first.
func (s *Store) AuditBefore(ctx context.Context, number int64, limit int) ([]account.Event, error) {
	return sqldb.Access{DB: s.readDB}.AuditBefore(ctx, number, limit)
}
