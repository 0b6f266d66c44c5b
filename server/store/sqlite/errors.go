package sqlite

import "strings"

// isNoTransaction recognises the answer to a ROLLBACK outside a transaction. It
// has the general code SQLITE_ERROR, so the text is all there is to tell by.
func isNoTransaction(err error) bool {
	return strings.Contains(err.Error(), "no transaction is active")
}
