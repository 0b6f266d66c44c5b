package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqldb"
)

const (
	selectRecords = `SELECT ` + sqldb.RecordColumns + ` FROM unnest($1::text[], $2::text[]) AS wanted (k, s)
  JOIN records ON key = k AND scope = s`

	upsertRows = `INSERT INTO users (id, version, change, deleted, document, stamp, created_at, updated_at, email_key, sort, search)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, change = excluded.change, deleted = excluded.deleted,
  document = excluded.document, stamp = excluded.stamp, updated_at = excluded.updated_at,
  email_key = excluded.email_key, sort = excluded.sort, search = excluded.search`
	insertRecords = `INSERT INTO records (` + sqldb.RecordColumns + `)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[])`
	insertEffects = `INSERT INTO history (` + sqldb.EffectColumns + `)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[])`
)

// queueRecords queues the statement that reads the records of keys.
func queueRecords(batch *pgx.Batch, of []store.RecordKey, records *[]store.Record) {
	var keys, scopes []string
	for _, k := range of {
		keys, scopes = append(keys, k.Key), append(scopes, k.Scope)
	}
	batch.Queue(selectRecords, keys, scopes).Query(func(found pgx.Rows) (err error) {
		*records, err = pgx.CollectRows(found, sqldb.ScanRecord[pgx.CollectableRow])
		return err
	})
}

// queue queues one statement for the rows and one for the records.
func queue(batch *pgx.Batch, tx *store.GroupTx) {
	if latest := tx.LatestRows(); len(latest) > 0 {
		var rows rowArrays
		for _, r := range latest {
			rows.add(r)
		}
		batch.Queue(upsertRows, rows.args()...)
	}
	if fresh := tx.NewRecords(); len(fresh) > 0 {
		var records recordArrays
		for _, r := range fresh {
			records.add(r)
		}
		batch.Queue(insertRecords, records.args()...)
	}
	if fresh := tx.Effects(); len(fresh) > 0 {
		var effects effectArrays
		for _, e := range fresh {
			effects.add(e)
		}
		batch.Queue(insertEffects, effects.args()...)
	}
}

// rowArrays are the columns of rows for upsertRows.
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

// recordArrays are the columns of records for insertRecords.
type recordArrays struct {
	keys, scopes, entities, requests, statuses []string
	versions, at                               []int64
}

func (a *recordArrays) add(r *store.Record) {
	a.keys, a.scopes = append(a.keys, r.Key), append(a.scopes, r.Scope)
	a.entities, a.requests = append(a.entities, r.EntityID), append(a.requests, r.Request)
	a.versions, a.statuses = append(a.versions, r.Version), append(a.statuses, string(r.Status))
	a.at = append(a.at, r.At.UnixMicro())
}

func (a *recordArrays) args() []any {
	return []any{a.keys, a.scopes, a.entities, a.requests, a.versions, a.statuses, a.at}
}

// effectArrays are the columns of effects for insertEffects.
type effectArrays struct {
	entities, types, accounts, devices []string
	changes, versions, at, made        []int64
	replaced                           []*string
}

func (a *effectArrays) add(e *store.Effect) {
	v := sqldb.EffectValues(e)
	a.changes, a.entities, a.versions = append(a.changes, e.Change), append(a.entities, e.EntityID), append(a.versions, e.Version)
	a.types, a.accounts, a.devices = append(a.types, string(e.Type)), append(a.accounts, e.Account), append(a.devices, e.Device)
	a.at, a.made = append(a.at, v[6].(int64)), append(a.made, v[7].(int64))
	var replaced *string
	if text, ok := v[8].(string); ok {
		replaced = &text
	}
	a.replaced = append(a.replaced, replaced)
}

func (a *effectArrays) args() []any {
	return []any{a.changes, a.entities, a.versions, a.types, a.accounts, a.devices, a.at, a.made, a.replaced}
}
