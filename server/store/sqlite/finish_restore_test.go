package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/sqlite"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestFinishRestore: after a backup took the place of what was written since, a cursor
// from before gets a resync, and no version stands for two states.
func TestFinishRestore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, path, sqlite.Options{})
	ann := create("Ann")
	apply := func(s *sqlite.Store, w store.Write) api.Result {
		t.Helper()
		outcomes, err := s.Apply(t.Context(), []store.Write{w})
		if err != nil {
			t.Fatal(err)
		}
		return outcomes[0].Result
	}
	apply(s, ann)
	if err := s.Close(); err != nil { // which leaves all in one file
		t.Fatal(err)
	}
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, path, sqlite.Options{})
	bio := "lost"
	lost := apply(s, store.Write{ID: ann.ID, EntityID: ann.EntityID, Type: api.Update, BaseVersion: 1, Patch: api.UserPatch{Bio: &bio}})
	cursor, err := s.Head(t.Context())
	if err := errors.Join(err, s.Close(), os.WriteFile(path, backup, 0o600)); err != nil {
		t.Fatal(err)
	}

	now := time.Now()
	if err := sqlite.FinishRestore(t.Context(), path, 7, now); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, sqlite.Options{})
	if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
		t.Error(err)
	}
	if _, err := s.Changes(t.Context(), cursor, 10); !errors.Is(err, feed.ErrResync) {
		t.Errorf("a cursor from before: %v", err)
	}
	row, err := s.User(t.Context(), ann.EntityID)
	if err != nil {
		t.Fatal(err)
	}
	u, err := row.User()
	if err != nil || row.Version < now.UnixMilli() || u.Version != row.Version || u.Name != "Ann" || u.Bio != "" {
		t.Errorf("restored as version %d, %+v (%v)", row.Version, u, err)
	}
	on := func(version int64) api.Status {
		return apply(s, store.Write{ID: ann.ID, EntityID: ann.EntityID, Type: api.Update, BaseVersion: version, Patch: api.UserPatch{Bio: &bio}}).Status
	}
	if got := on(lost.Version); got != api.Conflict {
		t.Errorf("built on what was lost: %s", got)
	}
	if got := on(row.Version); got != api.Applied {
		t.Errorf("built on what was restored: %s", got)
	}
}
