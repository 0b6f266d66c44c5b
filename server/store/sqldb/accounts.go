package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rollcall/rollcall/server/account"
)

// Querier is a database, or a transaction or connection of one.
type Querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// Access keeps accounts. Both databases know its statements: SQLite takes $1 for a parameter, too.
type Access struct{ DB Querier }

// Revision reads the revision of the accounts.
func (a Access) Revision(ctx context.Context) (revision int64, err error) {
	if err := a.DB.QueryRowContext(ctx, `SELECT revision FROM access`).Scan(&revision); err != nil {
		return 0, fmt.Errorf("read the revision of the accounts: %w", err)
	}
	return revision, nil
}

// State reads the accounts. What changes meanwhile has another revision than the one of the
// state, so that the reader reads again.
func (a Access) State(ctx context.Context) (*account.State, error) {
	var revision int64
	var key []byte
	err := a.DB.QueryRowContext(ctx, `SELECT revision, key FROM access`).Scan(&revision, &key)
	if err != nil {
		return nil, fmt.Errorf("read the revision of the accounts: %w", err)
	}
	var all account.Change
	if all.Accounts, err = rowsOf(a.DB, scanAccount).all(ctx, `SELECT id, name, display, role, disabled, created_at, seen_at FROM accounts`); err != nil {
		return nil, fmt.Errorf("read the accounts: %w", err)
	}
	if all.Credentials, err = rowsOf(a.DB, scanCredential).all(ctx, `SELECT account_id, kind, id, data, created_at FROM credentials`); err != nil {
		return nil, fmt.Errorf("read the credentials: %w", err)
	}
	if all.Grants, err = rowsOf(a.DB, scanGrant).all(ctx, `SELECT hash, id, kind, account_id, role, name, created_at, seen_at, ends_at FROM grants`); err != nil {
		return nil, fmt.Errorf("read the grants: %w", err)
	}
	s := account.NewState(revision, all)
	s.Key = key
	return s, nil
}

// Change decides on the present state, and saves what was decided. DB is a transaction, which
// the caller undoes when this fails. The state is read behind the lock of the revision's row,
// so that decisions are made one after the other.
func (a Access) Change(ctx context.Context, decide func(*account.State) (account.Change, error)) error {
	if _, err := a.DB.ExecContext(ctx, `UPDATE access SET revision = revision + 1`); err != nil {
		return fmt.Errorf("take the turn to change the accounts: %w", err)
	}
	state, err := a.State(ctx)
	if err != nil {
		return err
	}
	change, err := decide(state)
	if err != nil {
		return err
	}
	return a.save(ctx, change)
}

func (a Access) save(ctx context.Context, c account.Change) error {
	for _, one := range c.Accounts {
		if err := a.exec(ctx, `INSERT INTO accounts (id, name, display, role, disabled, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, display = excluded.display, role = excluded.role, disabled = excluded.disabled, seen_at = excluded.seen_at`,
			one.ID, one.Name, one.Display, string(one.Role), one.Disabled, micro(one.Created), micro(one.Seen)); err != nil {
			return fmt.Errorf("save account %s: %w", one.ID, err)
		}
	}
	for _, one := range c.Credentials {
		if err := a.exec(ctx, `INSERT INTO credentials (account_id, kind, id, data, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, kind, id) DO UPDATE SET data = excluded.data, created_at = excluded.created_at`,
			one.Account, one.Kind, one.ID, one.Data, micro(one.Created)); err != nil {
			return fmt.Errorf("save a credential of account %s: %w", one.Account, err)
		}
	}
	for _, one := range c.Forget {
		if err := a.exec(ctx, `DELETE FROM credentials WHERE account_id = $1 AND kind = $2 AND id = $3`, one.Account, one.Kind, one.ID); err != nil {
			return fmt.Errorf("remove a credential of account %s: %w", one.Account, err)
		}
	}
	for _, g := range c.Grants {
		if err := a.exec(ctx, `INSERT INTO grants (hash, id, kind, account_id, role, name, created_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			g.Hash.String(), g.ID, string(g.Kind), g.Account, string(g.Role), g.Name, micro(g.Created), micro(g.Seen), micro(g.Ends)); err != nil {
			return fmt.Errorf("save a %s of account %s: %w", g.Kind, g.Account, err)
		}
	}
	for _, h := range c.Drop {
		if err := a.exec(ctx, `DELETE FROM grants WHERE hash = $1`, h.String()); err != nil {
			return fmt.Errorf("end a session, token or link: %w", err)
		}
	}
	for _, e := range c.Events {
		if err := a.exec(ctx, `INSERT INTO audit (at, action, account_id, by_id, detail) VALUES ($1, $2, $3, $4, $5)`,
			micro(e.At), e.Action, e.Account, e.By, e.Detail); err != nil {
			return fmt.Errorf("save an entry of the audit log: %w", err)
		}
	}
	return nil
}

// Touch saves when grants, and with them their accounts, were last used. A grant that has ended
// meanwhile stays ended.
func (a Access) Touch(ctx context.Context, seen map[account.Hash]time.Time) error {
	for h, at := range seen {
		for _, text := range []string{
			`UPDATE grants SET seen_at = $1 WHERE hash = $2 AND seen_at < $1`,
			`UPDATE accounts SET seen_at = $1 WHERE id = (SELECT account_id FROM grants WHERE hash = $2) AND seen_at < $1`,
		} {
			if err := a.exec(ctx, text, micro(at), h.String()); err != nil {
				return fmt.Errorf("save when a session was used: %w", err)
			}
		}
	}
	return nil
}

// EndForRestore ends what was ended perhaps since a backup was made: all sessions and links.
const EndForRestore = `DELETE FROM grants WHERE kind IN ('session', 'link'); UPDATE access SET revision = revision + 1`

// Audit calls f for each entry of the audit log from a time on, in their order.
func (a Access) Audit(ctx context.Context, from time.Time, f func(account.Event) error) error {
	return rowsOf(a.DB, scanEvent).each(ctx, f, selectAudit+`WHERE at >= $1 ORDER BY number`, micro(from))
}

// AuditBefore returns the entries of the audit log before a number, the newest first; 0 is after all.
func (a Access) AuditBefore(ctx context.Context, number int64, limit int) ([]account.Event, error) {
	if number == 0 {
		number = math.MaxInt64
	}
	return rowsOf(a.DB, scanEvent).all(ctx, selectAudit+`WHERE number < $1 ORDER BY number DESC LIMIT $2`, number, limit)
}

const selectAudit = `SELECT number, at, action, account_id, by_id, detail FROM audit `

func scanEvent(s Scanner) (e account.Event, err error) {
	var at int64
	err = s.Scan(&e.Number, &at, &e.Action, &e.Account, &e.By, &e.Detail)
	e.At = since1970(at)
	return e, err
}

func (a Access) exec(ctx context.Context, text string, args ...any) error {
	_, err := a.DB.ExecContext(ctx, text, args...)
	return err
}

// reader reads rows of one kind.
type reader[T any] struct {
	db   Querier
	scan func(Scanner) (T, error)
}

// rowsOf reads what scan scans.
func rowsOf[T any](db Querier, scan func(Scanner) (T, error)) reader[T] { return reader[T]{db, scan} }

// all returns the rows of a query.
func (r reader[T]) all(ctx context.Context, text string, args ...any) (all []T, err error) {
	err = r.each(ctx, func(one T) error {
		all = append(all, one)
		return nil
	}, text, args...)
	return all, err
}

// each calls f for each row of a query.
func (r reader[T]) each(ctx context.Context, f func(T) error, text string, args ...any) (err error) {
	rows, err := r.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := r.scan(rows)
		if err != nil {
			return err
		}
		if err := f(one); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanAccount(s Scanner) (a account.Account, err error) {
	var created, seen int64
	err = s.Scan(&a.ID, &a.Name, &a.Display, &a.Role, &a.Disabled, &created, &seen)
	a.Created, a.Seen = since1970(created), since1970(seen)
	return a, err
}

func scanCredential(s Scanner) (c account.Credential, err error) {
	var created int64
	err = s.Scan(&c.Account, &c.Kind, &c.ID, &c.Data, &created)
	c.Created = since1970(created)
	return c, err
}

func scanGrant(s Scanner) (g account.Grant, err error) {
	var hash string
	var created, seen, ends int64
	if err := s.Scan(&hash, &g.ID, &g.Kind, &g.Account, &g.Role, &g.Name, &created, &seen, &ends); err != nil {
		return g, err
	}
	var ok bool
	if g.Hash, ok = account.ParseHash(hash); !ok {
		return g, fmt.Errorf("grant %s has no valid hash", g.ID)
	}
	g.Created, g.Seen, g.Ends = since1970(created), since1970(seen), since1970(ends)
	return g, nil
}

// micro is a time as it is stored: 0 for none.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func since1970(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return microseconds(t)
}

// HasAccounts reports whether there are accounts. exists is a query that says whether there is a
// table of them, which an older schema lacks.
func HasAccounts(ctx context.Context, db Querier, exists string) (has bool, err error) {
	if err = db.QueryRowContext(ctx, exists).Scan(&has); err == nil && has {
		err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM accounts)`).Scan(&has)
	}
	if err != nil {
		return false, fmt.Errorf("look for accounts: %w", err)
	}
	return has, nil
}
