// Package idb keeps the log and the base of replicas in IndexedDB. See package replica
// for what they are.
//
// The database is opened with go-indexeddb, through a factory of our own that migrates and
// hears what the library does not (blocked, closed, versionchange). A small script
// (helper.js), which the page or worker loads before its Go program, runs the transactions:
// it hands Go what it has read, has it decide synchronously, and writes the outcome. A
// transaction ends as soon as nobody asks it anything.
//
// Every wait has a deadline, and a transaction three ends: complete, abort, and silence, for
// which there is queue.ErrUncertain.
package idb
