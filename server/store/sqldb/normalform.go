package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

// normalChunk is how many users a migration holds in memory.
const normalChunk = 1000

// Normalizer is the migration that brings all users into the form of this program: their
// texts, email keys, and what they are found and listed by. SQL can't compute these.
//
// While it runs, two users may have one email key. At the end, all but the oldest of these
// get a key of their own: nobody is dropped, `rollcall check` names them, and each can be
// edited.
type Normalizer struct {
	Tx   *sql.Tx
	Bind func(text string) string // puts the database's parameters for ?1, ?2 and so on
	Now  time.Time

	counter store.Counter
}

// Run does the migration.
func (n *Normalizer) Run(ctx context.Context) (err error) {
	var clock int64
	if err := n.Tx.QueryRowContext(ctx, `SELECT change, clock FROM feed`).Scan(&n.counter.Change, &clock); err != nil {
		return fmt.Errorf("read the counter: %w", err)
	}
	n.counter.Clock = microseconds(clock)
	for last, more := "", true; more; {
		rows, err := n.read(ctx, last)
		if err != nil {
			return fmt.Errorf("read the users after %q: %w", last, err)
		}
		for _, row := range rows {
			if err := n.renew(ctx, row); err != nil {
				return fmt.Errorf("bring user %s into its normal form: %w", row.ID, err)
			}
			last = row.ID
		}
		more = len(rows) == normalChunk
	}
	if err := n.part(ctx); err != nil {
		return fmt.Errorf("part users with one email: %w", err)
	}
	_, err = n.exec(ctx, `UPDATE feed SET change = ?1, clock = ?2`, n.counter.Change, n.counter.Clock.UnixMicro())
	return err
}

func (n *Normalizer) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return n.Tx.ExecContext(ctx, n.Bind(text), args...)
}

func (n *Normalizer) read(ctx context.Context, after string) (rows []store.Row, err error) {
	const query = `SELECT ` + RowColumns + `, sort, search FROM users WHERE NOT deleted AND id > ?1 ORDER BY id LIMIT ?2`
	err = each(ctx, n.Tx, n.Bind(query), []any{after, normalChunk}, func(found *sql.Rows) error {
		var sort, search string
		row, err := scanRow(found, &sort, &search)
		row.Sort, row.Search = sort, search
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// renew saves a user in its normal form, unless it is so already. It leaves a document that
// can't be read to the check.
func (n *Normalizer) renew(ctx context.Context, had store.Row) error {
	next := n.counter.Next(n.Now)
	row, changed, err := had.InNormalForm(next)
	switch {
	case err != nil:
		return nil //nolint:nilerr // one broken document must not keep the server from starting
	case changed:
		n.counter = next
	case row.EmailKey == had.EmailKey && row.Sort == had.Sort && row.Search == had.Search:
		return nil
	}
	_, err = n.exec(ctx, `UPDATE users SET version = ?1, change = ?2, document = ?3, updated_at = ?4, email_key = ?5, sort = ?6, search = ?7
WHERE id = ?8`, row.Version, row.Change, string(row.Document), row.UpdatedAt.UnixMicro(), row.EmailKey, row.Sort, row.Search, row.ID)
	return err
}

// part gives users with another's email keys of their own, but for the oldest.
func (n *Normalizer) part(ctx context.Context) error {
	type user struct{ id, key string }
	var later []user
	err := each(ctx, n.Tx, `SELECT id, email_key FROM (SELECT id, email_key, row_number() OVER (PARTITION BY email_key ORDER BY created_at, id) AS place
FROM users WHERE NOT deleted) AS placed WHERE place > 1`, nil, func(found *sql.Rows) error {
		var u user
		err := found.Scan(&u.id, &u.key)
		later = append(later, u)
		return err
	})
	for _, u := range later {
		if err != nil {
			return err
		}
		_, err = n.exec(ctx, `UPDATE users SET email_key = ?1 WHERE id = ?2`, store.SharedKey(u.key, u.id), u.id)
	}
	return err
}
