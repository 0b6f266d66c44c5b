package memory_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
	"github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/server/storetest"
)

// TestRestoredBackup: what a client built on versions that were lost with the
// time after the backup is a conflict afterwards, whatever their numbers.
func TestRestoredBackup(t *testing.T) {
	const id = "00000000-0000-4000-8000-000000000001"
	apply := func(s *memory.Store, kind api.OperationType, base int64, data, op string) api.Result {
		t.Helper()
		w, problem := store.Prepare(id, api.Operation{
			ID: "00000000-0000-4000-8000-0000000000" + op, EntityType: api.EntityUser, EntityID: id,
			Type: kind, BaseVersion: base, Data: json.RawMessage(data),
		})
		if problem != nil {
			t.Fatal(problem)
		}
		outcomes, err := s.Apply(t.Context(), []store.Write{w})
		if err != nil {
			t.Fatal(err)
		}
		return outcomes[0].Result
	}
	s := memory.New(memory.Options{Epoch: 1})
	apply(s, api.Create, 0, `{"name":"Ann","email":"ann@example.org"}`, "01")
	backup := s.Copy()
	lost := apply(s, api.Update, 1, `{"bio":"lost"}`, "02")
	cursor, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	restored, err := backup.Restored(2)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*memory.Store{"copied": backup, "restored": restored} {
		if err := storetest.CheckDigest(t.Context(), s, 10); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := restored.Changes(t.Context(), cursor, 10); !errors.Is(err, feed.ErrResync) {
		t.Errorf("a cursor from before: %v", err)
	}
	row, err := restored.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := row.User(); err != nil || u.Version != row.Version || row.Version < 1e12 || u.Name != "Ann" || u.Bio != "" {
		t.Errorf("restored as version %d, %+v (%v)", row.Version, u, err)
	}
	next := apply(restored, api.Update, row.Version, `{"bio":"new"}`, "03")
	if next.Status != api.Applied || next.Version == lost.Version {
		t.Errorf("written after: %+v", next)
	}
	if r := apply(restored, api.Update, lost.Version, `{"bio":"on what was lost"}`, "04"); r.Status != api.Conflict {
		t.Errorf("built on what was lost: %+v", r)
	}
}
