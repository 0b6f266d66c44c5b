package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

// statementFailed returns what PostgreSQL said of a statement, when it is sure that
// nothing of the transaction was done. Of a lost or ended connection nothing is sure:
// it may be told after the commit.
func statementFailed(err error) (code string, sure bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.SeverityUnlocalized != "ERROR" {
		return "", false
	}
	return e.Code, true
}

// dataClasses are the classes of errors that can be the fault of what was written,
// as with a constraint, a trigger or a text too long for an index: other data, or
// less of it, may be taken.
var dataClasses = []string{"21", "22", "23", "27", "44", "54", "P0", "XX"}

// ofData reports whether a group failed by what is in it, so that a part of it may do.
func ofData(err error) bool {
	code, sure := statementFailed(err)
	return sure && len(code) > 2 && slices.Contains(dataClasses, code[:2])
}

// failed is the error of a read: store.ErrUnavailable when the database is away or
// has too much to do, and a bug otherwise.
func failed(what string, err error) error {
	if errors.Is(err, feed.ErrResync) || errors.Is(err, feed.ErrBadCursor) || ofData(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	if code, sure := statementFailed(err); sure && strings.HasPrefix(code, "42") { // a statement that makes no sense
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, store.ErrUnavailable, err)
}
