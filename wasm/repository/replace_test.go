package repository_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/repository"
)

type replacement = repository.Replacement[api.UserPatch]

func whole(name, email string) *api.UserPatch {
	bio := ""
	return &api.UserPatch{Name: &name, Email: &email, Bio: &bio}
}

// replaces fails the test unless the replacements are made as said.
func (d *device) replaces(all []replacement, want ...bool) {
	d.t.Helper()
	var made []bool
	err := repository.Replace(d.t.Context(), d.users, all, func(m []bool) { made = append(made, m...) })
	if err != nil || !slices.Equal(made, want) {
		d.t.Fatalf("it made %v (%v), want %v", made, err, want)
	}
}

// TestReplace: what is no longer as it was seen is left, what is done already counts, and each is an
// operation of its own.
func TestReplace(t *testing.T) {
	d := newDevice(t)
	a, b := d.users.NewID(), d.users.NewID()
	adds := []replacement{{ID: a, To: whole("A", "a@x.org")}, {ID: b, To: whole("B", "b@x.org")}}
	d.replaces(adds, true, true)
	d.replaces(adds, true, true) // they are there
	if n := len(d.queued()); n != 2 {
		t.Errorf("%d operations, want 2", n)
	}
	d.rename(b, "Bo")
	d.replaces([]replacement{
		{ID: a, From: whole("A", "a@x.org"), To: whole("Anna", "a@x.org")}, {ID: b, From: whole("B", "b@x.org"), To: whole("Bert", "b@x.org")},
	}, true, false)
	d.replaces([]replacement{{ID: a, From: whole("Anna", "a@x.org"), To: whole("", "a@x.org")}}, false) // nobody may be so
	d.replaces([]replacement{adds[1].Reverse(), {ID: a, From: whole("Anna", "a@x.org")}}, false, true)
	if all := d.queued(); len(all) != 1 || all[0].Ref.ID != b {
		t.Errorf("the queue has %v", all)
	}
}

// TestReplaceIsUncertain: it is looked at again, and nothing is done twice.
func TestReplaceIsUncertain(t *testing.T) {
	for _, what := range []string{"saved", "aborted", "never started"} {
		d := newDevice(t)
		d.store.next = what
		d.replaces([]replacement{{ID: d.users.NewID(), To: whole("A", "a@x.org")}}, true)
		if n := len(d.queued()); n != 1 {
			t.Errorf("%s: %d operations, want 1", what, n)
		}
	}
}

// TestWhoTakesAnAddressIsBehind: also where whoever gives it up had unsent work already.
func TestWhoTakesAnAddressIsBehind(t *testing.T) {
	d := newDevice(t)
	a, b := d.users.NewID(), d.users.NewID()
	d.replaces([]replacement{{ID: a, To: whole("A", "a@x.org")}, {ID: b, To: whole("B", "b@x.org")}}, true, true)
	d.acknowledge(a)
	d.acknowledge(b)
	now, err := d.users.Get(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	name := "Bo"
	if _, err := d.users.Update(t.Context(), now, api.UserPatch{Name: &name}); err != nil {
		t.Fatal(err)
	}
	c := d.users.NewID()
	d.replaces([]replacement{
		{ID: b, From: whole("Bo", "b@x.org"), To: whole("Bo", "new@x.org")},
		{ID: c, To: whole("C", "b@x.org")},
		{ID: a, From: whole("A", "a@x.org"), To: whole("A", "z@x.org")},
	}, true, true, true)
	var order []string
	for _, o := range d.queued() {
		order = append(order, o.Ref.ID)
	}
	if i, j := slices.Index(order, b), slices.Index(order, c); i < 0 || j < i {
		t.Errorf("the order is %v, with %s before %s", order, c, b)
	}
}

// TestReplaceEnds: between transactions, with what was done.
func TestReplaceEnds(t *testing.T) {
	d := newDevice(t)
	var all []replacement
	for n := range 500 {
		all = append(all, replacement{ID: d.users.NewID(), To: whole("A", fmt.Sprintf("a%d@x.org", n))})
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	made := 0
	err := repository.Replace(ctx, d.users, all, func(m []bool) {
		made += len(m)
		cancel(enough)
	})
	if !errors.Is(err, enough) || made == 0 || made == len(all) || len(d.queued()) != made {
		t.Errorf("it made %d (%v), and queued %d", made, err, len(d.queued()))
	}
}
