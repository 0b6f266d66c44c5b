package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

// writer is the one connection that writes, with its statements. It is a
// store.Tx while a transaction is open. Contexts don't reach into it: a
// transaction is shared by callers, and none of them may end it for the others.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

const (
	selectCounter = `SELECT change, clock, digest FROM feed`
	updateCounter = `UPDATE feed SET change = ?, clock = ?, digest = ?`
	selectRow     = `SELECT id, version, change, deleted, document, stamp, created_at, updated_at FROM users WHERE id = ?`
	selectOwner   = `SELECT id FROM users WHERE email_key = ? AND deleted = 0`
	upsertRow     = `INSERT INTO users (id, version, change, deleted, document, stamp, created_at, updated_at, email_key, sort, search)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, change = excluded.change, deleted = excluded.deleted,
  document = excluded.document, stamp = excluded.stamp, updated_at = excluded.updated_at,
  email_key = excluded.email_key, sort = excluded.sort, search = excluded.search`
	selectRecord = `SELECT client_id, entity_id, hash, result, at FROM records WHERE key = ?`
	insertRecord = `INSERT INTO records (key, client_id, entity_id, hash, result, at) VALUES (?, ?, ?, ?, ?, ?)`
	deleteOld    = `DELETE FROM records WHERE at < ?`
	raiseHorizon = `UPDATE feed SET horizon = max(horizon, (SELECT coalesce(max(change), 0) FROM users WHERE deleted = 1 AND updated_at < ?))`
	deleteDead   = `DELETE FROM users WHERE deleted = 1 AND updated_at < ?`
)

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	w := &writer{conn: conn, stmts: map[string]*sql.Stmt{}}
	// What a savepoint needs to undo a write is of no use after a crash. Not so from the
	// start: a migration that makes an index sorts all users, which memory needn't hold.
	if _, err := conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY"); err != nil {
		w.close()
		return nil, fmt.Errorf("keep temporary data in memory: %w", err)
	}
	for _, text := range []string{
		"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT write", "ROLLBACK TO write", "RELEASE write",
		selectCounter, updateCounter, selectRow, selectOwner, upsertRow,
		selectRecord, insertRecord, deleteOld, raiseHorizon, deleteDead,
	} {
		stmt, err := conn.PrepareContext(ctx, text)
		if err != nil {
			w.close()
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
		w.keep(text, stmt)
	}
	return w, nil
}

// keep makes the statement one of the writer's, which close closes.
func (w *writer) keep(text string, stmt *sql.Stmt) { w.stmts[text] = stmt }

// close gives the connection back; the pool it goes to is closed next and
// reports what is wrong with it.
func (w *writer) close() {
	for _, stmt := range w.stmts {
		_ = stmt.Close()
	}
	_ = w.conn.Close()
}

func (w *writer) exec(text string, args ...any) error {
	_, err := w.stmts[text].Exec(args...)
	return err
}

func (w *writer) count(text string, args ...any) (int64, error) {
	r, err := w.stmts[text].Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// rollback undoes the transaction. SQLite has ended it by itself after some
// errors (a full disk); then there is nothing to undo, and no way to ask first.
func (w *writer) rollback() error {
	err := w.exec("ROLLBACK")
	if err != nil && isNoTransaction(err) {
		return nil
	}
	return err
}

// session begins a session of the open transaction at the given time.
func (w *writer) session(now time.Time) (store.Session, error) {
	s := store.Session{Tx: w, Now: now}
	var clock int64
	var digest []byte
	if err := w.stmts[selectCounter].QueryRow().Scan(&s.Counter.Change, &clock, &digest); err != nil {
		return s, fmt.Errorf("read the counter: %w", err)
	}
	if err := s.Digest.UnmarshalBinary(digest); err != nil {
		return s, fmt.Errorf("read the counter: %w", err)
	}
	s.Counter.Clock = time.UnixMicro(clock).UTC()
	return s, nil
}

// end saves where a session has got to.
func (w *writer) end(s *store.Session) error {
	digest, err := s.Digest.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("encode the digest: %w", err)
	}
	if err := w.exec(updateCounter, s.Counter.Change, s.Counter.Clock.UnixMicro(), digest); err != nil {
		return fmt.Errorf("save the counter: %w", err)
	}
	return nil
}

// Row implements store.Tx.
func (w *writer) Row(id string) (*store.Row, error) {
	r, err := scanRow(w.stmts[selectRow].QueryRow(id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// EmailOwner implements store.Tx.
func (w *writer) EmailOwner(key string) (id string, err error) {
	err = w.stmts[selectOwner].QueryRow(key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// PutRow implements store.Tx.
func (w *writer) PutRow(r *store.Row) error {
	return w.exec(upsertRow, r.ID, r.Version, r.Change, r.Deleted, document(r.Document), string(r.Stamp),
		r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro(), r.EmailKey, r.Sort, r.Search)
}

// Record implements store.Tx.
func (w *writer) Record(key string) (*store.Record, error) {
	r := store.Record{Key: key}
	var result []byte
	var at int64
	err := w.stmts[selectRecord].QueryRow(key).Scan(&r.ClientID, &r.EntityID, &r.Hash, &result, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(result, &r.Result); err != nil {
		return nil, fmt.Errorf("decode the result under key %s: %w", key, err)
	}
	if string(r.Result.Document) == "null" {
		r.Result.Document = nil
	}
	r.At = time.UnixMicro(at).UTC()
	return &r, nil
}

// PutRecord implements store.Tx.
func (w *writer) PutRecord(r store.Record) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return w.exec(insertRecord, r.Key, r.ClientID, r.EntityID, r.Hash, string(result), r.At.UnixMicro())
}

func (w *writer) prune(before time.Time) (int64, error) {
	n, err := w.count(deleteOld, before.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("prune the records: %w", err)
	}
	return n, nil
}

func (w *writer) collect(before time.Time) (int64, error) {
	if err := w.exec(raiseHorizon, before.UnixMicro()); err != nil {
		return 0, fmt.Errorf("raise the horizon: %w", err)
	}
	n, err := w.count(deleteDead, before.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("collect the tombstones: %w", err)
	}
	return n, nil
}
