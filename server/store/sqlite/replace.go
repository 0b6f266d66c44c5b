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

// Restore puts a backup in a database's place, as FinishRestore makes it. What was
// there is kept beside it, under the name that is returned, "" when nothing was. It
// refuses while anybody has the database open. Until the last step, a rename,
// nothing of the database is touched.
func Restore(ctx context.Context, path, backup string, now time.Time) (aside string, err error) {
	if err := checkBackup(path, backup); err != nil {
		return "", err
	}
	held, err := lockFile(path, true)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, held.release()) }()
	fresh := path + ".restoring"
	if err := removeAll(fresh); err != nil { // of a restore that was interrupted
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
	if err := settle(ctx, fresh); err != nil { // all of it in one file
		return "", fmt.Errorf("finish the copy of %s: %w", backup, err)
	}
	if err := syncFile(fresh); err != nil {
		return "", err
	}
	if aside, err = setAside(ctx, path, now); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("put the backup in place: %w", err)
	}
	return aside, syncFile(filepath.Dir(path))
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
		return fmt.Errorf("%s is a database in use, with changes in %s-wal: make a backup of it with `rollcall backup`", backup, backup)
	}
	return nil
}

// parts are the files a database may have.
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

// settle brings all of a database into its one file. It fails with errInUse when
// somebody else, be it a shell of SQLite, has it open.
func settle(ctx context.Context, path string) (err error) {
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

// setAside gives what is at the path a second name. A damaged database, which is
// why most backups are restored, is kept as it is.
func setAside(ctx context.Context, path string, now time.Time) (aside string, err error) {
	aside = path + ".replaced-" + now.UTC().Format("20060102T150405.000Z")
	_, err = os.Stat(path)
	there := err == nil
	if there {
		if checkHeader(path) == nil {
			if err := settle(ctx, path); errors.Is(err, errInUse) {
				return "", fmt.Errorf("restore %s: %w", path, err)
			}
		}
		if err := os.Link(path, aside); err != nil {
			return "", fmt.Errorf("keep what is replaced: %w", err)
		}
	}
	// What is left of these is of a database that can't be opened. Beside the
	// restored one, it would be taken for that one's.
	for _, part := range parts[1:] {
		err := os.Rename(path+part, aside+part)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("keep what is replaced: %w", err)
		}
	}
	if !there {
		return "", nil
	}
	return aside, nil
}
