package sqlite

import (
	"errors"
	"slices"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// isNoTransaction recognises the answer to a ROLLBACK outside a transaction. It
// has the general code SQLITE_ERROR, so the text is all there is to tell by.
func isNoTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}

// dataCodes are the primary codes of errors that can be the fault of what was written
// or looked for, as with a trigger or a damaged page: other data, or less of it, may be
// taken.
var dataCodes = []int{sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CORRUPT}

// errScan is of a row that the store can't read, as after an edit by hand.
var errScan = errors.New("the row can't be read")

// ofData reports whether a group failed by what is in it, so that a part of it may do.
func ofData(err error) bool {
	if errors.Is(err, errScan) {
		return true
	}
	var e *sqlite.Error
	return errors.As(err, &e) && slices.Contains(dataCodes, e.Code()&0xff)
}
