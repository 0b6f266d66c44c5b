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

// statementFailed returns PostgreSQL's error code if it is certain that the transaction was
// undone. After a lost connection nothing is certain: it may have been committed.
func statementFailed(err error) (code string, certain bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.SeverityUnlocalized != "ERROR" {
		return "", false
	}
	return e.Code, true
}

// refusedClasses are the classes of errors that the written data cause, as with a constraint, a
// trigger or a text too long for an index: other data may succeed, these never.
var refusedClasses = []string{"21", "22", "23", "27", "44", "54", "P0"}

// damaged is the class of errors that stored data can cause, as with a corrupt page: writes that
// don't touch these may succeed.
const damaged = "XX"

// isDataError reports whether a group failed because of its data, so that a part may succeed.
func isDataError(err error) bool {
	code, certain := statementFailed(err)
	return isRefusal(err) || certain && strings.HasPrefix(code, damaged)
}

// isRefusal reports whether those are the data written.
func isRefusal(err error) bool {
	code, certain := statementFailed(err)
	return certain && len(code) > 2 && slices.Contains(refusedClasses, code[:2])
}

// readError is the error of a read. It is store.ErrUnavailable if the database can't be reached
// or is overloaded; anything else is a bug.
func readError(what string, err error) error {
	if errors.Is(err, feed.ErrResync) || errors.Is(err, feed.ErrBadCursor) || isDataError(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	if code, certain := statementFailed(err); certain && strings.HasPrefix(code, "42") { // an invalid statement
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, store.ErrUnavailable, err)
}
