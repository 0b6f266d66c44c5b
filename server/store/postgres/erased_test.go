package postgres_test

import (
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/postgres"
	"github.com/rollcall/rollcall/server/store/postgres/pgtest"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestRecordsOfAnOlderDatabase: they answer, and no table has their texts.
func TestRecordsOfAnOlderDatabase(t *testing.T) {
	address := pgtest.Database(t)
	up := upgradeOf(t, address)
	up.Age = `DELETE FROM goose_db_version WHERE version_id >= 4`
	storetest.RunUpgradeOfRecords(t, up)
	var records, users, tables int
	err := side(t, address).QueryRow(t.Context(), `SELECT (SELECT count(*) FROM records AS r WHERE r::text LIKE $1),
(SELECT count(*) FROM users AS u WHERE u::text ILIKE $1), (SELECT count(*) FROM pg_class WHERE relname LIKE 'records%' AND relkind = 'r')`,
		"%"+storetest.Erased+"%").Scan(&records, &users, &tables)
	if err != nil || records > 0 || users > 0 || tables != 1 {
		t.Errorf("%d records and %d users have the text of an erased user (%v); %d tables of records", records, users, err, tables)
	}
}

// TestNothingIsLeftOfTheErased: what OPERATIONS says to do leaves no page of a table with what
// was deleted. A plain VACUUM frees the space, but does not overwrite it.
func TestNothingIsLeftOfTheErased(t *testing.T) {
	address := pgtest.Database(t)
	s := open(t, address, postgres.Options{})
	ann := create(storetest.Erased)
	apply(t, s, ann)
	apply(t, s, store.Write{ID: ann.ID, Key: "operation:d", EntityID: ann.EntityID, Type: api.Delete, BaseVersion: 1})
	if o := apply(t, s, ann)[0]; !o.Replayed || o.Result.Document != nil {
		t.Errorf("the replay answers %+v", o)
	}
	conn := side(t, address)
	execute(t, conn, `CREATE EXTENSION pageinspect`)
	for _, table := range []string{"users", "records"} {
		execute(t, conn, `VACUUM FULL `+table)
		var found bool
		err := conn.QueryRow(t.Context(), `SELECT bool_or(position($2::bytea IN get_raw_page($1::text, page)) > 0)
FROM generate_series(0, pg_relation_size($1::text::regclass) / 8192 - 1) AS page`, table, []byte(storetest.Erased)).Scan(&found)
		if err != nil || found {
			t.Errorf("a page of %s has the text: %v (%v)", table, found, err)
		}
	}
}
