package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/rollcall/rollcall/server/files"
)

// Backup writes a snapshot of the database to a file that must not exist yet. A server may go
// on writing. The file gets its name once it is complete, checked and durable.
func Backup(ctx context.Context, path, to string) (err error) {
	if to == "" {
		return errors.New("the name of the backup is empty; name a file that does not exist yet")
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s exists already; a backup never replaces a file", to)
	}
	db, done, err := openExisting(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	// SQLite accepts an empty file. Created here, it is readable only by its owner.
	partial := to + ".partial"
	f, err := files.Create(partial)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: another backup is writing it, or one was interrupted; then remove it", partial)
	}
	if err != nil {
		return fmt.Errorf("create the backup: %w", err)
	}
	defer func() {
		if e := os.Remove(partial); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	if err := f.Close(); err != nil {
		return fmt.Errorf("create the backup: %w", err)
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, plainName(partial)); err != nil {
		return fmt.Errorf("copy %s to %s: %w", path, partial, err)
	}
	if err := verify(ctx, partial); err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}
	if err := syncFile(partial); err != nil {
		return err
	}
	return publish(partial, to)
}

// openExisting opens a database that must exist, and shares its lock.
func openExisting(ctx context.Context, path string) (db *sql.DB, done func() error, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && path != "" {
		return nil, nil, fmt.Errorf("there is no database %s", path)
	}
	file, held, err := take(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if err = protect(file, slog.New(slog.DiscardHandler)); err == nil {
		db, err = sql.Open("sqlite", dsn(file, "rw", "busy_timeout(5000)"))
	}
	if err == nil {
		err = isDirectory(ctx, db)
	}
	if err != nil {
		err = fmt.Errorf("open database %s: %w", path, err)
		if db != nil {
			err = errors.Join(err, db.Close())
		}
		return nil, nil, errors.Join(err, held.release())
	}
	return db, func() error { return errors.Join(db.Close(), held.release()) }, nil
}

// checkHeader fails if an existing file is neither empty nor a database. SQLite would detect
// that too, but delete the write-ahead log beside it, which may be all that is left.
func checkHeader(path string) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	const magic = "SQLite format 3\x00"
	start := make([]byte, len(magic))
	n, err := io.ReadFull(f, start)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case string(start[:n]) != magic:
		return errNotDatabase
	}
	return nil
}

var errNotDatabase = errors.New("it is not a database")

// isDirectory fails if a file is not a database of Rollcall.
func isDirectory(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('feed', 'users', 'records')`).Scan(&n)
	if err != nil {
		return err
	}
	if n != 3 {
		return errors.New("it is a database, but not one of Rollcall")
	}
	return nil
}

// verify fails if a file that nobody else has open is not intact, or not only Rollcall's.
func verify(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := isDirectory(ctx, db); err != nil {
		return err
	}
	if err := requireOwnSchema(ctx, db); err != nil {
		return err
	}
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("it is corrupt: %s", result)
	}
	return nil
}

// publish gives a file its final name, which must be free, and makes it durable.
func publish(from, to string) error {
	// Unlike a rename, a link never replaces a file.
	if err := os.Link(from, to); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already; a backup never replaces a file", to)
		}
		if err := os.Rename(from, to); err != nil { // a file system without links
			return fmt.Errorf("rename the backup: %w", err)
		}
	}
	return syncFile(filepath.Dir(to))
}

// syncFile makes a file, or a directory's entries, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
