package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// testVersionsFromOutside: no base makes a version that the server then refuses or that has no
// room to count on. What nobody can have seen is rejected; what may be from a history that is
// lost stays a conflict.
func testVersionsFromOutside(t *testing.T, b *fixture) {
	lost := store.VersionAt(b.now().Add(-time.Hour))
	beyond := store.VersionAt(b.now().AddDate(0, 0, 2))
	ann := b.create("Ann", "ann@example.org")
	b.unchanged(func() {
		for _, base := range []int64{beyond, 1 << 52, api.MaxVersion} {
			for _, o := range []api.Operation{
				op(uuid.NewString(), api.Create, base, person("Bo", "bo@example.org")), op(ann, api.Create, base, person("Bo", "bo@example.org")),
				op(ann, api.Update, base, `{"bio":"x"}`), op(ann, api.Delete, base, ""), op(uuid.NewString(), api.Update, base, `{"bio":"x"}`),
			} {
				if p := b.one(o, api.Rejected).Result.Problem; p.Code != api.CodeInvalid || len(p.Errors) != 1 || p.Errors[0].Field != "baseVersion" {
					t.Errorf("%s on %d: %+v", o.Type, base, p)
				}
			}
		}
		b.one(op(ann, api.Update, lost, `{"bio":"x"}`), api.Conflict)
		b.one(op(ann, api.Delete, lost, ""), api.Conflict)
		b.one(op(uuid.NewString(), api.Update, lost, `{"bio":"x"}`), api.Conflict)
	})
	// Whoever was deleted in a lost history, or before the tombstone was collected, is restored
	// above all versions; each answer's version is a base for what follows.
	for range 3 {
		id := uuid.NewString()
		v := b.one(op(id, api.Create, lost, person("Cy", id+"@example.org")), api.Applied).Result.Version
		if v <= lost {
			t.Errorf("restored as version %d, on %d", v, lost)
		}
		v = b.one(op(id, api.Update, v, `{"bio":"x"}`), api.Applied).Result.Version
		v = b.one(op(id, api.Delete, v, ""), api.Applied).Result.Version
		v = b.one(op(id, api.Create, v, person("Cy", id+"@example.org")), api.Applied).Result.Version
		b.one(op(id, api.Delete, v, ""), api.Applied)
	}
	// These versions count as given out: the next that is new is none of them.
	last := b.one(op(ann, api.Update, 1, `{"bio":"y"}`), api.Applied).Result.Version
	id := uuid.NewString()
	if v := b.one(op(id, api.Create, last, person("Di", id+"@example.org")), api.Applied).Result.Version; v <= last {
		t.Errorf("version %d after %d", v, last)
	}
	b.one(op(ann, api.Update, last, `{"bio":"z"}`), api.Applied)
	for range 20 { // it can't be pushed up
		r := b.apply(op(uuid.NewString(), api.Create, store.VersionAt(b.now().Add(23*time.Hour)), person("Ed", uuid.NewString()+"@example.org")))[0].Result
		if r.Version > store.VersionAt(b.now().AddDate(0, 0, 1)) {
			t.Fatalf("a base pushed the versions up to %d", r.Version)
		}
	}
}
