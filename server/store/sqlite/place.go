package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rollcall/rollcall/server/files"
)

// parts are the suffixes of a database's files, as SQLite names them.
var parts = []string{"", "-wal", "-shm", "-journal"}

// Suffixes of the files that are Rollcall's own.
const (
	lockSuffix     = ".lock"
	freshSuffix    = ".restoring"
	replacedSuffix = ".replaced-"
)

// locate returns the real path of a database, which may not exist yet, and refuses what is no
// regular file. SQLite follows links before it names the files beside the database; the lock
// has to be there, too, or two names of one database would have two locks.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New("the name of the database is empty; name a file, such as rollcall.db")
	}
	_, err := files.Regular(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return "", errors.New("it is a link to a file that does not exist; name the file itself")
		}
		return path, checkBeside(path)
	}
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return real, checkBeside(real)
}

// take locates a database that is to be opened, and shares its lock.
func take(path string) (file string, held *lock, err error) {
	if file, err = locate(path); err != nil {
		return "", nil, err
	}
	if err := checkHeader(file); err != nil {
		return "", nil, err
	}
	held, err = lockFile(file, false)
	return file, held, err
}

// checkBeside fails if SQLite, or the lock, would open something beside the database that is
// not a regular file.
func checkBeside(path string) error {
	for _, suffix := range append(slices.Clone(parts[1:]), lockSuffix) {
		info, err := os.Lstat(path + suffix)
		if err == nil {
			err = files.RequireRegular(info)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("its file %s%s: %w", path, suffix, err)
		}
	}
	return nil
}

// createPrivate creates a database's file unless it exists. SQLite gives the files beside it
// the same mode.
func createPrivate(path string) error {
	f, err := files.Create(path)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// protect takes a database, the files beside it, and what earlier restores have kept away from
// everyone but their owner.
func protect(path string, log *slog.Logger) error {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir)) // "" is the working directory
	if err != nil {
		return fmt.Errorf("look for the files of the database: %w", err)
	}
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), base)
		if !ok || !isOwn(suffix) || !e.Type().IsRegular() {
			continue
		}
		changed, err := files.Protect(dir + e.Name())
		if errors.Is(err, fs.ErrNotExist) { // another process has removed it
			continue
		}
		if err != nil {
			return err
		}
		if changed {
			log.Warn("others could use a file of the database; now only its owner can", "file", dir+e.Name())
		}
	}
	return nil
}

// isOwn reports whether a database's file may have a suffix.
func isOwn(suffix string) bool {
	return slices.Contains(parts, suffix) || suffix == lockSuffix ||
		strings.HasPrefix(suffix, freshSuffix) || strings.HasPrefix(suffix, replacedSuffix)
}

// plainName is a path that SQLite can't take for anything but a file: it reads ":memory:" and
// names that begin with "file:" or two slashes in ways of its own.
func plainName(path string) string {
	switch {
	case strings.HasPrefix(path, "/"):
		return "/" + strings.TrimLeft(path, "/")
	case filepath.IsAbs(path): // with the letter of a drive
		return path
	}
	return "./" + path
}
