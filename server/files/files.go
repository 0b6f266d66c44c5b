// Package files creates and opens the operator's files: they hold personal data, so only their
// owner reads them, and what is no regular file is refused before it is opened, because a pipe
// without a writer would never answer and a device never end.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Private is the mode of every file with personal data.
const Private fs.FileMode = 0o600

// Regular returns an existing file, or the one that a link names. Anything else is an error
// that says what it is.
func Regular(name string) (fs.FileInfo, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	return info, RequireRegular(info)
}

// RequireRegular fails unless a file is a regular one.
func RequireRegular(info fs.FileInfo) error {
	mode := info.Mode()
	kind := "something else"
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("it is a directory")
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode&fs.ModeSymlink != 0:
		kind = "a symbolic link"
	}
	return fmt.Errorf("it is %s, not a regular file; name a file on a disk", kind)
}

// Create creates a file that must not exist yet. Only its owner can read it, whatever the umask.
func Create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, Private)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(Private); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return f, nil
}

// Protect takes a file away from everyone but its owner, and reports whether that was a change.
// A missing file is none.
func Protect(name string) (changed bool, err error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = RequireRegular(info)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if info.Mode().Perm() == Private || runtime.GOOS == "windows" { // which has no such modes
		return false, nil
	}
	if err := os.Chmod(name, Private); err != nil {
		return false, fmt.Errorf("others may use %s (its mode is %v), and this user may not change that; have its owner run chmod 600 on it: %w",
			name, info.Mode().Perm(), err)
	}
	return true, nil
}
