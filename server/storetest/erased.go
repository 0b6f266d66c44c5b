package storetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

const day = 24 * time.Hour

// keyed is a plain request under a key, made anew each time it is sent.
func keyed(key string, kind api.OperationType, id string, base int64, fields api.UserPatch) store.Write {
	w, _ := store.Write{
		ID: uuid.NewString(), Key: "request:" + key, EntityID: id, Unnamed: id == "", Type: kind, BaseVersion: base,
	}.WithPatch(fields)
	if w.Unnamed {
		w.EntityID = uuid.NewString()
	}
	return w
}

func personal(name, email string) api.UserPatch {
	bio := "about " + name
	return api.UserPatch{Name: &name, Email: &email, Bio: &bio}
}

func (b *fixture) write(w store.Write) store.Outcome {
	b.Helper()
	outcomes, err := b.store.Apply(b.Context(), []store.Write{w})
	if err != nil {
		b.Fatal(err)
	}
	return outcomes[0]
}

// idOf is the id of the user that an outcome shows.
func (b *fixture) idOf(o store.Outcome) string {
	b.Helper()
	var u api.User
	if err := json.Unmarshal(o.Result.Document, &u); err != nil {
		b.Fatalf("%+v shows no user: %v", o, err)
	}
	return u.ID
}

func (b *fixture) prune() {
	b.Helper()
	if _, err := b.store.Prune(b.Context(), b.now().Add(-90*day)); err != nil {
		b.Fatal(err)
	}
}

// testErased: what once created a user does not bring them back after they were deleted, whether
// the client named them or not, as long as their tombstone is kept; and it shows nothing of them.
func testErased(t *testing.T, b *fixture) {
	named := op(uuid.NewString(), api.Create, 0, person("Named", "named@example.org"))
	b.one(named, api.Applied)
	unnamed := func() store.Write {
		return keyed("u", api.Create, "", 0, personal("Unnamed", "unnamed@example.org"))
	}
	id := b.idOf(b.write(unnamed()))
	edit := func() store.Write { return keyed("e", api.Update, id, 1, personal("Edited", "edited@example.org")) }
	b.write(edit())
	if o := b.write(unnamed()); !o.Replayed || o.First != api.Applied || o.Result.Version != 2 || b.idOf(o) != id {
		t.Errorf("the replay answers %+v, want the user as they are by now", o)
	}

	b.advance(89 * day)
	b.one(op(named.EntityID, api.Delete, 1, ""), api.Applied)
	b.write(keyed("d", api.Delete, id, 2, api.UserPatch{}))
	stayErased := func(when string) {
		t.Helper()
		b.unchanged(func() {
			for what, o := range map[string]store.Outcome{
				"operation": b.apply(named)[0], "request": b.write(unnamed()), "edit": b.write(edit()),
			} {
				if o.Result.Document != nil || o.Result.Status != api.Duplicate || !o.Replayed || o.First != api.Applied {
					t.Errorf("%s, the %s is answered %+v", when, what, o)
				}
			}
		})
	}
	stayErased("after the delete")
	b.advance(2 * day) // the records are older than 90 days, the tombstones are not
	b.prune()
	stayErased("after the records' time")
	b.advance(88*day - time.Minute)
	b.prune()
	if n, err := b.store.Collect(t.Context(), b.now().Add(-90*day)); n != 0 || err != nil {
		t.Fatalf("collected %d (%v)", n, err)
	}
	stayErased("in the last minute of the tombstones")

	b.advance(2 * time.Minute)
	b.prune()
	if n, err := b.store.Collect(t.Context(), b.now().Add(-90*day)); n != 2 || err != nil {
		t.Fatalf("collected %d (%v), want both", n, err)
	}
	// No record is left that would answer for them.
	if o := b.write(keyed("d", api.Delete, id, 2, api.UserPatch{})); o.Replayed {
		t.Errorf("a record of a collected user answers %+v", o)
	}
}

// testKeyUsedAgain: a key stands for one request. Another one under it has no effect, and is
// rejected as far as that can be told without a trace of the person's texts.
func testKeyUsedAgain(t *testing.T, b *fixture) {
	first := func(fields api.UserPatch) store.Write { return keyed("k", api.Create, "", 0, fields) }
	ada := personal("Ada", "ada@example.org")
	id := b.idOf(b.write(first(ada)))
	other := b.create("Bo", "bo@example.org")
	bare := ada
	bare.Bio = nil
	b.unchanged(func() {
		for i, w := range []store.Write{
			first(personal("Eve", "eve@example.org")), first(bare),
			keyed("k", api.Create, other, 0, ada), keyed("k", api.Update, id, 1, ada), keyed("k", api.Create, id, 1, ada),
			keyed("k", api.Delete, id, 1, api.UserPatch{}), keyed("k", api.Delete, other, 1, api.UserPatch{}),
		} {
			if o := b.write(w); o.Result.Status != api.Rejected || o.Result.Problem.Code != api.CodeKeyReused || o.Result.Document != nil {
				t.Errorf("request %d under the key: %+v", i, o.Result)
			}
		}
	})
	b.one(op(id, api.Update, 1, `{"bio":"moved on"}`), api.Applied)
	b.unchanged(func() {
		if o := b.write(first(ada)); !o.Replayed || b.idOf(o) != id || o.Result.Version != 2 {
			t.Errorf("the replay answers %+v", o)
		}
		if o := b.write(first(bare)); o.Result.Status != api.Rejected {
			t.Errorf("with other fields: %+v", o.Result)
		}
		b.write(first(personal("Eve", "eve@example.org"))) // whatever it is answered
	})
}

// testScopes: a key is its client's own, though another client uses the same.
func testScopes(t *testing.T, b *fixture) {
	shared := op(uuid.NewString(), api.Create, 0, person("Ada", "ada@example.org"))
	b.one(shared, api.Applied)
	theirs := shared
	theirs.EntityID, theirs.Data = uuid.NewString(), []byte(person("Bo", "bo@example.org"))
	for i, want := range []api.Status{api.Applied, api.Duplicate} {
		w, problem := store.Prepare(uuid.NewString(), theirs)
		if problem != nil {
			t.Fatal(problem)
		}
		w.Scope = "00000000-0000-4000-8000-00000000000b"
		if o := b.write(w); o.Result.Status != want || o.Replayed != (i == 1) || b.idOf(o) != theirs.EntityID {
			t.Errorf("of another client, time %d: %+v", i, o)
		}
	}
	if o := b.apply(shared)[0]; !o.Replayed || b.idOf(o) != shared.EntityID {
		t.Errorf("of the first client: %+v", o)
	}
	// In one group with each other, too.
	var group []store.Write
	for i := range 4 {
		next := op(uuid.NewString(), api.Create, 0, person("P", fmt.Sprintf("p%d@example.org", i)))
		next.ID = "00000000-0000-7000-8000-000000000001"
		w, problem := store.Prepare(fmt.Sprintf("00000000-0000-4000-8000-00000000001%d", i), next)
		if problem != nil {
			t.Fatal(problem)
		}
		group = append(group, w)
	}
	for range 2 {
		outcomes, err := b.store.Apply(t.Context(), group)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range outcomes {
			if o.First != api.Applied || b.idOf(o) != group[i].EntityID {
				t.Errorf("client %d of a group: %+v", i, o)
			}
		}
	}
}
