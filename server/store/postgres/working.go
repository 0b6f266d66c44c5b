package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

const (
	selectRecords = `SELECT key, client_id, entity_id, hash, result, at FROM records WHERE key = ANY($1)`

	upsertRows = `INSERT INTO users (id, version, change, deleted, document, stamp, created_at, updated_at, email_key, sort, search)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, change = excluded.change, deleted = excluded.deleted,
  document = excluded.document, stamp = excluded.stamp, updated_at = excluded.updated_at,
  email_key = excluded.email_key, sort = excluded.sort, search = excluded.search`
	insertRecords = `INSERT INTO records (key, client_id, entity_id, hash, result, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])`
)

// wanted is what a group of writes is about: what a session will ask for.
type wanted struct {
	ids, emails, keys []string
}

func wantedBy(writes []store.Write) (w wanted) {
	for i := range writes {
		w.ids = append(w.ids, writes[i].EntityID)
		if e := writes[i].Patch.Email; e != nil {
			w.emails = append(w.emails, api.EmailKey(*e))
		}
		if k := writes[i].Key; k != "" {
			w.keys = append(w.keys, k)
		}
	}
	return w
}

// working is what was read for a group of writes, with what they change. It is the
// store.Tx of their session. What a write puts counts once it is kept; so a write that
// fails in the middle leaves nothing.
type working struct {
	rows    map[string]*store.Row
	owners  map[string]string // email key to the live user's id
	records map[string]readRecord

	row    *store.Row // put by the write that is being done
	record *store.Record
	result string // the record's, encoded

	changed map[string]struct{} // ids of the rows to save
	fresh   recordArrays
}

// readRecord is a record as it was read. One that can't be decoded fails the write that
// asks for it, and no other.
type readRecord struct {
	*store.Record
	err error
}

func newWorking(rows []store.Row, records []readRecord) *working {
	w := &working{rows: map[string]*store.Row{}, owners: map[string]string{}, records: map[string]readRecord{}, changed: map[string]struct{}{}}
	for i := range rows {
		w.rows[rows[i].ID] = &rows[i]
		if !rows[i].Deleted {
			w.owners[rows[i].EmailKey] = rows[i].ID
		}
	}
	for _, r := range records {
		w.records[r.Key] = r
	}
	return w
}

// Row implements store.Tx.
func (w *working) Row(id string) (*store.Row, error) { return w.rows[id], nil }

// EmailOwner implements store.Tx.
func (w *working) EmailOwner(key string) (string, error) { return w.owners[key], nil }

// Record implements store.Tx.
func (w *working) Record(key string) (*store.Record, error) {
	r := w.records[key]
	return r.Record, r.err
}

// PutRow implements store.Tx.
func (w *working) PutRow(r *store.Row) error {
	w.row = r
	return nil
}

// PutRecord implements store.Tx.
func (w *working) PutRecord(r store.Record) error {
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	w.record, w.result = &r, string(result)
	return nil
}

// drop forgets what the write that is being done has put.
func (w *working) drop() { w.row, w.record = nil, nil }

// keep makes what it has put a part of the group.
func (w *working) keep() {
	if r := w.row; r != nil {
		if old := w.rows[r.ID]; old != nil && !old.Deleted {
			delete(w.owners, old.EmailKey)
		}
		if !r.Deleted {
			w.owners[r.EmailKey] = r.ID
		}
		w.rows[r.ID], w.changed[r.ID] = r, struct{}{}
	}
	if r := w.record; r != nil {
		w.records[r.Key] = readRecord{Record: r}
		w.fresh.add(r, w.result)
	}
	w.drop()
}

// queue queues what saves the group's rows and records: one statement a table.
func (w *working) queue(batch *pgx.Batch) {
	if len(w.changed) > 0 {
		var rows rowArrays
		for id := range w.changed {
			rows.add(w.rows[id])
		}
		batch.Queue(upsertRows, rows.args()...)
	}
	if len(w.fresh.keys) > 0 {
		batch.Queue(insertRecords, w.fresh.args()...)
	}
}

// rowArrays are rows as upsertRows takes them, by column.
type rowArrays struct {
	ids, stamps, sorts, searches        []string
	versions, changes, created, updated []int64
	deleted                             []bool
	documents, emails                   []*string
}

func (a *rowArrays) add(r *store.Row) {
	a.ids, a.stamps = append(a.ids, r.ID), append(a.stamps, string(r.Stamp))
	a.sorts, a.searches = append(a.sorts, r.Sort), append(a.searches, r.Search)
	a.versions, a.changes = append(a.versions, r.Version), append(a.changes, r.Change)
	a.created, a.updated = append(a.created, r.CreatedAt.UnixMicro()), append(a.updated, r.UpdatedAt.UnixMicro())
	a.deleted = append(a.deleted, r.Deleted)
	var document, email *string
	if !r.Deleted {
		text := string(r.Document)
		document, email = &text, &r.EmailKey
	}
	a.documents, a.emails = append(a.documents, document), append(a.emails, email)
}

func (a *rowArrays) args() []any {
	return []any{a.ids, a.versions, a.changes, a.deleted, a.documents, a.stamps, a.created, a.updated, a.emails, a.sorts, a.searches}
}

// recordArrays are records as insertRecords takes them.
type recordArrays struct {
	keys, clients, entities, hashes, results []string
	at                                       []int64
}

func (a *recordArrays) add(r *store.Record, result string) {
	a.keys, a.clients = append(a.keys, r.Key), append(a.clients, r.ClientID)
	a.entities, a.hashes = append(a.entities, r.EntityID), append(a.hashes, r.Hash)
	a.results, a.at = append(a.results, result), append(a.at, r.At.UnixMicro())
}

func (a *recordArrays) args() []any {
	return []any{a.keys, a.clients, a.entities, a.hashes, a.results, a.at}
}

func scanRecord(row pgx.CollectableRow) (readRecord, error) {
	var r store.Record
	var result []byte
	var at int64
	if err := row.Scan(&r.Key, &r.ClientID, &r.EntityID, &r.Hash, &result, &at); err != nil {
		return readRecord{}, err
	}
	if err := json.Unmarshal(result, &r.Result); err != nil {
		return readRecord{&r, fmt.Errorf("decode the result under key %s: %w", r.Key, err)}, nil
	}
	if string(r.Result.Document) == "null" {
		r.Result.Document = nil
	}
	r.At = time.UnixMicro(at).UTC()
	return readRecord{Record: &r}, nil
}
