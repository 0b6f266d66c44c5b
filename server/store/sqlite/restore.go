package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall/rollcall/server/files"
	"github.com/rollcall/rollcall/server/store"
)

// Restoring is a backup that replaces a database.
type Restoring struct {
	Path, Backup string
	Now          time.Time
	// Force restores a backup although the check of its content finds problems.
	Force bool
}

// Restore replaces a database with a backup. It keeps the previous database, if there is one,
// under the returned name. It fails while the database is open. Until the last step, a
// rename, the database is not touched.
func Restore(ctx context.Context, r Restoring) (previous string, err error) {
	path, err := locate(r.Path)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", r.Path, err)
	}
	if err := checkBackup(path, r.Backup); err != nil {
		return "", err
	}
	held, err := lockFile(path, true)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, held.release()) }()
	fresh := path + freshSuffix
	if err := removeAll(fresh); err != nil { // left by an interrupted restore
		return "", err
	}
	defer func() { err = errors.Join(err, removeAll(fresh)) }()
	if err := prepare(ctx, r, fresh); err != nil {
		return "", err
	}
	if previous, err = moveAside(ctx, path, r.Now); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("put the backup in place: %w", err)
	}
	return previous, syncFile(filepath.Dir(path))
}

// prepare copies a backup to a file that is ready to be served.
func prepare(ctx context.Context, r Restoring, fresh string) error {
	if err := copyFile(r.Backup, fresh); err != nil {
		return fmt.Errorf("copy the backup: %w", err)
	}
	if err := verify(ctx, fresh); err != nil {
		return fmt.Errorf("the backup %s can't be used: %w", r.Backup, err)
	}
	if err := FinishRestore(ctx, fresh, rand.Uint64(), r.Now); err != nil {
		return err
	}
	if err := mergeLog(ctx, fresh); err != nil { // into one file
		return fmt.Errorf("finish the copy of %s: %w", r.Backup, err)
	}
	report, err := checkAlone(ctx, fresh)
	if err != nil {
		return fmt.Errorf("check the backup %s: %w", r.Backup, err)
	}
	if n := report.Serious(); n > 0 && !r.Force {
		return fmt.Errorf("the backup %s has %d problems, the first: %s; restore another one, or this one with -force", r.Backup, n, report.Problems[0])
	}
	return syncFile(fresh)
}

// checkAlone checks a file that nobody else has open.
func checkAlone(ctx context.Context, path string) (report store.Report, err error) {
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return check(ctx, db)
}

func checkBackup(path, backup string) error {
	from, err := files.Regular(backup)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no backup %s", backup)
	}
	if err != nil {
		return fmt.Errorf("the backup %s can't be used: %w", backup, err)
	}
	if to, err := os.Stat(path); err == nil && os.SameFile(from, to) {
		return fmt.Errorf("%s is the database itself, not a backup of it", backup)
	}
	if wal, err := os.Stat(backup + "-wal"); err == nil && wal.Size() > 0 {
		return fmt.Errorf("%s is a database in use, with changes in %s-wal; back it up with `rollcall backup`", backup, backup)
	}
	return nil
}

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
	out, err := files.Create(to)
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
	previous = path + replacedSuffix + now.UTC().Format("20060102T150405.000Z")
	if err := protect(path, slog.New(slog.DiscardHandler)); err != nil {
		return "", err
	}
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
