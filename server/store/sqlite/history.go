package sqlite

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// History returns a user with their latest changes up to one, and who made them.
func (s *Store) History(ctx context.Context, id string, until int64) (store.Past, error) {
	return sqldb.History{DB: s.readDB}.Past(ctx, id, until)
}

// Effects calls f for each change that has an author, from a time on; of one account if it is not
// nil.
func (s *Store) Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error {
	return sqldb.History{DB: s.readDB}.Effects(ctx, from, account, f)
}

// Forget forgets what is old, and returns how many rows. Other writes come between its parts.
func (s *Store) Forget(ctx context.Context, old store.Old) (sum int64, err error) {
	for more := true; more && err == nil; {
		err = s.group.Exclusive(ctx, func() error {
			return s.writer.transaction(func() error {
				n, err := sqldb.History{DB: s.writer.conn}.Forget(ctx, old)
				s.compact = s.compact && n == 0
				sum, more = sum+n, n >= sqldb.ForgetChunk
				return err
			})
		})
	}
	return sum, err
}

// Erase forgets what was replaced of a user, and clears the files of it.
func (s *Store) Erase(ctx context.Context, id string) error {
	return s.group.Exclusive(ctx, func() error {
		if err := s.writer.transaction(func() error { return sqldb.History{DB: s.writer.conn}.Erase(ctx, id) }); err != nil {
			return err
		}
		s.compact = false
		return s.clear(ctx)
	})
}
