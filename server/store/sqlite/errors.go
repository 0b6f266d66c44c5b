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

// dataCodes are the primary codes of errors that the data can cause, as with a trigger or a
// corrupt page: other data may succeed.
var dataCodes = []int{sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CORRUPT}

// errScan says that a row can't be read, as after an edit by hand.
var errScan = errors.New("the row can't be read")

// isDataError reports whether a group failed because of its data, so that a part may succeed.
func isDataError(err error) bool {
	if errors.Is(err, errScan) {
		return true
	}
	var e *sqlite.Error
	return errors.As(err, &e) && slices.Contains(dataCodes, e.Code()&0xff)
}
