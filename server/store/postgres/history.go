package postgres

import (
	"context"
	"database/sql"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// History returns a user with their latest changes and who made them.
func (s *Store) History(ctx context.Context, id string) (p store.Past, err error) {
	if !storable(id) {
		return p, nil
	}
	err = within(s.reads, func(db *sql.DB) error {
		p, err = sqldb.History{DB: db}.Past(ctx, id)
		return err
	})
	return p, err
}

// Effects calls f for each change that has an author, from a time on; of one account if it is not
// nil.
func (s *Store) Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error {
	return within(s.reads, func(db *sql.DB) error { return sqldb.History{DB: db}.Effects(ctx, from, account, f) })
}

// Forget forgets the texts that were replaced before a time, and who made the changes before
// another.
func (s *Store) Forget(ctx context.Context, texts, changes time.Time) (n int64, err error) {
	err = within(s.writes, func(db *sql.DB) error {
		n, err = sqldb.History{DB: db}.Forget(ctx, texts, changes)
		return err
	})
	return n, err
}

// Erase forgets what was replaced of a user.
func (s *Store) Erase(ctx context.Context, id string) error {
	return within(s.writes, func(db *sql.DB) error { return sqldb.History{DB: db}.Erase(ctx, id) })
}
