//go:build !unix && !js

package sqlite

import "errors"

var errInUse = errors.New("a server or another command has it open; stop it first")

// lock does nothing: without flock, only SQLite's own locks show who has the database open.
type lock struct{}

func lockFile(string, bool) (*lock, error) { return &lock{}, nil }

func (*lock) release() error { return nil }
