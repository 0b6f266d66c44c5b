package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
)

// step is an operation on the entity of a scenario, and its expected outcome.
type step struct {
	do   string // create, update or delete
	base int64
	data string
	want string // status, version, and the name in the document, or - for null
}

const ada = `{"name":"Ada","email":"ada@example.org"}`

var scenarios = []struct {
	name  string
	steps []step
}{
	{"create", []step{{"create", 0, ada, "applied 1 Ada"}}},
	{"create what is there", []step{
		{"create", 0, ada, "applied 1 Ada"},
		{"create", 0, `{"email":" ada@example.org","name":"Ada ","bio":""}`, "duplicate 1 Ada"},
		{"create", 0, `{"name":"Ada","email":"Ada@example.org"}`, "conflict 1 Ada"},
		{"create", 1, `{"name":"Eve","email":"ada@example.org"}`, "conflict 1 Ada"},
	}},
	{"update", []step{
		{"create", 0, ada, "applied 1 Ada"},
		{"update", 1, `{"name":"Ada L"}`, "applied 2 Ada L"},
		{"update", 2, `{"name":"Ada L"}`, "applied 3 Ada L"},
		{"update", 2, `{"name":"Eve"}`, "conflict 3 Ada L"},
		{"update", 9, `{"name":"Eve"}`, "conflict 3 Ada L"},
		{"update", 1, `{"name":"Ada L","bio":""}`, "duplicate 3 Ada L"},
		{"update", 1, `{"name":"Ada L","bio":"x"}`, "conflict 3 Ada L"},
	}},
	{"update what is not there", []step{
		{"update", 0, `{"name":"Eve"}`, "conflict 0 -"},
		{"update", 1, `{"name":"Eve"}`, "conflict 0 -"},
	}},
	{"delete", []step{
		{"create", 0, ada, "applied 1 Ada"},
		{"delete", 7, "", "conflict 1 Ada"},
		{"delete", 1, "", "applied 2 -"},
		{"delete", 1, "", "duplicate 2 -"},
		{"delete", 2, "", "duplicate 2 -"},
		{"update", 1, `{"name":"Eve"}`, "conflict 2 -"},
		{"update", 2, `{"name":"Eve"}`, "conflict 2 -"},
	}},
	{"delete what is not there", []step{{"delete", 1, "", "duplicate 0 -"}}},
	{"restore", []step{
		{"create", 0, ada, "applied 1 Ada"},
		{"delete", 1, "", "applied 2 -"},
		{"create", 0, ada, "conflict 2 -"},
		{"create", 1, ada, "conflict 2 -"},
		{"create", 2, `{"name":"Ada L","email":"ada@example.org"}`, "applied 3 Ada L"},
		{"delete", 3, "", "applied 4 -"},
	}},
}

func testOperations(t *testing.T, b *fixture) {
	for _, s := range scenarios {
		id := uuid.NewString()
		var version int64
		for i, st := range s.steps {
			before := b.head()
			r := b.apply(op(id, api.OperationType(st.do), st.base, strings.ReplaceAll(st.data, "da@", "da-"+id+"@")))[0].Result
			if got := fmt.Sprint(r.Status, " ", r.Version, " ", nameIn(t, r.Document)); got != st.want {
				t.Errorf("%s, step %d (%s on %d): %s, want %s", s.name, i, st.do, st.base, got, st.want)
			}
			if changed := b.head() != before; changed != (r.Status == api.Applied) {
				t.Errorf("%s, step %d: %s, and the feed changed: %v", s.name, i, r.Status, changed)
			}
			if r.Version > 0 && r.Stamp == "" {
				t.Errorf("%s, step %d: a result without the row's stamp", s.name, i)
			}
			if (r.Problem != nil) != (r.Status == api.Conflict) {
				t.Errorf("%s, step %d: %s with problem %v", s.name, i, r.Status, r.Problem)
			}
			version = max(version, r.Version)
		}
		b.checkEntity(s.name, id, version)
	}
}

// checkEntity compares User with the feed.
func (b *fixture) checkEntity(name, id string, version int64) {
	b.Helper()
	changes, _ := b.feed(b.start(), 1000)
	var found []api.Change
	for _, c := range changes {
		if c.EntityID == id {
			found = append(found, c)
		}
	}
	row, err := b.store.User(b.Context(), id)
	switch {
	case version == 0:
		if len(found) > 0 || err == nil {
			b.Errorf("%s: never created, but in the feed %+v, or stored %+v", name, found, row)
		}
		return
	case len(found) != 1 || found[0].Version != version || found[0].EntityType != api.EntityUser:
		b.Errorf("%s: the feed has %+v, want version %d once", name, found, version)
		return
	case found[0].Deleted:
		if err == nil || len(found[0].Document) > 0 {
			b.Errorf("%s: deleted, but stored %+v, or with document %s", name, row, found[0].Document)
		}
		return
	case err != nil:
		b.Errorf("%s: %v", name, err)
		return
	}
	if row.Version != version || string(row.Document) != string(found[0].Document) || row.Stamp != found[0].Stamp {
		b.Errorf("%s: the row %+v differs from the feed's %+v", name, row, found[0])
	}
	if u, err := row.User(); err != nil || u.ID != id || u.Version != version || !u.UpdatedAt.Equal(row.UpdatedAt) || !u.CreatedAt.Equal(row.CreatedAt) {
		b.Errorf("%s: the document has %+v, the row %+v (%v)", name, u, row, err)
	}
}

func nameIn(t *testing.T, document json.RawMessage) string {
	t.Helper()
	if len(document) == 0 {
		return "-"
	}
	var u api.User
	if err := json.Unmarshal(document, &u); err != nil {
		t.Fatalf("document %s: %v", document, err)
	}
	return u.Name
}

func testBatchOrder(t *testing.T, b *fixture) {
	one, two := uuid.NewString(), uuid.NewString()
	outcomes := b.apply(
		op(one, api.Create, 0, person("One", "one@example.org")),
		op(two, api.Create, 0, person("Two", "one@example.org")), // taken by the one before
		op(one, api.Update, 1, `{"email":"free@example.org"}`),
		op(two, api.Create, 0, person("Two", "one@example.org")), // and free now
		op(one, api.Update, 1, `{"name":"Stale"}`),
		op(one, api.Delete, 2, ""),
		op(two, api.Update, 1, `{"email":"free@example.org"}`),
	)
	want := []api.Status{api.Applied, api.Rejected, api.Applied, api.Applied, api.Conflict, api.Applied, api.Applied}
	for i, o := range outcomes {
		if o.Result.Status != want[i] {
			t.Errorf("operation %d: %+v, want %s", i, o.Result, want[i])
		}
	}
	b.checkEntity("one", one, 3)
	b.checkEntity("two", two, 2)
}

func testStampsAndTimes(t *testing.T, b *fixture) {
	id := uuid.NewString()
	create := op(id, api.Create, 0, ada)
	create.Stamp = api.NewStamp(b.now().Add(-time.Minute), "", "client01")
	if r := b.one(create, api.Applied).Result; r.Stamp != create.Stamp {
		t.Errorf("stamp %s, want the client's %s", r.Stamp, create.Stamp)
	}
	row, err := b.store.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !row.CreatedAt.Equal(create.CreatedAt) || !row.UpdatedAt.Equal(b.now()) {
		t.Errorf("created at %v, updated at %v", row.CreatedAt, row.UpdatedAt)
	}

	fast := op(id, api.Update, 1, `{"bio":"from the future"}`)
	fast.Stamp = api.NewStamp(b.now().AddDate(1, 0, 0), "", "client01")
	if r := b.one(fast, api.Applied).Result; r.Stamp.Time().After(b.now()) || r.Stamp <= create.Stamp {
		t.Errorf("a stamp a year ahead became %s (%v)", r.Stamp, r.Stamp.Time())
	}
	before, err := b.store.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	bare := op(id, api.Delete, 2, "")
	if r := b.one(bare, api.Applied).Result; r.Stamp <= before.Stamp {
		t.Errorf("the server's stamp %s is not after the row's %s", r.Stamp, before.Stamp)
	}

	restore := op(id, api.Create, 3, ada)
	restore.CreatedAt = b.now()
	b.one(restore, api.Applied)
	if row, err = b.store.User(t.Context(), id); err != nil || !row.CreatedAt.Equal(create.CreatedAt) {
		t.Errorf("restored as created at %v, want %v (%v)", row.CreatedAt, create.CreatedAt, err)
	}

	early := op(uuid.NewString(), api.Create, 0, person("Early", "early@example.org"))
	early.CreatedAt = b.now().AddDate(1, 0, 0)
	b.one(early, api.Applied)
	if row, err = b.store.User(t.Context(), early.EntityID); err != nil || !row.CreatedAt.Equal(b.now()) {
		t.Errorf("created next year: stored %v, want %v (%v)", row.CreatedAt, b.now(), err)
	}
}

func testExactlyOnce(t *testing.T, b *fixture) {
	id := uuid.NewString()
	create, update := op(id, api.Create, 0, ada), op(id, api.Update, 1, `{"name":"Ada L"}`)
	b.one(create, api.Applied)
	second := b.one(update, api.Applied)
	conflict := op(id, api.Update, 1, `{"name":"Eve"}`)
	b.one(conflict, api.Conflict)
	b.unchanged(func() {
		// A replica must not go back in time: each replay returns the current user.
		for _, replay := range []api.Operation{create, update} {
			o := b.one(replay, api.Duplicate)
			if !o.Replayed || o.First != api.Applied || o.Result.Version != second.Result.Version ||
				o.Result.Stamp != second.Result.Stamp || string(o.Result.Document) != string(second.Result.Document) {
				t.Errorf("the replay answers %+v, the latest answer was %+v", o, second)
			}
		}
		// A repeat in one batch is a replay too.
		if o := b.apply(update, update); o[0].Result.Status != api.Duplicate || o[1].Result.Status != api.Duplicate {
			t.Errorf("twice in a batch: %+v", o)
		}
		other := update
		other.Data = []byte(`{"name":"Eve"}`)
		if p := b.one(other, api.Rejected).Result.Problem; p == nil || p.Code != api.CodeKeyReused || p.Status != 422 {
			t.Errorf("the id with another payload: %+v", p)
		}
		spaced := update
		spaced.Data = []byte(` { "name" : "Ada L" } `)
		b.one(spaced, api.Duplicate)
	})
	fresh := op(uuid.NewString(), api.Create, 0, person("Fresh", "fresh@example.org"))
	if o := b.apply(fresh, fresh); o[0].Result.Status != api.Applied || o[1].Result.Status != api.Duplicate {
		t.Errorf("a new one twice in a batch: %+v", o)
	}

	// A conflict leaves no record: it is decided again, and may now apply.
	b.one(op(id, api.Delete, 2, ""), api.Applied)
	conflict.Type, conflict.Data, conflict.BaseVersion = api.Create, []byte(ada), 3
	if o := b.one(conflict, api.Applied); o.Replayed {
		t.Errorf("answered from a record: %+v", o)
	}
	// A delete's record has no document, even when it is read again.
	gone := op(id, api.Delete, 4, "")
	b.one(gone, api.Applied)
	if o := b.one(gone, api.Duplicate); o.Result.Document != nil || o.Result.Version != 5 {
		t.Errorf("a replayed delete answers %+v", o.Result)
	}
	// A duplicate keeps its result too.
	idle := op(id, api.Delete, 4, "")
	b.one(idle, api.Duplicate)
	if o := b.one(idle, api.Duplicate); !o.Replayed || o.First != api.Duplicate {
		t.Errorf("a replayed duplicate answers %+v", o)
	}
}

// testAhead: what was based on a version that its entity had not reached stays a conflict when it has.
// The replica has put another operation in its place, so a late copy would undo what came since.
func testAhead(t *testing.T, b *fixture) {
	ann, gone, unknown := b.create("Ann", "ann@example.org"), b.create("Bo", "bo@example.org"), uuid.NewString()
	b.one(op(gone, api.Delete, 1, ""), api.Applied)
	ahead := []api.Operation{
		op(ann, api.Update, 3, `{"bio":"damaged"}`), op(ann, api.Delete, 3, ""),
		op(gone, api.Create, 3, person("Damaged", "damaged@example.org")), op(gone, api.Update, 3, `{"bio":"damaged"}`),
		op(unknown, api.Update, 3, `{"bio":"damaged"}`),
	}
	refused := func() {
		t.Helper()
		b.unchanged(func() {
			for _, o := range ahead {
				if again := b.one(o, api.Conflict); again.Replayed || again.Result.Problem.Code != api.CodeConflict {
					t.Errorf("%s on 3 of %s: %+v", o.Type, o.EntityID, again)
				}
			}
		})
	}
	refused()
	b.one(op(unknown, api.Create, 0, person("Cy", "cy@example.org")), api.Applied)
	for _, o := range []api.Operation{
		op(ann, api.Update, 1, `{"bio":"x"}`), op(ann, api.Update, 2, `{"bio":"y"}`),
		op(gone, api.Create, 2, person("Bo", "bo@example.org")),
		op(unknown, api.Update, 1, `{"bio":"x"}`), op(unknown, api.Update, 2, `{"bio":"y"}`),
	} {
		if v := b.one(o, api.Applied).Result.Version; v > 3 {
			t.Fatalf("%s has come to version %d already", o.EntityID, v)
		}
	}
	refused()
	b.one(op(gone, api.Delete, 3, ""), api.Applied)
	refused()
	other := ahead[0]
	other.BaseVersion = 4
	if p := b.one(other, api.Rejected).Result.Problem; p.Code != api.CodeKeyReused {
		t.Errorf("its id with another base: %+v", p)
	}
	// What was behind its entity is behind it for good, and leaves no record.
	behind := op(ann, api.Update, 1, `{"bio":"z"}`)
	b.one(behind, api.Conflict)
	behind.BaseVersion = 3
	b.one(behind, api.Applied)
}

func testExactlyOnceConcurrently(t *testing.T, b *fixture) {
	id := b.create("Ada", "ada@example.org")
	for round := range int64(10) {
		update := op(id, api.Update, round+1, fmt.Sprintf(`{"bio":"round %d"}`, round))
		var applied atomic.Int64
		errs := together(8, func(int) error {
			o, err := try(t.Context(), b.store, update)
			if err != nil {
				return err
			}
			switch r := o[0].Result; {
			case r.Version != round+2:
				return fmt.Errorf("answered %+v, want version %d", r, round+2)
			case r.Status == api.Applied:
				applied.Add(1)
			case r.Status != api.Duplicate:
				return fmt.Errorf("answered %+v", r)
			}
			return nil
		})
		if len(errs) > 0 || applied.Load() != 1 {
			t.Fatalf("applied %d times; errors %v", applied.Load(), errs)
		}
	}
	b.checkEntity("Ada", id, 11)
}

func testPrune(t *testing.T, b *fixture) {
	id := uuid.NewString()
	create := op(id, api.Create, 0, ada)
	b.one(create, api.Applied)
	b.advance(time.Hour)
	update := op(id, api.Update, 1, `{"name":"Ada L"}`)
	b.one(update, api.Applied)
	if n, err := b.store.Prune(t.Context(), b.now().Add(-time.Minute)); n != 1 || err != nil {
		t.Fatalf("pruned %d records (%v), want the first of two", n, err)
	}
	b.unchanged(func() {
		if o := b.one(update, api.Duplicate); !o.Replayed {
			t.Error("the younger record is gone")
		}
		// Even without its record, a replay is harmless.
		b.one(create, api.Conflict)
		if _, err := b.store.Prune(t.Context(), b.now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if o := b.one(update, api.Duplicate); o.Replayed {
			t.Error("answered from a pruned record")
		}
	})
}

func testEmail(t *testing.T, b *fixture) {
	one, two := b.create("One", "One@example.org"), b.create("Two", "two@example.org")
	b.unchanged(func() {
		for _, taken := range []api.Operation{
			op(uuid.NewString(), api.Create, 0, person("Three", "ONE@EXAMPLE.org")),
			op(two, api.Update, 1, `{"email":" one@example.org"}`),
		} {
			r := b.one(taken, api.Rejected).Result
			if r.Problem == nil || r.Problem.Code != api.CodeEmailTaken || r.Problem.Status != 409 ||
				!strings.Contains(strings.ToLower(r.Problem.Detail), "one@example.org") {
				t.Errorf("problem %+v", r.Problem)
			}
			if r.Document != nil || r.Version != 0 {
				t.Errorf("a rejected operation answers %+v", r)
			}
		}
		// A conflict comes first: a stale write's email is not checked.
		b.one(op(two, api.Update, 9, `{"email":"one@example.org"}`), api.Conflict)
	})
	b.one(op(one, api.Update, 1, `{"email":"ONE@example.org"}`), api.Applied)
	b.one(op(one, api.Update, 2, `{"name":"Still one"}`), api.Applied)
	b.one(op(one, api.Delete, 3, ""), api.Applied)
	late := op(two, api.Update, 1, `{"email":"one@example.org"}`)
	b.one(late, api.Applied)
	b.one(op(one, api.Create, 4, person("One", "one@example.org")), api.Rejected)
	b.one(op(one, api.Create, 4, person("One", "two@example.org")), api.Applied)
}

// testEmailsMove: a batch rotates the emails of four users, so that none of them could be saved
// in its last state before another one.
func testEmailsMove(t *testing.T, b *fixture) {
	address := func(i int) string { return fmt.Sprintf("p%d@example.org", i%4) }
	var ids []string
	for i := range 4 {
		ids = append(ids, b.create("P", address(i)))
	}
	round := []api.Operation{op(ids[0], api.Update, 1, `{"email":"free@example.org"}`)}
	for i := range 3 {
		round = append(round, op(ids[i+1], api.Update, 1, fmt.Sprintf(`{"email":%q}`, address(i))))
	}
	round = append(round, op(ids[0], api.Update, 2, fmt.Sprintf(`{"email":%q}`, address(3))),
		op(uuid.NewString(), api.Create, 0, person("Late", "p0@example.org")))
	for i, o := range b.apply(round...) {
		want := api.Applied
		if i == len(round)-1 {
			want = api.Rejected
		}
		if o.Result.Status != want {
			t.Errorf("step %d of a round: %+v, want %s", i, o.Result, want)
		}
	}
	for i, id := range ids {
		row, err := b.store.User(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := row.User(); err != nil || u.Email != address(i+3) {
			t.Errorf("%d has %s (%v)", i, u.Email, err)
		}
	}
	b.checkDigest("after a round")
}

func testEmailConcurrently(t *testing.T, b *fixture) {
	for round := range 10 {
		var applied, taken atomic.Int64
		errs := together(16, func(i int) error {
			email := fmt.Sprintf("person%d@example.org", round)
			if i%2 == 0 {
				email = strings.ToUpper(email)
			}
			o, err := try(t.Context(), b.store, op(uuid.NewString(), api.Create, 0, person("P", email)))
			switch {
			case err != nil:
				return err
			case o[0].Result.Status == api.Applied:
				applied.Add(1)
			case o[0].Result.Status == api.Rejected && o[0].Result.Problem.Code == api.CodeEmailTaken:
				taken.Add(1)
			default:
				return fmt.Errorf("answered %+v", o[0].Result)
			}
			return nil
		})
		if len(errs) > 0 || applied.Load() != 1 || taken.Load() != 15 {
			t.Fatalf("applied %d, taken %d, errors %v", applied.Load(), taken.Load(), errs)
		}
	}
}

// testEntityConcurrently: of many writes based on one version, one is applied, and the others
// get its result.
func testEntityConcurrently(t *testing.T, b *fixture) {
	id := b.create("Ada", "ada@example.org")
	for base := int64(1); base <= 10; base++ {
		var applied atomic.Int64
		errs := together(16, func(i int) error {
			o, err := try(t.Context(), b.store, op(id, api.Update, base, fmt.Sprintf(`{"bio":"%d by %d"}`, base, i)))
			switch {
			case err != nil:
				return err
			case o[0].Result.Version != base+1:
				return fmt.Errorf("answered %+v, want version %d", o[0].Result, base+1)
			case o[0].Result.Status == api.Applied:
				applied.Add(1)
			case o[0].Result.Status != api.Conflict:
				return fmt.Errorf("answered %+v", o[0].Result)
			}
			return nil
		})
		if len(errs) > 0 || applied.Load() != 1 {
			t.Fatalf("applied %d, errors %v", applied.Load(), errs)
		}
	}
}
