package replica

import (
	"context"
	"strings"
)

// Database is what a replica needs to know of a database: a log of texts, numbered
// from 1, and a base of named texts.
type Database interface {
	// Run runs one transaction: it reads what query asks for and has decide, which must not
	// block, say how it goes on. A transaction that may write excludes all others, of all
	// tabs, and is durable once Run returns nil. The error of decide aborts it and is
	// returned. decide is called again, from the beginning, when the transaction was aborted
	// by the browser and is tried once more.
	Run(ctx context.Context, query Query, decide func(Found) (Step, error)) error
}

// NamesPart is how many names of texts are read at once. A million users have 35,000, which are half a second's work of
// IndexedDB: it answers nobody else meanwhile.
const NamesPart = 1000

// NamesBehind is no name of a text: a Read of it finds the next NamesPart names of texts behind one, each on a line.
func NamesBehind(name string) string { return namesBehind + name }

const namesBehind = "*"

// IsNames returns behind which name a Read of key finds names, and whether it does.
func IsNames(key string) (behind string, ok bool) { return strings.CutPrefix(key, namesBehind) }

// Query says what a transaction reads, and whether it may write.
type Query struct {
	Write   bool
	Relaxed bool // the commit need not be flushed to disk
	Read
	// Try, unless nil, is added to the log at once if there is nothing behind After. Then
	// there is nothing to decide, and decide is not called.
	Try *Try
}

// Try is a record that was decided on before the transaction began.
type Try struct {
	Opened int64 // Found.Opened of what it was decided on
	Record
}

// Read is what a transaction reads: the log behind a number, and named texts of the base or NamesBehind.
type Read struct {
	After int64
	Keys  []string
}

// Found is what a Read found: the log in its order, and a text, "" for none, for each key.
type Found struct {
	// Opened changes whenever the database was opened anew. It may be another one then.
	Opened int64
	Log    []Record
	Base   map[string]string
}

// Record is a text of the log, with its number.
type Record struct {
	Seq  int64
	Text string
}

// Step is how a transaction goes on: with another Read, or with what it writes, and its end.
type Step struct {
	More *Read

	// Append is the record to add to the log, nil for none. That there is one of its number
	// already is an error.
	Append *Record
	// Put and Delete change the base.
	Put    map[string]string
	Delete []string
	// Trim deletes the log up to and including a number.
	Trim int64
}
