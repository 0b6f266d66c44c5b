package store

import "time"

// Commit is a group of requests that were written together, for who measures.
type Commit struct {
	Requests int
	Writes   int
	Took     time.Duration // from the transaction's beginning until it was durable
}
