package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/storetest"
)

// openUntilEnd opens a store for as long as the test lasts, or until the test closes it.
func openUntilEnd(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestListUsesACoveringIndex: a page of the list must not fetch each of its people from
// another page of the file. A file from before gets the index for that.
func TestListUsesACoveringIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openUntilEnd(t, path)
	_, err := s.writer.conn.ExecContext(t.Context(), storetest.WithoutEpochs("BLOB", "x''")+`; DROP INDEX users_list;
CREATE INDEX users_list ON users (sort, id) WHERE deleted = 0;
DELETE FROM goose_db_version WHERE version_id >= 4`)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openUntilEnd(t, path)
	after := store.Position{Sort: "ada", ID: "1"}
	for _, test := range []struct {
		name, want string
		query      store.ListQuery
	}{
		{"the first page", "SCAN users USING COVERING INDEX users_list", store.ListQuery{}},
		{"any page", "SEARCH users USING COVERING INDEX users_list ((sort,id)>(?,?))", store.ListQuery{After: after}},
		{"a search", "SCAN users USING COVERING INDEX users_list", store.ListQuery{Search: "ada"}},
		{"any page of a search", "SEARCH users USING COVERING INDEX users_list ((sort,id)>(?,?))", store.ListQuery{Search: "ada", After: after}},
		{"by update", "SEARCH users USING INDEX users_updated (updated_at>?)", store.ListQuery{UpdatedAfter: time.Unix(1, 0)}},
	} {
		test.query.Limit = 50
		if got := planOf(t, s.readDB, test.query); got != test.want {
			t.Errorf("%s: the plan is %q, want %q", test.name, got, test.want)
		}
	}
}

// TestListingUsesTheIndex: who reads the feed from its beginning is listed rows from the index of
// the list, however many there are.
func TestListingUsesTheIndex(t *testing.T) {
	s := openUntilEnd(t, filepath.Join(t.TempDir(), "rollcall.db"))
	for want, from := range map[string]feed.Cursor{
		"SCAN users USING INDEX users_list":                            {Listing: true},
		"SEARCH users USING INDEX users_list ((sort,id)>(?,?))":        {Listing: true, Sort: "ada", ID: "1"},
		"SEARCH users USING INDEX sqlite_autoindex_users_2 (change>?)": {Change: 7},
	} {
		text, args := changesStatement(from, 50)
		if got := planOfStatement(t, s.readDB, text, args); got != want {
			t.Errorf("from %+v: the plan is %q, want %q", from, got, want)
		}
	}
}

// planOf is SQLite's plan for a page of the list, its steps joined by semicolons.
func planOf(t *testing.T, db *sql.DB, q store.ListQuery) string {
	t.Helper()
	text, args := listStatement(q)
	return planOfStatement(t, db, text, args)
}

func planOfStatement(t *testing.T, db *sql.DB, text string, args []any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}

// TestListOfLongUsers: the longest user there can be doesn't fit in a page of the
// index; the list has all of it, also after an update and when a backup was restored.
func TestListOfLongUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openUntilEnd(t, path)
	id, name, bio := uuid.NewString(), strings.Repeat("😀", api.MaxName), strings.Repeat("😀", api.MaxBio)
	email := strings.Repeat("e", api.MaxEmail-len("@example.org")) + "@example.org"
	apply := func(w store.Write) {
		t.Helper()
		w.ID, w.EntityID = uuid.NewString(), id
		outcomes, err := s.Apply(t.Context(), []store.Write{w})
		if err != nil || outcomes[0].Result.Status != api.Applied {
			t.Fatalf("%v (%v)", outcomes, err)
		}
	}
	same := func() {
		t.Helper()
		row, err := s.User(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []store.ListQuery{{Limit: 1}, {Limit: 1, Search: "example.org"}} {
			list, err := s.Users(t.Context(), q)
			if err != nil || len(list.Documents) != 1 || string(list.Documents[0]) != string(row.Document) {
				t.Errorf("%+v: the list has %.80q (%v), not %.80q", q, list.Documents, err, row.Document)
			}
		}
	}
	apply(store.Write{Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email, Bio: &bio}})
	same()
	bio = strings.Repeat("é", api.MaxBio)
	apply(store.Write{Type: api.Update, BaseVersion: 1, Patch: api.UserPatch{Bio: &bio}})
	same()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := FinishRestore(t.Context(), path, 7, time.Now()); err != nil {
		t.Fatal(err)
	}
	s = openUntilEnd(t, path)
	same()
}
