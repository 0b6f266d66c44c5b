// Package remote has what speaks to a server for the engine: each is a sync.Remote.
//
// Server speaks Rollcall's protocol: a batch of operations, a feed of changes. REST drives
// a backend that has plain resources only: one request for each operation, and a poll for
// changes; a Dialect says how the backend names things and what it can do. Fallback prefers
// the batch and the feed where they are offered.
package remote
