//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errInUse says that another process has the database open.
var errInUse = errors.New("a server or another command has it open; stop it first")

// lock is a lock on a database: shared while it is open, exclusive while it is replaced. It has
// its own file, because closing any descriptor of the database's file drops SQLite's locks.
type lock struct{ file *os.File }

// lockFile takes the lock, or fails at once with errInUse.
func lockFile(path string, exclusive bool) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			if exclusive {
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
