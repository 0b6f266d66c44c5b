//go:build e2e

package jsonserver_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestTwoOfflineClientsConverge(t *testing.T) {
	b := startBackend(t)
	one, two := b.client(), b.client()
	ann, bo, cy := one.create("Ann"), one.create("Bo"), one.create("Cy")
	one.sync()
	two.sync()
	if name, _ := two.shows(bo); name != "Bo" {
		t.Fatalf("two shows %q", name)
	}

	b.stop()
	one.create("Dee")
	two.create("Eva")
	one.writesBio(ann, "by one") // other fields of the same user
	two.rename(ann, "Anna")
	one.writesBio(bo, "by one") // the same field
	two.writesBio(bo, "by two")
	one.remove(cy) // an update of what is deleted
	two.writesBio(cy, "too late")
	one.offline()
	two.offline()

	b.start()
	if r := one.sync(); r.Pushed != 4 || r.Conflict != 0 {
		t.Errorf("one: %+v", r)
	}
	b.stop()
	two.offline()
	b.start()
	if r := two.sync(); r.Conflict != 3 {
		t.Errorf("two: %+v", r)
	}
	converge(b, one, two)
	if name, bio := one.shows(ann); name != "Anna" || bio != "by one" {
		t.Errorf("Ann is %q, %q: one side's field was lost", name, bio)
	}
	// The backend dates one's write by its arrival, after two's was made. Two's value is in
	// the conflict.
	if _, bio := one.shows(bo); bio != "by one" {
		t.Errorf("Bo's bio is %q", bio)
	}
	if name, _ := two.shows(cy); name != "" {
		t.Errorf("Cy, who was deleted, is back as %q", name)
	}
	conflicts, err := two.Conflicts(t.Context(), 10)
	if err != nil || len(conflicts) != 3 {
		t.Errorf("recorded %+v, %v", conflicts, err)
	}
	if n := len(b.rows()); n != 4 {
		t.Errorf("the backend has %d users, want 4", n)
	}
}

func TestForeignChangesArrive(t *testing.T) {
	b := startBackend(t)
	one := b.client()
	ann, bo := one.create("Ann"), one.create("Bo")
	one.sync()
	const foreign = "0f3e4c9a-6d4e-4b0f-9f64-3c1d5a4a7b11"
	b.send(http.MethodPost, "/users", `{"id":"`+foreign+`","name":"Zoe","email":"zoe@example.org","bio":"","createdAt":"2020-01-01T00:00:00.000Z","updatedAt":"2099-01-01T00:00:00.000Z"}`)
	b.send(http.MethodPatch, "/users/"+ann, `{"name":"Anna","updatedAt":"2099-01-01T00:00:00.000Z"}`)
	one.sync()
	if name, _ := one.shows(foreign); name != "Zoe" {
		t.Errorf("the foreign user shows as %q", name)
	}
	if name, _ := one.shows(ann); name != "Anna" {
		t.Errorf("the foreign change shows as %q", name)
	}
	// Those dates are in the future. Writes of the present arrive nevertheless.
	two := b.client()
	late := two.create("Late")
	two.sync()
	one.sync()
	if name, _ := one.shows(late); name != "Late" {
		t.Error("a date in the future hides a present write")
	}

	one.writesBio(bo, "unsent")
	b.send(http.MethodDelete, "/users/"+foreign, "")
	b.send(http.MethodPatch, "/users/"+ann, `{"bio":"without a date"}`)
	before := one.writes
	one.syncFully()
	if name, _ := one.shows(foreign); name != "" || one.writes != before+1 {
		t.Errorf("the deleted user shows as %q", name)
	}
	if _, bio := one.shows(ann); bio != "without a date" {
		t.Errorf("the undated change shows as %q", bio)
	}
	// An undated change conflicts in the field it changed.
	one.writesBio(ann, "mine")
	b.send(http.MethodPatch, "/users/"+ann, `{"bio":"theirs"}`)
	if r := one.sync(); r.Conflict != 1 {
		t.Errorf("a change went unseen: %+v", r)
	}
	converge(b, one, two)
}

func TestAChangeWithinTheSameSecondArrives(t *testing.T) {
	b := startBackend(t)
	one := b.client()
	ann := one.create("Ann")
	one.sync()
	for _, bio := range []string{"first", "second"} {
		b.send(http.MethodPatch, "/users/"+ann, `{"bio":"`+bio+`","updatedAt":"2030-01-01T00:00:00Z"}`)
		one.sync()
		if _, shown := one.shows(ann); shown != bio {
			t.Errorf("the bio is %q, want %q", shown, bio)
		}
	}
}

func TestLostAnswerHasNoSecondEffect(t *testing.T) {
	b := startBackend(t)
	one := b.client()
	id := one.create("Ann")
	step := func(what string) {
		t.Helper()
		reached := one.writes
		one.intercept = func(int) error { return errors.New("connection reset") }
		one.offline()
		after := fmt.Sprint(b.rows())
		one.intercept = nil
		one.sync()
		if again := fmt.Sprint(b.rows()); again != after || one.writes != reached+1 {
			t.Errorf("%s took effect %d times: %s, then %s", what, one.writes-reached, after, again)
		}
		converge(b, one)
	}
	step("create")
	one.writesBio(id, "hello")
	step("update")
	one.remove(id)
	step("delete")
	if n := len(b.rows()); n != 0 {
		t.Errorf("%d users are left", n)
	}
	if conflicts, err := one.Conflicts(t.Context(), 5); err != nil || len(conflicts) != 0 {
		t.Errorf("the client's own write caused a conflict: %+v, %v", conflicts, err)
	}
}

func TestBackendDiesWithinABatch(t *testing.T) {
	b := startBackend(t)
	one := b.client()
	const all, done = 30, 11
	for i := range all {
		one.create(fmt.Sprintf("User%02d", i))
	}
	one.intercept = func(n int) error {
		if n == done { // after this one has committed
			b.stop()
			return errors.New("connection reset")
		}
		return nil
	}
	one.offline()
	counts, err := one.Counts(t.Context())
	must(t, err)
	if counts.Waiting != all-done+1 {
		t.Errorf("%d wait, want %d", counts.Waiting, all-done+1)
	}
	one.intercept = nil
	b.start()
	one.sync()
	if n := len(b.rows()); n != all || one.writes != all {
		t.Errorf("%d users after %d writes, want %d", n, one.writes, all)
	}
	converge(b, one)
}

func TestPagination(t *testing.T) {
	b := startBackend(t)
	const all, later = 1203, 700 // more than two pages, and more than one
	rows := make([]map[string]any, all)
	for i := range rows {
		rows[i] = map[string]any{
			"id": uuid.NewString(), "name": fmt.Sprintf("User%04d", i), "email": fmt.Sprintf("user%d@example.org", i), "bio": "",
			"createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
		}
	}
	b.reset(rows)
	one := b.client()
	one.sync() // in the order of ids
	count := func(bio string) (n int) {
		t.Helper()
		page, err := one.List(t.Context(), repository.Query{Limit: 2 * all})
		must(t, err)
		for _, r := range page.Records.All() {
			if r.Value.Bio == bio {
				n++
			}
		}
		return n
	}
	if n := count(""); n != all {
		t.Fatalf("%d users have arrived, want %d", n, all)
	}
	for i, row := range rows[:later] {
		row["bio"], row["updatedAt"] = "changed", "2026-02-01T00:00:00.000Z" // all at once
		if i%3 == 0 {
			row["updatedAt"] = fmt.Sprintf("2026-02-01T00:00:01.%03dZ", i)
		}
	}
	b.reset(rows)
	one.sync() // in the order of changes
	if n := count("changed"); n != later {
		t.Errorf("%d changes have arrived, want %d", n, later)
	}
}

// TestRandomWritesConverge: two clients write at random, over a network that loses answers, and
// the backend is restarted.
func TestRandomWritesConverge(t *testing.T) {
	b := startBackend(t)
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	clients := []*client{b.client(), b.client()}
	for _, c := range clients {
		c.intercept = func(int) error {
			if random.IntN(6) == 0 {
				return errors.New("connection reset")
			}
			return nil
		}
	}
	for i := range 150 {
		c := clients[random.IntN(2)]
		page, err := c.List(t.Context(), repository.Query{Limit: 1000})
		must(t, err)
		switch pick := random.IntN(10); {
		case i == 50 || i == 100:
			b.stop()
			c.create(fmt.Sprintf("User%03d", i))
			c.offline()
			b.start()
		case pick < 3 || page.Records.Len() == 0:
			c.create(fmt.Sprintf("User%03d", i))
		case pick < 7:
			c.writesBio(page.Records.At(random.IntN(page.Records.Len())).Value.ID, fmt.Sprint("bio ", i))
		case pick < 8:
			c.remove(page.Records.At(random.IntN(page.Records.Len())).Value.ID)
		default: // may fail, since answers get lost
			if _, err := c.engine.Round(t.Context(), sync.Manual); err != nil {
				t.Logf("step %d: %v", i, err)
			}
		}
	}
	for _, c := range clients {
		c.intercept = nil
	}
	converge(b, clients...)
	if len(b.rows()) < 10 {
		t.Errorf("only %d users are left: too little happened (seed %d)", len(b.rows()), seed)
	}
}
