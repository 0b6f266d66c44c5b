// Package idb keeps the engine's state in IndexedDB: users (visible rows),
// confirmed, operations, conflicts and meta, as the conformance suite in
// wasm/storetest demands.
//
// The database is opened with go-indexeddb, through a factory of our own that
// migrates and hears what the library does not (blocked, closed, versionchange).
// Each method is then one transaction, run whole by a small script (helper.js)
// that the page or worker loads before its Go program: it hands Go the stored
// records as one JSON text, has it decide synchronously, and writes the outcome.
// Crossing between Go and JavaScript for each record would cost more than the
// record.
//
// Every wait has a deadline, and a transaction three ends: complete, abort, and
// silence, for which there is queue.ErrUncertain.
package idb
