// Package idb keeps the engine's state in the browser's IndexedDB: the whole
// contract of queue.Store, sync.Store and repository.Store, one method one
// transaction.
//
// The database (DESIGN, section 8) has for each entity type a store of visible
// rows named by its plural ("users"), and the stores confirmed, operations,
// conflicts and meta. An entity without operations is its visible row alone;
// while it has operations, its confirmed row lies in confirmed. Documents are
// kept as JSON text, so that they come back byte for byte.
//
// go-indexeddb opens, upgrades and deletes databases and begins, commits and
// aborts transactions. What is read and written inside them goes through
// helper.js as JSON text: a crossing from Go to JavaScript costs more than a
// record. Every wait has a deadline, and knows the three ends of a
// transaction: complete, abort, and silence.
package idb

import _ "embed"

// Helper is the JavaScript half of the package. It has to be run, as a script
// of the page or worker, before a Store is used there.
//
//go:embed helper.js
var Helper string
