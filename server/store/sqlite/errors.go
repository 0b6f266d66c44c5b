package sqlite

import (
	"errors"
	"slices"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// isNoTransaction recognizes the error of a ROLLBACK outside a transaction. Its code is the
// general SQLITE_ERROR, so only the text identifies it.
func isNoTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}

// refusedCodes are the primary codes of errors that the written data cause, as with a trigger:
// other data may succeed, these never.
var refusedCodes = []int{sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}

// errScan says that a row can't be read, as after an edit by hand.
var errScan = errors.New("the row can't be read")

// isDataError reports whether a group failed because of its data, so that a part may succeed.
func isDataError(err error) bool {
	return errors.Is(err, errScan) || isRefusal(err) || hasCode(err, sqlite3.SQLITE_CORRUPT)
}

// isRefusal reports whether those are the data written.
func isRefusal(err error) bool { return hasCode(err, refusedCodes...) }

func hasCode(err error, primary ...int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && slices.Contains(primary, e.Code()&0xff)
}
