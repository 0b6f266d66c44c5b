package postgres

import (
	"context"
	"database/sql"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// History returns a user with their latest changes up to one, and who made them.
func (s *Store) History(ctx context.Context, id string, until int64) (p store.Past, err error) {
	if !storable(id) {
		return p, nil
	}
	err = within(s.reads, func(db *sql.DB) error {
		p, err = sqldb.History{DB: db}.Past(ctx, id, until)
		return err
	})
	return p, err
}

// Effects calls f for each change that has an author, from a time on; of one account if it is not
// nil.
func (s *Store) Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error {
	return within(s.reads, func(db *sql.DB) error { return sqldb.History{DB: db}.Effects(ctx, from, account, f) })
}

// Forget forgets what is old, and returns how many rows.
func (s *Store) Forget(ctx context.Context, old store.Old) (sum int64, err error) {
	err = within(s.writes, func(db *sql.DB) error {
		sum, err = inChunks(func() (int64, error) { return sqldb.History{DB: db}.Forget(ctx, old) })
		return err
	})
	return sum, err
}

// Erase forgets what was replaced of a user.
func (s *Store) Erase(ctx context.Context, id string) error {
	return within(s.writes, func(db *sql.DB) error { return sqldb.History{DB: db}.Erase(ctx, id) })
}
