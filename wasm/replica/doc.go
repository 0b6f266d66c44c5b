// Package replica keeps the engine's state in memory, over a log and a base in a database.
package replica
