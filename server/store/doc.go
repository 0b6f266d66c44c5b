// Package store is what the server's stores share: the row, the write, and the decision what a
// write does to a row. A store only persists; it does not decide what a conflict is.
//
// The life of a write:
//
//	api.Operation ──Prepare──▶ Write ──Session.Do──▶ Outcome
//	                  │                    │
//	                  └─ Problem           ├─ replay?   the record has the result
//	                     (rejected)        ├─ Decide    pure: row + write + time → new row, result
//	                                       ├─ email     unique among the live users?
//	                                       └─ Tx        puts the row and the record
//
// A Session lives inside the store's writing transaction. Callers are answered once that
// transaction is durable.
package store
