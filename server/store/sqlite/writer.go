package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

// writer is the connection that writes, with its prepared statements. It takes no contexts:
// callers share a transaction, and none of them may cancel it for the others.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

const (
	selectFeed = `SELECT ` + sqldb.FeedColumns + ` FROM feed`
	updateFeed = `UPDATE feed SET change = ?, clock = ?, epoch = ?, contents = ?, past = ?, floor = ?`
	selectRows = `SELECT ` + sqldb.RowColumns + ` FROM users WHERE id IN (SELECT value FROM json_each(?))
UNION ALL SELECT ` + sqldb.RowColumns + ` FROM (SELECT value AS wanted FROM json_each(?))
  CROSS JOIN users ON deleted = 0 AND email_key >= wanted AND email_key < wanted || char(11)` // with shared keys
	upsertRow = `INSERT INTO users (id, version, change, deleted, document, stamp, created_at, updated_at, email_key, sort, search)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, change = excluded.change, deleted = excluded.deleted,
  document = excluded.document, stamp = excluded.stamp, updated_at = excluded.updated_at,
  email_key = excluded.email_key, sort = excluded.sort, search = excluded.search`
	selectRecords = `SELECT ` + sqldb.RecordColumns + ` FROM (SELECT substr(value, instr(value, ' ') + 1) AS k, substr(value, 1, instr(value, ' ') - 1) AS s FROM json_each(?))
  CROSS JOIN records ON key = k AND scope = s` // of "SCOPE KEY", which costs a third of pairs in JSON
	insertRecord = `INSERT INTO records (` + sqldb.RecordColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?)`
	insertEffect = `INSERT INTO history (` + sqldb.EffectColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	deleteOld    = `DELETE FROM records WHERE at < ? AND NOT EXISTS (SELECT 1 FROM users WHERE id = entity_id AND deleted = 1)`
	deleteTheirs = `DELETE FROM records WHERE entity_id IN (SELECT id FROM users WHERE deleted = 1 AND updated_at < ?)`
	forgetTheirs = `DELETE FROM history WHERE entity_id IN (SELECT id FROM users WHERE deleted = 1 AND updated_at < ?)`
	raiseHorizon = `UPDATE feed SET horizon = max(horizon, (SELECT coalesce(max(change), 0) FROM users WHERE deleted = 1 AND updated_at < ?))`
	deleteDead   = `DELETE FROM users WHERE deleted = 1 AND updated_at < ?`
)

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	w := &writer{conn: conn, stmts: map[string]*sql.Stmt{}}
	// Statement journals are of no use after a crash. This is not set from the start, since
	// a migration that creates an index sorts all users, which would be held in memory.
	if _, err := conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY"); err != nil {
		w.close()
		return nil, fmt.Errorf("keep temporary data in memory: %w", err)
	}
	for _, text := range []string{
		"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", selectFeed, updateFeed,
		selectRows, upsertRow, selectRecords, insertRecord, insertEffect, deleteOld, deleteTheirs, forgetTheirs, raiseHorizon, deleteDead,
	} {
		stmt, err := conn.PrepareContext(ctx, text)
		if err != nil {
			w.close()
			return nil, fmt.Errorf("prepare %q: %w", text, err)
		}
		w.own(text, stmt)
	}
	return w, nil
}

// own makes close close the statement.
func (w *writer) own(text string, stmt *sql.Stmt) { w.stmts[text] = stmt }

// close returns the connection to its pool, which is closed next and reports its errors.
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

// rollback undoes the transaction. After some errors, such as a full disk, SQLite has ended it
// already, and there is no way to ask.
func (w *writer) rollback() error {
	err := w.exec("ROLLBACK")
	if err != nil && isNoTransaction(err) {
		return nil
	}
	return err
}

// begin starts a session of the open transaction, for the writes and at the given time.
func (w *writer) begin(writes []store.Write, now time.Time) (*store.Session, *store.GroupTx, error) {
	f, err := sqldb.ScanFeed(w.stmts[selectFeed].QueryRow())
	if err != nil {
		return nil, nil, err
	}
	tx, err := w.read(store.ReadSetOf(writes))
	if err != nil {
		return nil, nil, err
	}
	return &store.Session{Tx: tx, Feed: f, Now: now}, tx, nil
}

// read reads a session's read set.
func (w *writer) read(set store.ReadSet) (*store.GroupTx, error) {
	records, err := w.readRecords(set.Keys)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	for _, r := range records {
		set.IDs = append(set.IDs, r.EntityID)
	}
	rows, err := collect(sqldb.ScanRow[*sql.Rows], w.stmts[selectRows], set.IDs, set.EmailKeys)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return store.NewGroupTx(rows, records), nil
}

func (w *writer) readRecords(of []store.RecordKey) ([]store.Record, error) {
	if len(of) == 0 {
		return nil, nil
	}
	pairs := make([]string, len(of))
	for i, k := range of {
		pairs[i] = k.Scope + " " + k.Key // a scope has no space
	}
	return collect(sqldb.ScanRecord[*sql.Rows], w.stmts[selectRecords], pairs)
}

// collect reads all rows of a statement whose arguments are lists.
func collect[T any](scan func(*sql.Rows) (T, error), stmt *sql.Stmt, lists ...any) (all []T, err error) {
	args := make([]any, len(lists))
	for i, list := range lists {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		args[i] = string(text)
	}
	found, err := stmt.Query(args...)
	if err != nil {
		return nil, err
	}
	return collectRows(found, scan)
}

// enter begins a new epoch of the feed.
func (w *writer) enter(now time.Time) error {
	return w.transaction(func() error {
		f, err := sqldb.ScanFeed(w.stmts[selectFeed].QueryRow())
		if err != nil {
			return err
		}
		f.Enter(now)
		return w.saveFeed(&f)
	})
}

// save saves the changes of a session.
func (w *writer) save(s *store.Session, tx *store.GroupTx) error {
	for _, r := range tx.Rows() {
		if err := w.exec(upsertRow, r.ID, r.Version, r.Change, r.Deleted, document(r.Document), string(r.Stamp),
			r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro(), r.EmailKey, r.Sort, r.Search); err != nil {
			return fmt.Errorf("save user %s: %w", r.ID, err)
		}
	}
	for _, r := range tx.NewRecords() {
		if err := w.exec(insertRecord, r.Key, r.Scope, r.EntityID, r.Request, r.Version, string(r.Status), r.At.UnixMicro()); err != nil {
			return fmt.Errorf("save the record with key %s: %w", r.Key, err)
		}
	}
	for _, e := range tx.Effects() {
		if err := w.exec(insertEffect, sqldb.EffectValues(e)...); err != nil {
			return fmt.Errorf("save who changed user %s: %w", e.EntityID, err)
		}
	}
	if len(tx.Rows()) == 0 {
		return nil
	}
	return w.saveFeed(&s.Feed)
}

// saveFeed saves the feed's state.
func (w *writer) saveFeed(f *store.FeedState) error {
	values, err := sqldb.FeedValues(f)
	if err != nil {
		return err
	}
	if err := w.exec(updateFeed, append([]any{f.Change}, values...)...); err != nil {
		return fmt.Errorf("save the feed's state: %w", err)
	}
	return nil
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
	if err := w.exec(deleteTheirs, before.UnixMicro()); err != nil {
		return 0, fmt.Errorf("delete the records of collected tombstones: %w", err)
	}
	if err := w.exec(forgetTheirs, before.UnixMicro()); err != nil {
		return 0, fmt.Errorf("delete the history of collected tombstones: %w", err)
	}
	n, err := w.count(deleteDead, before.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("collect the tombstones: %w", err)
	}
	return n, nil
}
