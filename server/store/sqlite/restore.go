package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Restore replaces a database with a backup. It keeps the previous database, if there is one,
// under the returned name. It fails while the database is open. Until the last step, a
// rename, the database is not touched.
func Restore(ctx context.Context, path, backup string, now time.Time) (previous string, err error) {
	if err := checkBackup(path, backup); err != nil {
		return "", err
	}
	held, err := lockFile(path, true)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, held.release()) }()
	fresh := path + ".restoring"
	if err := removeAll(fresh); err != nil { // left by an interrupted restore
		return "", err
	}
	defer func() { err = errors.Join(err, removeAll(fresh)) }()
	if err := copyFile(backup, fresh); err != nil {
		return "", fmt.Errorf("copy the backup: %w", err)
	}
	if err := verify(ctx, fresh); err != nil {
		return "", fmt.Errorf("the backup %s can't be used: %w", backup, err)
	}
	if err := FinishRestore(ctx, fresh, rand.Uint64(), now); err != nil {
		return "", err
	}
	if err := mergeLog(ctx, fresh); err != nil { // into one file
		return "", fmt.Errorf("finish the copy of %s: %w", backup, err)
	}
	if err := syncFile(fresh); err != nil {
		return "", err
	}
	if previous, err = moveAside(ctx, path, now); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("put the backup in place: %w", err)
	}
	return previous, syncFile(filepath.Dir(path))
}

func checkBackup(path, backup string) error {
	from, err := os.Stat(backup)
	if err != nil {
		return fmt.Errorf("there is no backup %s", backup)
	}
	if from.IsDir() {
		return fmt.Errorf("the backup %s is a directory", backup)
	}
	if to, err := os.Stat(path); err == nil && os.SameFile(from, to) {
		return fmt.Errorf("%s is the database itself, not a backup of it", backup)
	}
	if wal, err := os.Stat(backup + "-wal"); err == nil && wal.Size() > 0 {
		return fmt.Errorf("%s is a database in use, with changes in %s-wal; back it up with `rollcall backup`", backup, backup)
	}
	return nil
}

// parts are the suffixes of a database's files.
var parts = []string{"", "-wal", "-shm", "-journal"}

func removeAll(path string) error {
	for _, part := range parts {
		if err := os.Remove(path + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// mergeLog copies the write-ahead log into the database's file. It fails with errInUse if
// another process, even an SQLite shell, has it open.
func mergeLog(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "rw", "locking_mode(EXCLUSIVE)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var mode string
	err = db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode)
	switch {
	case err == nil && mode == "delete":
		return nil
	case err == nil, strings.Contains(err.Error(), "locked"), strings.Contains(err.Error(), "busy"):
		return errInUse
	}
	return err
}

// moveAside gives the database a second name. A corrupt database, the reason for most restores,
// is kept unchanged.
func moveAside(ctx context.Context, path string, now time.Time) (previous string, err error) {
	previous = path + ".replaced-" + now.UTC().Format("20060102T150405.000Z")
	_, err = os.Stat(path)
	exists := err == nil
	if exists {
		if checkHeader(path) == nil {
			if err := mergeLog(ctx, path); errors.Is(err, errInUse) {
				return "", fmt.Errorf("restore %s: %w", path, err)
			}
		}
		if err := os.Link(path, previous); err != nil {
			return "", fmt.Errorf("keep the previous database: %w", err)
		}
	}
	// Remaining files belong to a database that can't be opened. SQLite would take them for
	// the restored one's.
	for _, part := range parts[1:] {
		err := os.Rename(path+part, previous+part)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("keep the previous database: %w", err)
		}
	}
	if !exists {
		return "", nil
	}
	return previous, nil
}
