package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestDigestOfAnOlderFile: a file from before the digest gets that of its users,
// not of its tombstones, when it is opened.
func TestDigestOfAnOlderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, path, sqlite.Options{})
	writes := []store.Write{create("Ada"), create("Bo"), create("Cy")}
	writes = append(writes, store.Write{ID: "d", EntityID: writes[1].EntityID, Type: api.Delete, BaseVersion: 1})
	if _, err := s.Apply(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, side(t, path), storetest.WithoutEpochs("BLOB", "x''")+`; ALTER TABLE feed DROP COLUMN digest; ALTER TABLE records DROP COLUMN entity_id;
		DELETE FROM goose_db_version WHERE version_id >= 2`)
	s = open(t, path, sqlite.Options{})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
		t.Error(err)
	}
	if _, err := s.Apply(t.Context(), []store.Write{create("Dee")}); err != nil {
		t.Fatal(err)
	}
	if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
		t.Errorf("after another write: %v", err)
	}
}
