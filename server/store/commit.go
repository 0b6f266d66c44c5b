package store

import "time"

// Commit measures a commit of a group of requests.
type Commit struct {
	Requests int
	Writes   int
	Took     time.Duration // from the start of the transaction until it was durable
}
