//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errInUse says that somebody else has the database open.
var errInUse = errors.New("a server or another command has it open; stop it first")

// lock is a lock on a database: shared by those who have it open, alone for who
// replaces it. It is on a file of its own, because closing any other descriptor of
// the database's file would drop the locks that SQLite has there.
type lock struct{ file *os.File }

// lockFile takes the lock; it fails with errInUse when it can't be had now.
func lockFile(path string, alone bool) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("unable to open the lock: %w", err)
	}
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			if alone {
				return nil, errInUse
			}
			return nil, errors.New("it is being restored; try again when that is done")
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return &lock{f}, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
