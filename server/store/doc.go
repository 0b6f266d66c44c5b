// Package store holds what every store of the server shares: the row, the write,
// and the decision what a write does to a row. A store only persists; it can't
// have an opinion of its own on what a conflict is.
//
// The life of a write:
//
//	api.Operation ──Prepare──▶ Write ──Session.Do──▶ Outcome
//	                  │                    │
//	                  └─ a Problem         ├─ replay?   the record answers, nothing happens
//	                     (rejected)        ├─ Decide    pure: row + write + time → new row, result
//	                                       ├─ email     free among the live users?
//	                                       └─ Tx        puts the row and the record
//
// A Session lives inside the store's writing transaction. Nothing it did counts
// until that transaction is durable, and only then may a caller be answered.
package store
